package pgreplica.simulator.explore;

/** One thing that may happen next; {@code a} and {@code b} are nodes, or places in a list. */
record Choice(Kind kind, int a, int b) {
    enum Kind {
        /** The next item happens. */
        NEXT,
        /** It is lost. */
        LOSE,
        /** It is a WAL receiver's, which gets nothing now. */
        STALL,
        /** It is late. */
        DELAY,
        /** It happens, and happens once more later. */
        REPEAT,
        /** The power fails at node {@code a} after {@code b} actions of the step that the next item causes. */
        FAIL_WITHIN,
        /** A late message comes. */
        ARRIVE,
        /** Time goes on until somebody wants to be woken; {@code a} goes first if several do. */
        TIME,
        /** Without clocks: heartbeats, statuses and orders of node {@code a} are due. */
        TICK,
        /** Without clocks: node {@code a}'s timeout fires. */
        TIMEOUT,
        FREEZE, THAW, POWER_OFF, BOOT, KILL_POSTMASTER, CRASH_BACKEND, KILL_WORKER, START_WORKER,
        /** Nodes {@code a} and {@code b} cannot reach each other. */
        CUT,
        /** The network is whole again. */
        JOIN,
        /** Node {@code a} cannot reach anybody. */
        ISOLATE,
        /** A client writes on node {@code a}. */
        WRITE,
        /** The WAL receiver of node {@code a} tries again. */
        FLOW,
        /** An operator asks for a failover. */
        REQUEST,
        /** Node {@code a} reads another sync mode, the {@code b}th of {@link Machine#WISHES}. */
        CONFIGURE,
        /** The data directory is lost and made anew. */
        LOSE_DATA,
        /** The state directory is lost. */
        LOSE_STATE
    }

    static Choice of(Kind kind) {
        return new Choice(kind, 0, 0);
    }

    static Choice of(Kind kind, int a) {
        return new Choice(kind, a, 0);
    }

    int packed() {
        return kind.ordinal() << 16 | a << 8 | b;
    }

    static Choice unpacked(int packed) {
        return new Choice(Kind.values()[packed >> 16], packed >> 8 & 255, packed & 255);
    }

    String text() {
        String first = "n" + (a + 1);
        return switch (kind) {
            case NEXT -> "next";
            case LOSE -> "lose the next message";
            case STALL -> "WAL stalls";
            case DELAY -> "delay the next message";
            case REPEAT -> "repeat the next message later";
            case FAIL_WITHIN -> "power fails at " + first + " after " + b + " actions";
            case ARRIVE -> "late message " + (a + 1) + " arrives";
            case TIME -> "time passes";
            case TICK -> "heartbeat and status of " + first;
            case TIMEOUT -> "timeout " + first;
            case CUT -> "cut " + first + " n" + (b + 1);
            case JOIN -> "join";
            case CONFIGURE -> "configure " + first + " " + Machine.WISHES.get(b);
            case ISOLATE, FREEZE, THAW, POWER_OFF, BOOT, KILL_POSTMASTER, CRASH_BACKEND, KILL_WORKER, START_WORKER, WRITE, FLOW,
                    REQUEST, LOSE_DATA, LOSE_STATE -> kind.name().toLowerCase().replace('_', ' ') + " " + first;
        };
    }
}
