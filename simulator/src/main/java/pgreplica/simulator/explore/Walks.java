package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import pgreplica.base.Term;
import pgreplica.simulator.explore.Choice.Kind;

/**
 * Random walks, far deeper than the exhaustive search comes: whatever may happen next may happen, what is usual more
 * often than what is not.
 */
final class Walks {
    /** What a walk may use up before it ends. */
    private static final int MOST_CHOICES = 4000;

    private final Machine machine;
    private final Bounds bounds;
    private final SplittableRandom random;
    long walks;
    long steps;
    long choices;
    long secondPrimaries;
    long thirdPrimaries;
    long acknowledged;

    Walks(Machine machine, Bounds bounds, long seed) {
        this.machine = machine;
        this.bounds = bounds;
        random = new SplittableRandom(seed);
    }

    /** One walk; what it found, if it did. A step is all that follows from one choice that is not the next item. */
    Optional<Search.Counterexample> walk(Cluster first, int mostSteps) {
        walks++;
        var lastTerm = new Term(Search.highestTerm(first).value() + bounds.terms());
        var taken = new ArrayList<Choice>();
        var cluster = first;
        var temper = temper();
        int deviations = 0;
        for (int done = 0; done < mostSteps && taken.size() < MOST_CHOICES;) {
            var choice = choose(cluster, temper, deviations < bounds.deviations());
            if (choice.choice().kind() != Kind.NEXT) done++;
            if (choice.deviates()) deviations++;
            taken.add(choice.choice());
            var draft = machine.draft(cluster).take(choice.choice());
            if (!draft.broken.isEmpty()) return Optional.of(new Search.Counterexample(draft.broken, taken));
            var next = draft.done();
            if (Search.highestTerm(next).isAfter(lastTerm)) break;
            cluster = next;
            if (choice.choice().kind() != Kind.NEXT) steps++;
        }
        choices += taken.size();
        var ledger = cluster.ledger().value;
        int opened = ledger.opened().size() - first.ledger().value.opened().size();
        if (opened >= 1) secondPrimaries++;
        if (opened >= 2) thirdPrimaries++;
        acknowledged += ledger.acknowledged().size();
        return Optional.empty();
    }

    private record Chosen(Choice choice, boolean deviates) {}

    /**
     * What one walk is fond of. Walks that may do everything all the time rarely do the same thing twice in a row;
     * so each has some kinds of deviations only, and does them at its own pace.
     */
    private record Temper(Set<Kind> deviations, double whenQuiet, double whenBusy, double patience) {}

    private Temper temper() {
        var kinds = EnumSet.noneOf(Kind.class);
        while (kinds.isEmpty()) {
            for (var kind : Kind.values()) {
                if (random.nextInt(3) == 0) kinds.add(kind);
            }
        }
        return new Temper(kinds, random.nextDouble(0.05, 0.7), random.nextDouble() * random.nextDouble() * 0.1,
                random.nextDouble(0.3, 0.95));
    }

    private Chosen choose(Cluster cluster, Temper temper, boolean mayDeviate) {
        double chance = cluster.isQuiet() ? temper.whenQuiet() : temper.whenBusy();
        if (mayDeviate && random.nextDouble() < chance) {
            var deviations = Moves.of(machine, bounds, cluster, 1).stream()
                    .filter(choice -> temper.deviations().contains(choice.kind())).toList();
            if (!deviations.isEmpty()) return new Chosen(any(deviations), true);
        }
        return new Chosen(usual(Moves.of(machine, bounds, cluster, 0), temper), false);
    }

    private Choice any(List<Choice> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /** With a clock, time passes most of the time; or no timeout would ever come. */
    private Choice usual(List<Choice> choices, Temper temper) {
        var times = choices.stream().filter(choice -> choice.kind() == Kind.TIME).toList();
        return !times.isEmpty() && random.nextDouble() < temper.patience() ? any(times) : any(choices);
    }
}
