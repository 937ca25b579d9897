package pgreplica.simulator;

import java.util.ArrayDeque;

/** What a primary has written and not flushed: no standby gets it, and it is gone with the server. */
final class WalBuffers {
    private final ArrayDeque<Integer> records = new ArrayDeque<>();
    private final Dice writer;

    WalBuffers(Host host) {
        writer = new Dice(host.world.seed, "WAL writer of " + host.id);
    }

    void write(int length) {
        records.add(length);
    }

    /** Where the primary's WAL ends with what is in here. */
    long endBehind(Wal wal) {
        long end = wal.end();
        for (int length : records) end += length;
        return end;
    }

    void flush(Wal wal) {
        for (int length : records) wal.write(length);
        records.clear();
    }

    void lose() {
        records.clear();
    }

    /** What Postgres's own process does now and then. */
    void flushSometimes(Wal wal) {
        if (!records.isEmpty() && writer.chance(0.1)) flush(wal);
    }

    long flushMillis() {
        return writer.between(1, 20);
    }

    /** The client of a commit waits for no flush ({@code synchronous_commit = off}). */
    boolean isNotWaitedFor() {
        return writer.chance(0.05);
    }
}
