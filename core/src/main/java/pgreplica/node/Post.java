package pgreplica.node;

import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;
import pgreplica.node.PeerMessage.NodeStatus;
import pgreplica.raft.Input;
import pgreplica.raft.Message;

/** What arrives from other nodes: who may say what to whom. */
final class Post {
    private Post() {}

    static void receive(Turn turn, NodeId from, Envelope envelope) {
        // The host vouches for the name; what it cannot know is which life of that node speaks.
        if (!envelope.from().node().equals(from) || from.equals(turn.self())) return;
        if (turn.settings.listedNode(from).isEmpty()) return;
        switch (envelope.message()) {
            case PeerMessage.Status(var status) -> status(turn, envelope, status);
            case PeerMessage.Raft(var message) -> {
                if (isForMe(turn, envelope) && isOfMyCluster(turn, envelope)) raft(turn, envelope.from(), message);
            }
            case PeerMessage.Order(var term, var directive) -> {
                if (isOfMyCluster(turn, envelope)) OwnServer.obey(turn, from, term, directive);
            }
            case PeerMessage.Forward(var ticket, var verb, var arguments) -> {
                if (isOfMyCluster(turn, envelope)) Requests.forwarded(turn, from, ticket, verb, arguments);
            }
            case PeerMessage.ForwardReply(var ticket, var ok, var text) -> Requests.answered(turn, ticket, ok, text);
        }
    }

    private static boolean isForMe(Turn turn, Envelope envelope) {
        // A message to an earlier life of this node must not be answered by the present one (A11).
        return envelope.to().number() == turn.raft.self().number();
    }

    /** A node that belongs to no cluster yet is told by the leader that admits it. */
    private static boolean isOfMyCluster(Turn turn, Envelope envelope) {
        if (turn.isMember()) {
            // A learner does not know the cluster's name before it has the first snapshot, but its number is known.
            boolean admitted = envelope.clusterId().isEmpty()
                    && turn.raft.configuration().hasMember(envelope.from());
            return admitted || turn.clusterId().equals(envelope.clusterId());
        }
        String ofData = turn.observed.identity().clusterId();
        return !envelope.clusterId().isEmpty() && (ofData.isEmpty() || ofData.equals(envelope.clusterId()));
    }

    private static void raft(Turn turn, VoterId from, Message message) {
        if (message instanceof Message.TimeoutNow(var term, _) && term.equals(turn.term())) {
            turn.leadership.summon(term.next());
        }
        Consensus.feed(turn, new Input.Received(from, message));
    }

    private static void status(Turn turn, Envelope envelope, NodeStatus status) {
        var node = envelope.from().node();
        var before = turn.peer(node);
        var after = before.heard(envelope.from(), envelope.clusterId(), status, turn.now);
        var noted = after.withIdleSince(idleSince(before, status, turn.now));
        var end = Publisher.primaryEnd(turn);
        var reached = Publisher.isLatest(turn, node) ? turn.observed.flushed() : status.flushed();
        boolean level = end.isAfter(Lsn.ZERO) && !end.isAfter(reached);
        turn.putPeer(node, level ? noted.withLevelAt(turn.now) : noted);
    }

    /** A node that was told to follow and neither streams nor moves: since when (B9, lesson 33). */
    private static long idleSince(Peer before, NodeStatus status, long now) {
        boolean idle = status.following().number() > 0 && !status.streaming();
        boolean moved = before.status().isEmpty()
                || !before.status().get().flushed().equals(status.flushed());
        if (!idle || moved) return idle ? now : 0;
        return before.idleSinceMillis() == 0 ? now : before.idleSinceMillis();
    }
}
