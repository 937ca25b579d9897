package pgreplica.node;

import java.util.Optional;
import pgreplica.base.Division;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.instance.DataCondition;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.WalReport;
import pgreplica.node.PeerMessage.NodeStatus;

/** Every node tells every other how it is, so that each can answer for the whole cluster. */
final class Gossip {
    private Gossip() {}

    static void tend(Turn turn) {
        // A little early, if the node is awake anyway: with a heartbeat it leaves in one piece.
        boolean due = turn.now - turn.told.statusAtMillis >= turn.settings.statusMillis() - slackMillis(turn);
        if (!due && !turn.factsChanged()) return;
        var status = status(turn);
        String key = key(status);
        if (!due && turn.told.statusKey.equals(key)) return;
        turn.told.statusAtMillis = turn.now;
        turn.told.statusKey = key;
        for (var listed : turn.settings.listed()) {
            var node = listed.node();
            if (!node.equals(turn.self()) && turn.peer(node).connected()) {
                turn.send(node, new PeerMessage.Status(status));
            }
        }
    }

    /** When the next one is due at the latest. */
    static long dueMillis(Turn turn) {
        return turn.told.statusAtMillis + turn.settings.statusMillis() + slackMillis(turn);
    }

    private static long slackMillis(Turn turn) {
        return Division.quotient(turn.settings.heartbeatMillis(), 2);
    }

    static void tellStatus(Turn turn, NodeId node) {
        turn.send(node, new PeerMessage.Status(status(turn)));
    }

    static NodeStatus status(Turn turn) {
        var observed = turn.observed;
        boolean sealed = turn.gate.isSealedIn(turn.term());
        Optional<Term> sealedTerm = sealed ? Optional.of(turn.term()) : Optional.empty();
        Optional<WalReport> report = sealed ? Optional.of(OwnData.report(turn)) : Optional.empty();
        return new NodeStatus(turn.term(), turn.settings.listText(), observed.phase(), observed.systemIdentifier(),
                OwnData.condition(turn), observed.timeline(), observed.replayed(), observed.flushed(),
                observed.endOfWalProven() || observed.isPrimary(), observed.streaming(),
                observed.checkpointOnTimeline(), turn.gate.following(), turn.instance.identity().incarnation(),
                sealedTerm, report, turn.settings.priority(), turn.settings.collation(), turn.settings.version(),
                address(turn), state(turn), reason(turn));
    }

    /** What makes a status worth sending before its time: everything but the moving positions. */
    private static String key(NodeStatus status) {
        var report = status.report();
        String reported = report.isEmpty() ? "none" : report.get().voidReason() + report.get().timeline()
                + (report.get().endProven() ? "proven" : "open");
        return status.term() + " " + status.phase().name() + " " + status.data().name() + " " + status.timeline()
                + " " + status.following() + " " + (status.streaming() ? "streaming" : "idle") + " "
                + (status.sealedTerm().isPresent() ? "sealed" : "open") + " " + reported + " " + status.state()
                + " " + status.reason() + " " + status.incarnation();
    }

    private static String address(Turn turn) {
        return turn.settings.listedNode(turn.self()).map(Settings.ListedNode::address).orElse("");
    }

    /** One word for people. */
    static String state(Turn turn) {
        if (turn.errand.work() == Event.Work.REWIND) return "rewinding";
        if (turn.errand.work() == Event.Work.CLONE) return "cloning";
        if (turn.errand.restarting()) return "restarting";
        if (turn.errand.isPromotion()) return "promoting";
        return switch (turn.observed.phase()) {
            case DOWN -> "down";
            case STARTING -> "starting";
            case STOPPING -> "stopping";
            case CRASH_RECOVERY -> "crash recovery";
            case PRIMARY -> Lease.obstacle(turn).isEmpty() ? "primary" : "fenced primary";
            case STANDBY -> standbyState(turn);
        };
    }

    private static String standbyState(Turn turn) {
        if (turn.settings.witness()) return "witness";
        if (turn.observed.streaming()) return "streaming";
        return turn.gate.following().number() > 0 ? "connecting" : "waiting";
    }

    /** Why it is not what one would wish; empty if it is. */
    static String reason(Turn turn) {
        String reason = ownReason(turn);
        String collation = reason.isEmpty() ? Collations.obstacle(turn) : "";
        return collation.isEmpty() ? reason : "it is not promoted: " + collation;
    }

    private static String ownReason(Turn turn) {
        if (!turn.errand.progress().isEmpty()) return turn.errand.progress();
        if (!turn.hold.isEmpty()) return turn.hold;
        // Before what follows from it: others shall see why this node is no primary any more, or never will be.
        if (!turn.observed.flags().ailment().isEmpty()) return turn.observed.flags().ailment();
        if (turn.observed.phase() == Phase.PRIMARY) return Lease.obstacle(turn);
        if (turn.observed.streaming() || turn.settings.witness() && turn.isMember()) return "";
        if (Membership.isBlank(turn)) return "this node belongs to no cluster yet";
        if (turn.raft.isLeader()) return "rule " + turn.leadership.rule + ": " + turn.leadership.ruleText;
        if (turn.raft.leader().isEmpty()) return "no leader is known";
        var condition = OwnData.condition(turn);
        return condition == DataCondition.OURS ? "" : OwnData.report(turn).voidReason();
    }
}
