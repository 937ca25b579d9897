package pgreplica.checker;

/**
 * One attempt to append an id to a list, as its client saw it. Ids of a list rise, and a list has one client, which sends
 * the next append only when it gave the one before up or knows its outcome. {@code timeline} and {@code lsn} (a WAL
 * position before the commit) are 0 where the client did not learn them. Times are of one monotonic clock.
 */
public record Append(int list, int id, String node, int timeline, long lsn, long sentNanos, long endedNanos,
        Outcome outcome, String how) {

    public enum Outcome {
        /** The commit returned: it is there, and everybody sees it. */ ACKNOWLEDGED,
        /** PREPARE TRANSACTION returned, COMMIT PREPARED did not yet: it will be there in the end. */ PREPARED,
        /** The server said that the transaction was rolled back: it is never there. */ REFUSED,
        /** No answer: there or not. */ UNKNOWN
    }

    /** In the end it must be there. */
    public boolean isPromised() {
        return outcome == Outcome.ACKNOWLEDGED || outcome == Outcome.PREPARED;
    }

    boolean isAcknowledged() {
        return outcome == Outcome.ACKNOWLEDGED;
    }

    /** Committed by COMMIT PREPARED. */
    boolean isTwoPhase() {
        return how.equals("two_phase");
    }

    String line() {
        return String.join(" ", "append", String.valueOf(list), String.valueOf(id), node, String.valueOf(timeline),
                Long.toHexString(lsn), String.valueOf(sentNanos), String.valueOf(endedNanos), outcome.name(), how);
    }

    static Append parse(String[] fields) {
        return new Append(Integer.parseInt(fields[1]), Integer.parseInt(fields[2]), fields[3],
                Integer.parseInt(fields[4]), Long.parseUnsignedLong(fields[5], 16), Long.parseLong(fields[6]),
                Long.parseLong(fields[7]), Outcome.valueOf(fields[8]), fields[9]);
    }
}
