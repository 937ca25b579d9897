package pgreplica.raft;

/**
 * What a leader knows about one peer.
 *
 * @param nextIndex the next entry to send; runs ahead of the answers and falls back when one says so
 * @param matchIndex the last entry known to be in the peer's log
 * @param answeredSentAtMillis when the newest message that the peer has answered was sent, by the leader's clock
 */
public record Progress(long nextIndex, long matchIndex, long answeredSentAtMillis) {
    /** Long before any time on the leader's clock, and far enough from the end of the numbers to be added to. */
    static final long NEVER = Long.MIN_VALUE / 4;

    static Progress unknown(long nextIndex) {
        return new Progress(nextIndex, 0, NEVER);
    }

    Progress withNext(long index) {
        return new Progress(index, matchIndex, answeredSentAtMillis);
    }
}
