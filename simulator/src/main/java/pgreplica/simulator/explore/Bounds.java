package pgreplica.simulator.explore;

/**
 * How far a search goes.
 *
 * @param deviations how often something may go otherwise than in a healthy cluster: a fault, a message that is lost
 *     or late, a timeout that nobody needed
 * @param terms how many terms after the first one
 * @param writes how many commits clients ask for
 * @param losses how many data or state directories may be lost
 * @param down how many nodes may be down, frozen or without a worker at the same time
 */
record Bounds(int deviations, int terms, int writes, int losses, int down) {
    static Bounds ofMinority(int nodes, int deviations, int terms, int writes) {
        return new Bounds(deviations, terms, writes, 0, (nodes - 1) / 2);
    }

    @Override public String toString() {
        return deviations + " deviations, " + terms + " more terms, " + writes + " writes, " + losses
                + " lost directories, at most " + down + " nodes down at a time";
    }
}
