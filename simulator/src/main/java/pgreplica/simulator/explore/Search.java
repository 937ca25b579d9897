package pgreplica.simulator.explore;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import pgreplica.base.Term;

/**
 * Every cluster that can be reached within bounds, those with the fewest deviations first: a cluster that is reached
 * again has no more deviations left than it had the first time, so once is enough.
 */
final class Search {
    /** @param choices what leads there from the first cluster */
    record Counterexample(String broken, List<Choice> choices) {}

    private record Waiting(Cluster cluster, int number) {}

    private final Machine machine;
    private final Bounds bounds;
    private final Plan plan;
    private final Consumer<String> report;
    private final long mostStates;
    private final long endNanos;
    private final Seen seen = new Seen();
    private Term lastTerm;
    private long transitions;
    private boolean cutShort;

    Search(Machine machine, Bounds bounds, Plan plan, long mostStates, long seconds, Consumer<String> report) {
        this.machine = machine;
        this.bounds = bounds;
        this.plan = plan;
        this.mostStates = mostStates;
        this.report = report;
        endNanos = System.nanoTime() + seconds * 1_000_000_000L;
    }

    /** Whether the search saw all there is within the bounds. */
    boolean exhausted() {
        return !cutShort;
    }

    long states() {
        return seen.size();
    }

    Optional<Counterexample> from(Cluster first) {
        long start = System.nanoTime();
        lastTerm = new Term(highestTerm(first).value() + bounds.terms());
        var level = new ArrayDeque<Waiting>();
        level.add(new Waiting(first, seen.add(first, -1, Choice.of(Choice.Kind.NEXT))));
        for (int deviations = 0; deviations <= plan.deviations() && !cutShort; deviations++) {
            var next = new ArrayList<Waiting>();
            var found = level(level, deviations, next);
            report.accept(String.format("  %d deviations: %,d states, %,d transitions, %s, %.1f s%s", deviations,
                    seen.size(), transitions, machine.steps.sizes(), (System.nanoTime() - start) / 1e9,
                    cutShort ? ", cut short" : ""));
            if (found.isPresent()) return found;
            level = new ArrayDeque<>(next);
        }
        return Optional.empty();
    }

    /** All that is reached without another deviation; {@code next} gets where each of them could deviate. */
    private Optional<Counterexample> level(ArrayDeque<Waiting> level, int deviations, List<Waiting> next) {
        var here = new ArrayDeque<>(level);
        var expanded = new ArrayList<Waiting>();
        while (!here.isEmpty()) {
            if (seen.size() > mostStates || System.nanoTime() > endNanos) {
                cutShort = true;
                return Optional.empty();
            }
            var waiting = here.poll();
            if (deviations < plan.deviations()) expanded.add(waiting);
            var found = expand(waiting, Moves.of(machine, bounds, waiting.cluster(), 0), here);
            if (found.isPresent()) return found;
        }
        for (var waiting : expanded) {
            if (seen.size() > mostStates || System.nanoTime() > endNanos) {
                cutShort = true;
                return Optional.empty();
            }
            var choices = Moves.of(machine, bounds, waiting.cluster(), 1);
            choices.removeIf(choice -> !plan.allows(deviations, waiting.cluster(), choice));
            var found = expand(waiting, choices, next);
            if (found.isPresent()) return found;
        }
        return Optional.empty();
    }

    private Optional<Counterexample> expand(Waiting waiting, List<Choice> choices, Collection<Waiting> reached) {
        for (var choice : choices) {
            transitions++;
            var draft = machine.draft(waiting.cluster()).take(choice);
            if (!draft.broken.isEmpty()) {
                var path = new ArrayList<>(seen.path(waiting.number()));
                path.add(choice);
                return Optional.of(new Counterexample(draft.broken, path));
            }
            var cluster = draft.done();
            if (highestTerm(cluster).isAfter(lastTerm)) continue;
            int number = seen.add(cluster, waiting.number(), choice);
            if (number >= 0) reached.add(new Waiting(cluster, number));
        }
        return Optional.empty();
    }

    static Term highestTerm(Cluster cluster) {
        var highest = Term.ZERO;
        for (var member : cluster.members()) {
            var term = member.disk().value.ballot().term();
            if (term.isAfter(highest)) highest = term;
        }
        return highest;
    }
}
