package pgreplica.node;

import pgreplica.base.NodeId;

/**
 * A server whose libraries sort otherwise than those that an index was made with does not find in it what is there, and
 * lets in twice what should be unique. So it is not promoted, unless an operator takes the rebuilding on himself.
 */
final class Collations {
    private Collations() {}

    static final String REMEDY = "to have it promoted all the same set pg_replica.allow_collation_mismatch = on there"
            + " and reload; then REINDEX what is sorted by text";

    /** Why a node with these collations is not promoted, with the way out; empty if it may be. */
    static String obstacle(Turn turn, Collation collation) {
        String difference = difference(turn, collation);
        return difference.isEmpty() || collation.mismatchAllowed() ? "" : difference + "; " + REMEDY;
    }

    /** The same for this node. */
    static String obstacle(Turn turn) {
        return turn.settings.witness() ? "" : obstacle(turn, turn.settings.collation());
    }

    /** In words; empty if it sorts as the cluster's data is sorted. */
    static String difference(Turn turn, Collation collation) {
        var cluster = turn.cluster.collation();
        if (cluster.isEmpty() || cluster.equals(collation.versions())) return "";
        return "it sorts text by " + collation.versions() + ", the cluster's data is sorted by " + cluster;
    }

    static boolean isHeldBack(Turn turn, NodeId node) {
        var status = turn.peer(node).status();
        return status.isPresent() && !obstacle(turn, status.get().collation()).isEmpty();
    }

    /** The nodes that could be primary but for this, each with the way out. */
    static String heldBack(Turn turn) {
        var text = new StringBuilder();
        for (var report : Outlook.reports(turn).entrySet()) {
            if (!report.getValue().isValid() || !isHeldBack(turn, report.getKey())) continue;
            text.append("; ").append(report.getKey()).append(": ")
                    .append(obstacle(turn, turn.peer(report.getKey()).status().get().collation()));
        }
        return text.toString();
    }

    /** Once, when it becomes true or another difference. */
    static void tend(Turn turn) {
        // A node that starts goes through what was decided long ago before it hears of a leader.
        if (turn.raft.leader().isEmpty()) return;
        String obstacle = obstacle(turn);
        if (turn.told.collation.equals(obstacle)) return;
        turn.told.collation = obstacle;
        if (!obstacle.isEmpty()) turn.log(Action.Level.WARNING, "this node is not promoted: " + obstacle);
    }
}
