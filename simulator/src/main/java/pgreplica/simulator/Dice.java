package pgreplica.simulator;

import java.util.SplittableRandom;

/** Chance, as one concern sees it. Each concern has its own, so that a new kind of fault does not reshuffle the rest. */
final class Dice {
    private final SplittableRandom random;

    Dice(long seed, String concern) {
        long mixed = seed;
        for (int i = 0; i < concern.length(); i++) mixed = mixed * 31 + concern.charAt(i);
        random = new SplittableRandom(mixed);
    }

    /** A number in [low, high]. */
    long between(long low, long high) {
        return random.nextLong(low, high + 1);
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    long any() {
        return random.nextLong();
    }
}
