package pgreplica.simulator.explore;

import pgreplica.node.SyncWish;

/** What is looked for, and what of the world it takes. */
enum Property {
    /** P2: no two open fences, and none of an older term after one of a newer. Time is what it hangs on. */
    SPLIT_BRAIN(Clock.SHARED, SyncWish.OFF, 0),

    /** P3: no acknowledged commit is lost. It hangs on no clock, so there is none, and no lease ever ends. */
    DURABILITY(Clock.NONE, new SyncWish(SyncWish.Mode.QUORUM, 0), 1);

    final Clock clock;
    final SyncWish sync;
    final int writes;

    Property(Clock clock, SyncWish sync, int writes) {
        this.clock = clock;
        this.sync = sync;
        this.writes = writes;
    }

    static Property named(String name) {
        return valueOf(name.toUpperCase().replace('-', '_'));
    }

    @Override public String toString() {
        return name().toLowerCase().replace('_', '-');
    }
}
