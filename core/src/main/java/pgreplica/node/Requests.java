package pgreplica.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.NodeId;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.SyncSet;
import pgreplica.node.NodeState.Request;
import pgreplica.raft.Input;

/** What operators ask for. Callable on every node: the leader answers, the others pass it on. */
final class Requests {
    /** Requests that may wait at the same time; more are refused (P10). */
    private static final int MOST = 16;
    /** The host looks at the server this often while something goes on, and a little more. */
    private static final long LOOKED_WITHIN_MILLIS = 150;
    /** The argument by which an operator accepts that acknowledged commits may be lost. */
    private static final String ALLOW_LOSS = "allow_loss";

    private Requests() {}

    static void ask(Turn turn, long requestId, String verb, List<String> arguments) {
        String refusal = obstacle(turn, verb);
        if (!refusal.isEmpty()) {
            turn.act(new Action.Reply(requestId, false, refusal));
        } else if (turn.raft.isLeader()) {
            accept(turn, requestId, new Request(requestId, Optional.empty(), arguments.contains(ALLOW_LOSS), "", turn.now));
        } else if (turn.leaderNode().isEmpty()) {
            turn.act(new Action.Reply(requestId, false,
                    "no leader is known, so nobody can " + verb + "; see pg_replica.status() for the reason"));
        } else {
            turn.requests.put(requestId, new Request(requestId, Optional.empty(), false, "", turn.now));
            turn.send(turn.leaderNode().get(), new PeerMessage.Forward(requestId, verb, arguments));
        }
    }

    static void forwarded(Turn turn, NodeId from, long ticket, String verb, List<String> arguments) {
        String refusal = turn.raft.isLeader() ? obstacle(turn, verb) : doesNotLead(turn);
        if (!refusal.isEmpty()) {
            turn.send(from, new PeerMessage.ForwardReply(ticket, false, refusal));
            return;
        }
        // Negative numbers are this node's own, so they never meet a client's.
        turn.nextTicket = turn.nextTicket + 1;
        accept(turn, -turn.nextTicket,
                new Request(ticket, Optional.of(from), arguments.contains(ALLOW_LOSS), "", turn.now));
    }

    static void answered(Turn turn, long ticket, boolean ok, String text) {
        if (turn.requests.remove(ticket) != null) turn.act(new Action.Reply(ticket, ok, text));
    }

    static void tend(Turn turn) {
        retry(turn);
        leave(turn);
        expire(turn);
    }

    private static String obstacle(Turn turn, String verb) {
        if (!verb.equals("failover")) return "unknown request \"" + verb + "\"";
        return turn.requests.size() >= MOST ? "too many requests wait for an answer; try again" : "";
    }

    private static String doesNotLead(Turn turn) {
        return "node " + turn.self() + " does not lead any more; try again";
    }

    private static void accept(Turn turn, long key, Request request) {
        turn.requests.put(key, request.refused(begin(turn, request)));
    }

    /** What stands against a request may be gone in a moment: a standby connects, a new leader looks around. */
    private static void retry(Turn turn) {
        for (var key : new ArrayList<>(turn.requests.keySet())) {
            var request = turn.requests.get(key);
            if (request.refusal().isEmpty()) continue;
            boolean waited = turn.now - request.sinceMillis() >= turn.settings.electionTimeoutMillis();
            String refusal = turn.raft.isLeader() ? begin(turn, request) : doesNotLead(turn);
            if (!refusal.isEmpty() && (waited || !turn.raft.isLeader())) answer(turn, key, false, refusal);
            else turn.requests.put(key, request.refused(refusal));
        }
    }

    /** Why it cannot begin now; empty if it has begun. */
    private static String begin(Turn turn, Request request) {
        if (!Leading.serves(turn) && request.lossAllowed()) return allowLoss(turn);
        if (turn.leadership.leaving.isPresent()) return "a handover to " + turn.leadership.leaving.get() + " runs";
        if (!Leading.serves(turn)) {
            return "no primary serves on the leader, so there is nothing to hand over; see pg_replica.status()";
        }
        var target = closestStandby(turn);
        if (target.isEmpty()) {
            return "no standby can take over: none streams from the primary and may be primary"
                    + Collations.heldBack(turn);
        }
        turn.log("failover on request: handing over to " + target.get());
        Leading.leave(turn, target.get());
        return "";
    }

    /** The way out when nodes that may hold acknowledged commits do not come back (B7). */
    private static String allowLoss(Turn turn) {
        if (turn.leadership.rule == 0) return "this leader has not looked at the cluster yet";
        turn.log(Action.Level.WARNING, "an operator allows that acknowledged commits are lost; rule "
                + turn.leadership.rule + " stood against a promotion: " + turn.leadership.ruleText);
        turn.leadership.lossAllowed = true;
        // In the log, because another node may be the one that is promoted.
        if (!turn.cluster.sync().equals(SyncSet.NONE)) {
            Consensus.propose(turn, new ClusterCommand.SetSync(SyncSet.NONE));
        }
        return "";
    }

    /** Only a node that could be promoted: its disk takes writes, its data is whole. */
    static Optional<NodeId> closestStandby(Turn turn) {
        Optional<NodeId> closest = Optional.empty();
        for (var entry : turn.peers.entrySet()) {
            var node = entry.getKey();
            var peer = entry.getValue();
            if (!peer.isFresh(turn.now, turn.settings.electionTimeoutMillis())) continue;
            var status = peer.status().get();
            boolean able = status.streaming() && status.priority() > 0 && Membership.voterOf(turn, node).isPresent()
                    && status.following().equals(turn.observed.timeline())
                    && status.report().isPresent() && status.report().get().isValid()
                    && !Outlook.isOutside(turn, node, status.report().get())
                    && !turn.leadership.tried.contains(node) && !Collations.isHeldBack(turn, node);
            if (!able) continue;
            boolean closer = closest.isEmpty()
                    || status.flushed().isAfter(turn.peer(closest.get()).status().get().flushed());
            if (closer) closest = Optional.of(node);
        }
        return closest;
    }

    /**
     * Writes are refused from the request on; the target gets what is missing, for a bounded moment. Then the lease
     * is given up for good in this term (A6): what was held back may be undone, a release may not.
     */
    private static void leave(Turn turn) {
        if (turn.leadership.lossAllowed && Leading.serves(turn)) {
            answerAll(turn, true, "node " + turn.self() + " is primary; acknowledged commits may be lost");
        }
        if (turn.leadership.leaving.isEmpty()) return;
        if (!turn.raft.isLeader()) return;
        var target = turn.leadership.leaving.get();
        boolean released = turn.raft.released();
        long patience = turn.settings.electionTimeoutMillis();
        boolean waited = turn.now - turn.leadership.leavingSinceMillis > patience;
        var voter = Membership.voterOf(turn, target);

        if (!released && voter.isPresent() && (hasEverything(turn, target) || waited) && turn.raft.handover().isEmpty()) {
            answerAll(turn, true, "leadership is handed to " + target);
            Consensus.feed(turn, new Input.Transfer(voter.get(), true));
        } else if (!released && turn.now - turn.leadership.leavingSinceMillis > 3 * patience) {
            turn.log("handing over given up: " + target + " cannot be reached");
            turn.leadership.leaving = Optional.empty();
            answerAll(turn, false, target + " cannot be reached any more; the primary goes on");
        }
    }

    /** Judged by a look that came after the fence was closed: what was written until then is in no earlier one. */
    private static boolean hasEverything(Turn turn, NodeId target) {
        boolean looked = turn.now - turn.leadership.leavingSinceMillis
                >= Math.max(turn.settings.heartbeatMillis(), LOOKED_WITHIN_MILLIS);
        var status = turn.peer(target).status();
        if (!looked || status.isEmpty()) return false;
        var name = Names.replication(target, status.get().incarnation(), turn.observed.timeline());
        for (var receiver : turn.observed.receivers()) {
            if (receiver.applicationName().equals(name)) return !turn.observed.flushed().isAfter(receiver.flushed());
        }
        return false;
    }

    private static void answerAll(Turn turn, boolean ok, String text) {
        for (var key : new ArrayList<>(turn.requests.keySet())) answer(turn, key, ok, text);
    }

    private static void expire(Turn turn) {
        for (var key : new ArrayList<>(turn.requests.keySet())) {
            boolean old = turn.now - turn.requests.get(key).sinceMillis() > turn.settings.electionTimeoutMillis() * 8L;
            if (old) answer(turn, key, false, "no answer from the leader in time; see pg_replica.status()");
        }
    }

    private static void answer(Turn turn, Long key, boolean ok, String text) {
        var request = turn.requests.remove(key);
        if (request.origin().isPresent()) {
            turn.send(request.origin().get(), new PeerMessage.ForwardReply(request.id(), ok, text));
        } else {
            turn.act(new Action.Reply(request.id(), ok, text));
        }
    }
}
