package pgreplica.clustertests;

/** The promises, by the numbers that docs/promises.md gives them. */
public enum P {
    /** At most one leader per term. */ P1,
    /** At most one node accepts writes at any moment. */ P2,
    /** In quorum modes no acknowledged commit is lost. */ P3,
    /** In async mode the loss is bounded by what the best survivor had received. */ P4,
    /** Two promotions never give the same timeline number. */ P5,
    /** A standby receives WAL only from the confirmed primary. */ P6,
    /** A diverged node is neither promoted nor serving until rewound or cloned. */ P7,
    /** Old data is never removed before its replacement is complete. */ P8,
    /** Durable before visible. */ P9,
    /** Everything is bounded. */ P10,
    /** With a majority there is a writable primary within the budget; no state is stuck. */ P11,
    /** Nobody without the secret changes anything. */ P12,
    /** Healthy means: can commit. */ P13,
    /** The worker's failure never harms a healthy Postgres beyond losing the lease. */ P14,
    /** Who sorts text otherwise than the last primary is not promoted. */ P15
}
