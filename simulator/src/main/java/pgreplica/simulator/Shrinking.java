package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** Leaves faults out of a run that breaks a promise for as long as the same promise breaks without them. */
final class Shrinking {
    private static final int MOST_RUNS = 500;

    private final Predicate<Set<Integer>> breaks;
    private int runs;

    private Shrinking(Predicate<Set<Integer>> breaks) {
        this.breaks = breaks;
    }

    /** The faults of a seed that are needed; {@code broken} is what it breaks with all of them. */
    static Set<Integer> ofSeed(long seed, Set<Integer> happened, Promises.Broken broken) {
        return of(happened, only -> brokenBy(seed, only).map(Shrinking::promise).equals(Optional.of(promise(broken))));
    }

    /** Greedily, in pieces of half of what is left, then of a quarter, down to single ones. */
    static Set<Integer> of(Set<Integer> faults, Predicate<Set<Integer>> breaks) {
        var shrinking = new Shrinking(breaks);
        Set<Integer> left = new TreeSet<>(faults);
        for (int piece = Math.max(1, left.size() / 2); piece > 0; piece /= 2) {
            boolean less = true;
            while (less) {
                var before = left;
                left = shrinking.withoutPieces(left, piece);
                less = left.size() < before.size();
            }
        }
        return left;
    }

    private Set<Integer> withoutPieces(Set<Integer> faults, int piece) {
        var left = new TreeSet<>(faults);
        var inOrder = List.copyOf(faults);
        for (int from = 0; from < inOrder.size() && runs < MOST_RUNS; from += piece) {
            var fewer = new TreeSet<>(left);
            fewer.removeAll(new ArrayList<>(inOrder.subList(from, Math.min(from + piece, inOrder.size()))));
            if (fewer.size() == left.size()) continue;
            runs++;
            if (breaks.test(fewer)) left = fewer;
        }
        return left;
    }

    private static Optional<Promises.Broken> brokenBy(long seed, Set<Integer> only) {
        try {
            new Run(seed, Optional.of(only), false, line -> {}).go();
            return Optional.empty();
        } catch (Promises.Broken broken) {
            return Optional.of(broken);
        }
    }

    /** "P3" of "P3: n2 opens without ...". */
    private static String promise(Promises.Broken broken) {
        return broken.getMessage().split("[ :]", 2)[0];
    }
}
