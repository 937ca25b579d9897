package pgreplica.simulator;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs many seeds, or one with a trace that a person can read. */
@Command(name = "sim", mixinStandardHelpOptions = true,
        description = "Simulates whole clusters. Without a seed: many of them, and only failures are shown.")
final class SimCommand implements Callable<Integer> {
    @Parameters(index = "0", arity = "0..1", description = "replay this seed with its trace")
    private Long seed;

    @Option(names = "--seeds", defaultValue = "100", description = "how many seeds (default: ${DEFAULT-VALUE})")
    private long seeds;

    @Option(names = "--from", defaultValue = "1", description = "the first seed (default: ${DEFAULT-VALUE})")
    private long from;

    @Option(names = "--only", split = ",", description = "of the seed that is replayed, only these faults")
    private Set<Integer> only;

    @Option(names = "--keep-going", description = "go on after a failure")
    private boolean keepGoing;

    @Override public Integer call() {
        return seed != null ? replay() : many();
    }

    private int replay() {
        var run = new Run(seed, Optional.ofNullable(only), true, System.out::println);
        try {
            run.go();
            System.out.println("seed " + seed + ": no promise broken");
            return 0;
        } catch (Promises.Broken broken) {
            System.out.println(broken.getMessage());
            if (broken.getCause() != null) broken.getCause().printStackTrace(System.out);
            return 1;
        }
    }

    private static void fail(long seed, Run run, Promises.Broken broken) {
        System.out.println("FAILED seed=" + seed + " replay with: ./dev sim " + seed + "\n  "
                + broken.getMessage() + (broken.getCause() == null ? "" : ": " + broken.getCause()));
        var needed = Shrinking.ofSeed(seed, run.world().faults, broken);
        System.out.println("  of its " + run.world().faults.size() + " faults these are enough: ./dev sim " + seed
                + (needed.isEmpty() ? " --only 0" : " --only "
                + needed.stream().map(String::valueOf).collect(Collectors.joining(","))));
    }

    /** Cluster time and processor time of the runs of one kind. */
    private static final class Cost {
        private long clusterMillis;
        private long cpuNanos;

        double hoursPerCpuMinute() {
            return cpuNanos == 0 ? 0 : (clusterMillis / 3.6e6) / (cpuNanos / 6e10);
        }
    }

    private int many() {
        var thread = ManagementFactory.getThreadMXBean();
        long start = System.nanoTime();
        long events = 0;
        long promotions = 0;
        long durable = 0;
        long failed = 0;
        var costs = new TreeMap<Integer, Cost>();
        for (long current = from; current < from + seeds; current++) {
            var run = new Run(current, false, line -> {});
            var world = run.world();
            long cpuBefore = thread.getCurrentThreadCpuTime();
            try {
                run.go();
            } catch (Promises.Broken broken) {
                failed++;
                fail(current, run, broken);
                if (!keepGoing) return 1;
            }
            events += world.events;
            promotions += world.promises.promotions;
            durable += world.promises.durable;
            var cost = costs.computeIfAbsent(world.hosts.size(), nodes -> new Cost());
            cost.clusterMillis += world.nowMillis;
            cost.cpuNanos += thread.getCurrentThreadCpuTime() - cpuBefore;
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        var all = new Cost();
        costs.values().forEach(cost -> all.clusterMillis += cost.clusterMillis);
        all.cpuNanos = ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
        System.out.printf("%d seeds, %d failed, %.1f seeds/s, %.0f events/s, %d promotions, %d quorum commits, "
                + "%d simulated minutes%n",
                seeds, failed, seeds / seconds, events / seconds, promotions, durable, all.clusterMillis / 60_000);
        System.out.printf("%.1f simulated hours per CPU-minute, the compiler's included; without it, by nodes: %s%n",
                all.hoursPerCpuMinute(), costs.entrySet().stream()
                        .map(kind -> String.format("%d: %.1f", kind.getKey(), kind.getValue().hoursPerCpuMinute()))
                        .collect(Collectors.joining(", ")));
        return failed == 0 ? 0 : 1;
    }
}
