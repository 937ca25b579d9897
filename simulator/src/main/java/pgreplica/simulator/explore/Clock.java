package pgreplica.simulator.explore;

/** What the search knows of time. */
enum Clock {
    /** All clocks run alike; time goes on to the next moment at which a node has asked to be woken. */
    SHARED,

    /** Any timeout may fire at any moment, and no lease ever ends by itself: what holds here needs no clock. */
    NONE;

    /** Without clocks: after this much time heartbeats, statuses and orders are due, and patience has ended ... */
    static final long TICK = 550;
    /** ... and after this much a leader's heartbeat or anybody's election timeout. */
    static final long TIMEOUT = 650;
}
