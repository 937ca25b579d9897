package pgreplica.simulator.twin;

import java.util.Iterator;
import java.util.SplittableRandom;

final class ToyEvents implements Iterator<byte[]> {
    private final SplittableRandom random;

    ToyEvents(long seed) {
        random = new SplittableRandom(seed);
    }

    @Override public boolean hasNext() {
        return true;
    }

    @Override public byte[] next() {
        var event = new byte[1 + random.nextInt(8)];
        random.nextBytes(event);
        return event;
    }
}
