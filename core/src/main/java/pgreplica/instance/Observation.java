package pgreplica.instance;

import java.util.List;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;

/**
 * What the host sees of its own Postgres, as docs/host-border.md defines it. Facts only; what they mean is decided
 * elsewhere.
 *
 * @param replayed up to where the WAL's changes are in effect here: what a standby has replayed; what a primary has
 *     written, flushed or not
 * @param oldest start of the oldest WAL still present on this node; {@link Lsn#ZERO} if unknown
 * @param syncSetting the {@code synchronous_standby_names} that every process concerned was seen to use;
 *     {@link #SYNC_UNKNOWN} while they differ
 */
public record Observation(
        Phase phase,
        long systemIdentifier,
        Timeline timeline,
        Lsn replayed,
        Lsn flushed,
        boolean endOfWalProven,
        boolean streaming,
        String upstream,
        Timeline parentTimeline,
        Lsn fork,
        boolean checkpointOnTimeline,
        boolean pristine,
        Flags flags,
        DataIdentity identity,
        List<String> slots,
        List<Receiver> receivers,
        Lsn oldest,
        String syncSetting) {

    public static final String SYNC_UNKNOWN = "?";

    /** Where the server is in its life. */
    public enum Phase { DOWN, STARTING, STANDBY, PRIMARY, STOPPING, CRASH_RECOVERY }

    /** Conditions under which a position must not be trusted (safety rule A9), or the server is not healthy (P13). */
    public record Flags(boolean backupLabel, boolean minimumRecoveryPending, boolean fsyncOff,
                        boolean workUnfinished, boolean probeFailed, boolean noNewSessions) {
        public static final Flags NONE = new Flags(false, false, false, false, false, false);

        /** Why this server could not serve clients although it runs; empty if it could. */
        public String ailment() {
            if (probeFailed) return "its disk does not take writes";
            return noNewSessions ? "it lets no new session in" : "";
        }
    }

    /** A connected WAL receiver, as the primary sees it. */
    public record Receiver(String applicationName, Lsn flushed) {}

    public static final Observation NOTHING = new Observation(Phase.DOWN, 0, Timeline.NONE, Lsn.ZERO, Lsn.ZERO,
            false, false, "", Timeline.NONE, Lsn.ZERO, false, false, Flags.NONE, DataIdentity.NONE,
            List.of(), List.of(), Lsn.ZERO, SYNC_UNKNOWN);

    public boolean isPrimary() {
        return phase == Phase.PRIMARY;
    }

    public boolean isStandby() {
        return phase == Phase.STANDBY;
    }

    /** Whether this server is, or is about to be again, a primary that nobody has stopped. */
    public boolean isPrimaryOrRecoveringPrimary() {
        return phase == Phase.PRIMARY || phase == Phase.CRASH_RECOVERY;
    }
}
