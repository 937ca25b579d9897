package pgreplica.failover;

/** What a rule of the failover policy asks for. */
public enum Decision {
    /** Change nothing; the rule says what is waited for. */
    WAIT,
    /** The primary here is the right one: let it serve. */
    SERVE,
    /** The primary here is not healthy: stop writing, let a standby have everything, and let it lead. */
    LEAVE,
    /** The primary here is outdated: restart it as a standby. */
    RESTART,
    /** Let the better node lead. */
    HAND_OVER_TO_BETTER,
    /** This primary starves: let a node try that standbys may be able to stream from. */
    HAND_OVER_TO_RELIEF,
    /** This node cannot be primary: let the best one that can lead. */
    HAND_OVER_TO_SUCCESSOR,
    /** Reserve a timeline for this node, then promote it. */
    APPOINT
}
