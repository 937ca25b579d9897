package pgreplica.simulator.twin;

import java.util.Iterator;
import java.util.SplittableRandom;

/** One troubled cluster after the other, so that each is founded, and none gets stuck for the whole test. */
final class TroubledClusters implements Iterator<Recorded> {
    private static final int EVENTS_OF_EACH = 100_000;

    private final SplittableRandom seeds;
    private TroubledCluster cluster;
    private int left;

    TroubledClusters(long seed) {
        seeds = new SplittableRandom(seed);
    }

    @Override public boolean hasNext() {
        return true;
    }

    @Override public Recorded next() {
        if (left == 0) {
            cluster = new TroubledCluster(seeds.nextLong());
            left = EVENTS_OF_EACH;
        }
        left--;
        return cluster.next();
    }
}
