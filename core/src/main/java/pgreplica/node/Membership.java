package pgreplica.node;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.cluster.Founding;
import pgreplica.instance.DataCondition;
import pgreplica.node.PeerMessage.NodeStatus;
import pgreplica.raft.Configuration;
import pgreplica.raft.Input;
import pgreplica.raft.Log;
import pgreplica.raft.Payload;
import pgreplica.raft.Raft;
import pgreplica.raft.Role;
import pgreplica.raft.SnapshotImage;

/**
 * Who votes. The first listed node founds the cluster alone, once it has seen that all listed nodes are there and of
 * one mind; the others join by the same two membership changes as a node that lost its Raft state (A11): out with
 * the old voter number, in with the new one as a learner, then a voter.
 */
final class Membership {
    private Membership() {}

    static void tend(Turn turn) {
        if (isBlank(turn)) {
            if (turn.settings.isFounder() && !turn.settings.preStart()) found(turn);
            return;
        }
        if (!turn.raft.isLeader() || !turn.raft.committedOwnTerm()) return;
        if (hasUncommittedChange(turn)) return;
        admit(turn);
        if (!turn.cluster.foundingComplete() && missingFounders(turn).isEmpty() && !hasUncommitted(turn)) {
            Consensus.propose(turn, new ClusterCommand.CompleteFounding());
        }
    }

    /** A node that nobody has admitted, and that has not founded anything. */
    static boolean isBlank(Turn turn) {
        return turn.raft.configuration().isEmpty();
    }

    /** The founding nodes that do not vote yet, in words; empty if all do. */
    static String missingFounders(Turn turn) {
        var founding = turn.cluster.founding();
        if (founding.isEmpty()) return "this node belongs to no cluster yet";
        var missing = new StringBuilder();
        for (var node : founding.get().nodes()) {
            if (voterOf(turn, node).isPresent()) continue;
            if (!missing.isEmpty()) missing.append(", ");
            missing.append(node);
        }
        return missing.toString();
    }

    static Optional<VoterId> voterOf(Turn turn, NodeId node) {
        for (var voter : turn.raft.configuration().voters()) {
            if (voter.node().equals(node)) return Optional.of(voter);
        }
        return Optional.empty();
    }

    static boolean isMember(Turn turn, NodeId node) {
        return voterOf(turn, node).isPresent() || learnerOf(turn, node).isPresent();
    }

    private static void found(Turn turn) {
        String obstacle = foundingObstacle(turn);
        // Before there is a cluster there is no extension, so the log is all that an operator has.
        if (!obstacle.isEmpty() && !obstacle.equals(turn.hold)) turn.log("the cluster is not founded yet: " + obstacle);
        turn.hold = obstacle;
        if (!obstacle.isEmpty()) return;

        var primary = foundingPrimary(turn);
        var nodes = new TreeSet<NodeId>();
        for (var listed : turn.settings.listed()) nodes.add(listed.node());
        var source = facts(turn, primary);
        var founding = new Founding(clusterId(turn), source.systemIdentifier(), primary, source.timeline(),
                highestTimeline(turn), nodes);

        var alone = new TreeSet<VoterId>();
        alone.add(turn.raft.self());
        // The founding is part of the first snapshot, so whoever has any of the log knows its cluster.
        turn.cluster = ClusterState.founded(founding);
        turn.applied = new LogPosition(Term.ZERO, 1);
        var log = new Log(new SnapshotImage(turn.applied, new Configuration(alone, new TreeSet<>()), turn.cluster),
                List.of());
        turn.act(new Action.PersistLog(log));
        turn.raft = Raft.start(turn.raft.self(), turn.raft.ballot(), log, Node.timing(turn.settings), turn.now,
                turn.drawn());
        turn.log("founding cluster " + founding.clusterId() + " of " + turn.settings.listText()
                + " with the data of " + primary + ", system identifier " + founding.systemIdentifier());
        Consensus.feed(turn, new Input.Campaign());
    }

    /** Why the cluster cannot be founded now, naming what to do; empty if it can. */
    private static String foundingObstacle(Turn turn) {
        for (var listed : turn.settings.listed()) {
            if (listed.node().equals(turn.self())) continue;
            var peer = turn.peer(listed.node());
            if (!peer.isFresh(turn.now, turn.settings.electionTimeoutMillis() * 2L)) {
                return "founding waits for node " + listed.node() + " (" + listed.address() + "): not reachable";
            }
            if (!peer.clusterId().isEmpty()) {
                return "node " + listed.node() + " belongs to cluster " + peer.clusterId()
                        + " already; this node waits to be admitted by its leader";
            }
            if (!peer.status().get().listText().equals(turn.settings.listText())) {
                return "pg_replica.nodes differs: here " + turn.settings.listText() + ", on " + listed.node() + " "
                        + peer.status().get().listText() + "; make them equal";
            }
        }
        return dataObstacle(turn);
    }

    private static String dataObstacle(Turn turn) {
        Optional<NodeId> owner = Optional.empty();
        for (var listed : turn.settings.listed()) {
            var facts = facts(turn, listed.node());
            var data = facts.data();
            if (data == DataCondition.STRANGER) {
                return "the data directory of " + listed.node() + " belongs to a cluster already (system identifier "
                        + facts.systemIdentifier() + "): restore its state directory, or empty it if its data may go;"
                        + " if every node lost its state directory, remove pg_replica.identity where the data is newest"
                        + " and empty the others";
            }
            if (data == DataCondition.WITNESS) continue;
            boolean ready = data == DataCondition.PRISTINE
                    || data == DataCondition.UNCLAIMED && facts.endProven();
            if (!ready) return "founding waits for node " + listed.node() + ": Postgres is " + facts.state();
            if (data == DataCondition.PRISTINE) continue;
            if (owner.isPresent() && facts(turn, owner.get()).systemIdentifier() != facts.systemIdentifier()) {
                return "nodes " + owner.get() + " and " + listed.node() + " both hold data that was in use, of "
                        + "different systems (" + facts(turn, owner.get()).systemIdentifier() + " and "
                        + facts.systemIdentifier() + "); give the one whose data is not wanted a fresh initdb";
            }
            if (owner.isEmpty()) owner = Optional.of(listed.node());
        }
        boolean onlyWitnesses = facts(turn, firstWithData(turn)).data() == DataCondition.WITNESS;
        return onlyWitnesses ? "every listed node is a witness: at least one must hold data" : "";
    }

    /** The node whose data becomes the cluster's: the one with user data, with the most of it; else the first. */
    private static NodeId foundingPrimary(Turn turn) {
        var chosen = firstWithData(turn);
        boolean chosenHasData = false;
        for (var listed : turn.settings.listed()) {
            var facts = facts(turn, listed.node());
            if (facts.data() != DataCondition.UNCLAIMED) continue;
            var best = facts(turn, chosen);
            int byTimeline = facts.timeline().compareTo(best.timeline());
            boolean further = byTimeline > 0 || byTimeline == 0 && facts.flushed().isAfter(best.flushed());
            if (!chosenHasData || further) chosen = listed.node();
            chosenHasData = true;
        }
        return chosen;
    }

    /** The first listed node that is no witness. */
    private static NodeId firstWithData(Turn turn) {
        for (var listed : turn.settings.listed()) {
            if (facts(turn, listed.node()).data() != DataCondition.WITNESS) return listed.node();
        }
        return turn.self();
    }

    private static NodeStatus facts(Turn turn, NodeId node) {
        return node.equals(turn.self()) ? Gossip.status(turn) : turn.peer(node).status().get();
    }

    private static Timeline highestTimeline(Turn turn) {
        var highest = Timeline.NONE;
        for (var listed : turn.settings.listed()) {
            var timeline = facts(turn, listed.node()).timeline();
            if (timeline.isAfter(highest)) highest = timeline;
        }
        return highest;
    }

    private static String clusterId(Turn turn) {
        var id = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            turn.random = turn.random.next();
            id.append("0123456789abcdef".charAt(turn.random.below(16)));
        }
        return id.toString();
    }

    /** One membership change at a time, each after the former is committed (B14). */
    private static void admit(Turn turn) {
        var configuration = turn.raft.configuration();
        for (var listed : turn.settings.listed()) {
            var node = listed.node();
            var peer = turn.peer(node);
            if (node.equals(turn.self()) || peer.voter().isEmpty()) continue;
            if (!peer.isFresh(turn.now, turn.settings.electionTimeoutMillis() * 2L)) continue;
            var speaks = peer.voter().get();
            if (configuration.voters().contains(speaks)) continue;
            boolean blank = peer.clusterId().isEmpty();
            var former = voterOf(turn, node);
            if (former.isPresent()) {
                if (!blank) continue;
                turn.log("removing voter " + node + " that lost its Raft state, to admit it anew");
                Consensus.feed(turn, new Input.ProposeConfiguration(configuration.without(former.get())));
                return;
            }
            Optional<VoterId> learner = learnerOf(turn, node);
            if (learner.isPresent() && !learner.get().equals(speaks)) {
                Consensus.feed(turn, new Input.ProposeConfiguration(configuration.without(learner.get())));
                return;
            }
            if (learner.isEmpty()) {
                // A late word of its former life may have cost it its place when it had the log already.
                if (!blank && !peer.clusterId().equals(turn.clusterId())) continue;
                turn.log("admitting " + node + " as a learner");
                Consensus.feed(turn, new Input.ProposeConfiguration(configuration.withLearner(speaks)));
                return;
            }
            if (hasTheLog(turn, speaks)) {
                turn.log(node + " has the log and becomes a voter");
                Consensus.feed(turn, new Input.ProposeConfiguration(configuration.withVoter(speaks)));
                return;
            }
        }
    }

    private static boolean hasUncommitted(Turn turn) {
        return turn.raft.lastPosition().index() > turn.raft.commitIndex();
    }

    private static boolean hasUncommittedChange(Turn turn) {
        for (var entry : turn.raft.log().entries()) {
            boolean committed = entry.position().index() <= turn.raft.commitIndex();
            if (!committed && entry.payload() instanceof Payload.Configure) return true;
        }
        return false;
    }

    private static boolean hasTheLog(Turn turn, VoterId learner) {
        if (!(turn.raft.role() instanceof Role.Leader leader)) return false;
        var progress = leader.progress().get(learner);
        return progress != null && progress.matchIndex() >= turn.raft.commitIndex();
    }

    private static Optional<VoterId> learnerOf(Turn turn, NodeId node) {
        for (var learner : turn.raft.configuration().learners()) {
            if (learner.node().equals(node)) return Optional.of(learner);
        }
        return Optional.empty();
    }
}
