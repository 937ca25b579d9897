package pgreplica.node;

import pgreplica.base.Lsn;
import pgreplica.instance.DataCondition;
import pgreplica.instance.WalReport;

/** What this node's data is worth: how it relates to the cluster, and how far its WAL reaches. */
final class OwnData {
    /** A primary flushes WAL in pages, so what it had flushed can reach into a record that recovery finds incomplete. */
    private static final long FLOOR_SLACK_BYTES = 1024 * 1024;

    private OwnData() {}

    static DataCondition condition(Turn turn) {
        var observed = turn.observed;
        if (turn.settings.witness()) return DataCondition.WITNESS;
        if (turn.instance.working() || observed.flags().workUnfinished()) return DataCondition.WORKING;
        if (!turn.seen || !isReadable(turn)) return DataCondition.UNKNOWN;

        var founding = turn.cluster.founding();
        var identity = observed.identity();
        if (founding.isEmpty()) {
            if (!identity.clusterId().isEmpty()) return DataCondition.STRANGER;
            return observed.pristine() ? DataCondition.PRISTINE : DataCondition.UNCLAIMED;
        }
        boolean otherSystem = observed.systemIdentifier() != founding.get().systemIdentifier();
        boolean otherCluster = !identity.clusterId().isEmpty()
                && !identity.clusterId().equals(founding.get().clusterId());
        if (otherSystem || otherCluster) {
            return observed.pristine() ? DataCondition.PRISTINE : DataCondition.STRANGER;
        }
        boolean known = identity.incarnation() != 0 && identity.equals(turn.instance.identity());
        boolean explained = turn.instance.explained().contains(observed.timeline());
        return known && explained ? DataCondition.OURS : DataCondition.UNEXPLAINED;
    }

    /**
     * While local WAL is still being replayed neither its timeline nor its end is known. A server that waits for more
     * WAL to become consistent, as after a rewind, is known: nobody can give it that WAL otherwise.
     */
    static boolean isReadable(Turn turn) {
        return switch (turn.observed.phase()) {
            case STANDBY, PRIMARY -> true;
            case STARTING -> turn.observed.endOfWalProven();
            case DOWN, STOPPING, CRASH_RECOVERY -> false;
        };
    }

    static WalReport report(Turn turn) {
        var observed = turn.observed;
        return new WalReport(voidReason(turn), observed.identity().incarnation(), observed.timeline(), end(turn),
                observed.isPrimary() || observed.endOfWalProven(), observed.isPrimary());
    }

    /** The end of the last complete record where it is known (B17), otherwise the end of what is flushed. */
    static Lsn end(Turn turn) {
        var observed = turn.observed;
        if (observed.isPrimary()) return observed.flushed();
        return observed.endOfWalProven() ? observed.replayed() : observed.flushed().max(observed.replayed());
    }

    private static String voidReason(Turn turn) {
        var observed = turn.observed;
        if (!turn.seen) return "Postgres was not looked at yet";
        if (turn.gate.stuck()) return "the WAL receiver could not be stopped in time";
        String byPhase = switch (observed.phase()) {
            case DOWN -> "Postgres is down" + (turn.errand.progress().isEmpty() ? "" : ": " + turn.errand.progress());
            case STARTING -> "Postgres is starting";
            case STOPPING -> "Postgres is stopping";
            case CRASH_RECOVERY -> "Postgres is in crash recovery";
            case STANDBY, PRIMARY -> "";
        };
        if (!byPhase.isEmpty()) return byPhase;

        String byData = switch (condition(turn)) {
            case OURS -> "";
            case UNKNOWN -> "its data was not looked at yet";
            case PRISTINE -> "it holds a fresh data directory that has not been cloned yet";
            case UNEXPLAINED -> "its data is not known to be on the cluster's history (timeline "
                    + observed.timeline() + ")";
            case STRANGER -> "it holds data of another system";
            case UNCLAIMED -> "it belongs to no cluster yet";
            case WORKING -> "a rewind or clone is not complete";
            case WITNESS -> "it is a witness: it votes and holds no data";
        };
        if (!byData.isEmpty()) return byData;
        if (observed.flags().fsyncOff()) return "fsync is off, so its WAL may not be on disk";
        if (!observed.flags().ailment().isEmpty()) return observed.flags().ailment();
        if (observed.flags().minimumRecoveryPending()) return "it has not reached its minimum recovery point";
        if (!observed.isPrimary() && !turn.endSeen) return "the end of its WAL is not proven yet";
        return belowFloor(turn)
                ? "its WAL ends at " + end(turn) + ", before " + turn.instance.floor() + " that it reported earlier"
                : "";
    }

    /**
     * Data that ends before what was reported once was exchanged for older data behind our back (A9). On no timeline
     * does a position go back but by a rewind, and a rewind begins with a new record.
     */
    private static boolean belowFloor(Turn turn) {
        return turn.instance.floor().bytesAfter(end(turn)) > FLOOR_SLACK_BYTES;
    }
}
