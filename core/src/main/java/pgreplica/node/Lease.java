package pgreplica.node;

/** Opens and closes this node's fence: the one place that decides whether writes are possible here (P2). */
final class Lease {
    private Lease() {}

    static void tend(Turn turn) {
        String obstacle = obstacle(turn);
        if (obstacle.isEmpty()) set(turn, turn.raft.leaseUntilMillis(), "");
        else close(turn, obstacle);
    }

    static void close(Turn turn, String why) {
        set(turn, 0, why);
    }

    /** Why this node must not accept writes now; empty if it may. */
    static String obstacle(Turn turn) {
        if (!turn.raft.isLeader()) {
            return turn.leaderNode().map(leader -> "this node is not the primary; the leader is " + leader)
                    .orElse("this node is not the primary, and no leader is known");
        }
        if (!Leading.serves(turn)) return "this node leads, but is not a primary appointed for its timeline";
        var appointment = turn.cluster.latest();
        if (!Quorum.reached(turn)) {
            return "fewer than " + turn.cluster.sync().standbys()
                    + " synchronous standbys have received where this primary took over";
        }
        if (appointment.isEmpty() || appointment.get().fork().isEmpty()) {
            return "the timeline's beginning is not recorded by a majority yet";
        }
        String sync = Quorum.obstacle(turn);
        if (!sync.isEmpty()) return sync;
        if (turn.leadership.leaving.isPresent()) return "the primary is handing over to " + turn.leadership.leaving.get().target();
        if (turn.now < turn.raft.othersLeaseOverAtMillis()) return "an earlier primary's lease may still run";
        if (turn.raft.leaseUntilMillis() <= turn.now) return "no majority of the cluster answers";
        return "";
    }

    private static void set(Turn turn, long untilMillis, String why) {
        var told = turn.told;
        boolean quorum = Quorum.decides(turn);
        if (told.leaseUntilMillis == untilMillis && told.leaseWhy.equals(why) && told.leaseQuorum == quorum) return;
        // An expired lease needs no word to close it; but the reason is what refused clients are shown.
        turn.act(new Action.SetLease(untilMillis, turn.term(), why, quorum));
        told.leaseQuorum = quorum;
        told.closedSeen = told.closedSeen && untilMillis == 0;
        boolean wasOpen = told.leaseUntilMillis > 0;
        if (wasOpen && untilMillis == 0) turn.log("writes are refused here: " + why);
        if (!wasOpen && untilMillis > 0) turn.log("writes are accepted here on timeline " + turn.observed.timeline());
        told.leaseUntilMillis = untilMillis;
        told.leaseWhy = why;
    }
}
