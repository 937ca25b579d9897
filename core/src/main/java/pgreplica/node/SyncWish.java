package pgreplica.node;

/**
 * How the operator wants commits to be confirmed.
 *
 * @param standbys how many standbys must confirm a commit; 0: as many nodes as may fail, a minority
 */
public record SyncWish(Mode mode, int standbys) {
    public static final SyncWish OFF = new SyncWish(Mode.OFF, 0);

    public enum Mode {
        /** Commits wait for nobody. */
        OFF,
        /** Commits wait for a quorum, for as long as it takes. */
        QUORUM,
        /** As QUORUM, but when too few standbys are left the leader lets commits wait for fewer. */
        QUORUM_AVAILABLE
    }
}
