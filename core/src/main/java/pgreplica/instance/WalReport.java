package pgreplica.instance;

import pgreplica.base.Lsn;
import pgreplica.base.Timeline;
import pgreplica.raft.Attachment;

/**
 * How far a sealed node's WAL reaches: what a vote carries, and what decides who becomes primary.
 *
 * @param voidReason why the position must not be trusted (safety rule A9); empty if it may be
 * @param timeline the timeline on which the WAL really ends
 * @param end end of the last complete record if {@code endProven}, otherwise the end of what is flushed
 * @param primary a primary that nobody has stopped runs here
 */
public record WalReport(String voidReason, long incarnation, Timeline timeline, Lsn end, boolean endProven,
                        boolean primary) implements Attachment {

    public boolean isValid() {
        return voidReason.isEmpty();
    }

    /**
     * Compares as Raft compares logs (A2): first the appointment order of the timeline, which is the order of the
     * numbers because each reservation takes a higher one, then the position.
     */
    public int compareProgress(WalReport other) {
        int byTimeline = timeline.compareTo(other.timeline);
        return byTimeline != 0 ? byTimeline : end.compareTo(other.end);
    }
}
