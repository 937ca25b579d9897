package pgreplica.simulator.explore;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks for a way to break a promise: everything within bounds, what is known to be dangerous, and at random. */
@Command(name = "explore", mixinStandardHelpOptions = true,
        description = "Searches whole clusters for a way to break a promise.")
public final class ExploreCommand implements Callable<Integer> {
    private static final int STEPS_OF_A_WALK = 150;

    @Parameters(index = "0..*", description = "split-brain (P2), durability (P3): all within bounds, then random walks; "
            + "directed: the searches of simulator/src/explorations.txt; all three if none is named")
    private List<String> what;

    @Option(names = "--nodes", defaultValue = "3", description = "of the exhaustive search (default: ${DEFAULT-VALUE})")
    private int nodes;

    @Option(names = "--deviations", defaultValue = "2",
            description = "faults, lost and late messages in the exhaustive search; -1 for none (default: ${DEFAULT-VALUE})")
    private int deviations;

    @Option(names = "--terms", defaultValue = "2", description = "terms after the first one (default: ${DEFAULT-VALUE})")
    private int terms;

    @Option(names = "--losses", defaultValue = "0", description = "data or state directories that may be lost")
    private int losses;

    @Option(names = "--states", defaultValue = "20000000", description = "give up beyond this many")
    private long states;

    @Option(names = "--seconds", defaultValue = "540", description = "for each search (default: ${DEFAULT-VALUE})")
    private long seconds;

    @Option(names = "--walks", defaultValue = "500",
            description = "random walks for each property, with 3 and with 5 nodes each (default: ${DEFAULT-VALUE})")
    private long walks;

    @Option(names = "--rules", split = ",", description = "of the directed searches, only those for these rules")
    private List<String> rules;

    @Option(names = "--seed", defaultValue = "1", description = "of the random walks")
    private long seed;

    @Override public Integer call() throws IOException {
        for (var name : what == null ? List.of("directed", "split-brain", "durability") : what) {
            try {
                boolean holds = name.equals("directed") ? directed() : property(Property.named(name));
                if (!holds) return 1;
            } catch (Prologue.Broken broken) {
                System.out.println("FAILED before the search began: " + broken.getMessage());
                return 1;
            }
        }
        return 0;
    }

    private boolean property(Property property) {
        return (deviations < 0 || search(property, nodes, everything(property), Plan.anything(deviations), "everything", System.out::println))
                && walks(property, 3) && walks(property, 5);
    }

    private Bounds everything(Property property) {
        return new Bounds(deviations, terms, property.writes, losses, (nodes - 1) / 2);
    }

    /** Disks survive whatever is down, so in a search that knows what it is after more than a minority may be. */
    private boolean directed() throws IOException {
        for (var directed : Directed.all(Directed.FILE)) {
            if (rules != null && !rules.contains(directed.rule())) continue;
            var plan = directed.plan();
            var bounds = new Bounds(plan.deviations(), directed.terms(), directed.property().writes, plan.losses(),
                    directed.nodes() - 1);
            if (!search(directed.property(), directed.nodes(), bounds, plan, directed.text(), _ -> {})) return false;
        }
        return true;
    }

    /** @return the cluster that founded itself and is well */
    static Cluster founded(Machine machine) {
        var cluster = machine.unfounded();
        for (var choice : Prologue.of(machine)) cluster = machine.draft(cluster).take(choice).done();
        return cluster;
    }

    private boolean search(
            Property property, int size, Bounds bounds, Plan plan, String called, Consumer<String> report) {
        long start = System.nanoTime();
        var machine = new Machine(size, property);
        var first = founded(machine);
        report.accept(property + ", " + size + " nodes, " + called + " within " + bounds + ":");
        var search = new Search(machine, bounds, plan, states, seconds, report);
        var found = search.from(first);
        String all = search.exhausted() ? "nothing found, all within the bounds" : "nothing found, NOT all within the bounds";
        System.out.printf("%s, %d nodes, %s: %s, %,d states, %.0f s%n", property, size, called,
                found.isEmpty() ? all : "found", search.states(), (System.nanoTime() - start) / 1e9);
        return tell(machine, first, found);
    }

    private boolean walks(Property property, int size) {
        if (walks <= 0) return true;
        var machine = new Machine(size, property);
        var first = founded(machine);
        var random = new Walks(machine, new Bounds(10, 10, property.writes * 3, losses, (size - 1) / 2), seed);
        var found = Optional.<Search.Counterexample>empty();
        for (long i = 0; i < walks && found.isEmpty(); i++) found = random.walk(first, STEPS_OF_A_WALK);
        System.out.printf("%s, %d nodes: %s in %,d random walks of at most %d steps, %,d steps with %,d items; "
                + "a second primary opened in %,d, a third in %,d; %,d commits acknowledged%n", property, size,
                found.isEmpty() ? "nothing found" : "found", random.walks, STEPS_OF_A_WALK, random.steps,
                random.choices, random.secondPrimaries, random.thirdPrimaries, random.acknowledged);
        return tell(machine, first, found);
    }

    private static boolean tell(Machine machine, Cluster first, Optional<Search.Counterexample> found) {
        if (found.isPresent()) Story.tell(machine, first, found.get(), System.out::println);
        return found.isEmpty();
    }
}
