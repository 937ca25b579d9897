package pgreplica.harness.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.ProcessTable;

/**
 * What the extension's workers cost on an idle cluster, beside workers that do nothing in the same servers: memory at
 * rest, and CPU and wake-ups over a stated time.
 */
public final class FootprintBench {
    private static final List<String> OURS = List.of("pg_replica node", "pg_replica assistant", "pg_replica watchdog");
    private static final List<String> IDLE = List.of("bench empty", "bench waking");

    /** What one process had used when it was looked at. */
    private record Sample(Node node, String title, ProcessTable.Usage usage) {}

    /** What one process needs: memory in MiB, CPU in percent of a core, times a second that it was scheduled. */
    private record Cost(Node node, String title, double privateMemory, double proportional, double resident, double cpu,
            double wakes) {}

    private FootprintBench() {}

    public static Report run(Duration span, String version) {
        try (var idle = IdleWorker.compile(PgInstall.find(version));
                var cluster = Cluster.of(3).version(version).untraced()
                        .set("shared_preload_libraries", "pg_replica, " + idle.library()).start()) {
            var before = look(cluster);
            long start = System.nanoTime();
            Await.condition("the time of measurement is over", span.plusSeconds(30),
                    () -> System.nanoTime() - start >= span.toNanos(), () -> "");
            double seconds = (System.nanoTime() - start) / 1e9;
            var costs = costs(before, look(cluster), seconds);

            var report = new Report("footprint", version);
            report.condition("seconds", seconds);
            for (var title : OURS) add(report, title, ofTitle(costs, title));
            add(report, "all of ours, each node", together(costs));
            for (var title : IDLE) add(report, title, ofTitle(costs, title));
            return report;
        }
    }

    private static TreeMap<Long, Sample> look(Cluster cluster) {
        var samples = new TreeMap<Long, Sample>();
        for (var node : cluster.nodes()) {
            for (var title : titles()) {
                for (long pid : node.processesTitled(title)) {
                    ProcessTable.usage(pid).ifPresent(usage -> samples.put(pid, new Sample(node, title, usage)));
                }
            }
        }
        return samples;
    }

    private static List<String> titles() {
        var titles = new ArrayList<>(OURS);
        titles.addAll(IDLE);
        return titles;
    }

    private static List<Cost> costs(Map<Long, Sample> before, Map<Long, Sample> after, double seconds) {
        var costs = new ArrayList<Cost>();
        after.forEach((pid, sample) -> {
            var former = before.get(pid);
            if (former == null) return;
            var usage = sample.usage();
            costs.add(new Cost(sample.node(), sample.title(), usage.privateKib() / 1024.0,
                    usage.proportionalKib() / 1024.0, usage.residentKib() / 1024.0,
                    (usage.cpuNanos() - former.usage().cpuNanos()) / seconds / 1e7,
                    (usage.wakes() - former.usage().wakes()) / seconds));
        });
        return costs;
    }

    private static List<Cost> ofTitle(List<Cost> costs, String title) {
        return costs.stream().filter(cost -> cost.title().equals(title)).toList();
    }

    /** Shared pages are in every process's resident memory, so that sum says little; the others add up. */
    private static List<Cost> together(List<Cost> costs) {
        var sums = new LinkedHashMap<Node, Cost>();
        for (var cost : costs) {
            if (!OURS.contains(cost.title())) continue;
            sums.merge(cost.node(), cost, (a, b) -> new Cost(a.node(), "", a.privateMemory() + b.privateMemory(),
                    a.proportional() + b.proportional(), a.resident() + b.resident(), a.cpu() + b.cpu(),
                    a.wakes() + b.wakes()));
        }
        return List.copyOf(sums.values());
    }

    private static void add(Report report, String what, List<Cost> costs) {
        add(report, what + ": private memory", "MiB", costs, Cost::privateMemory);
        add(report, what + ": proportional memory (PSS)", "MiB", costs, Cost::proportional);
        add(report, what + ": resident memory (RSS)", "MiB", costs, Cost::resident);
        add(report, what + ": CPU", "% of a core", costs, Cost::cpu);
        add(report, what + ": wake-ups", "per second", costs, Cost::wakes);
    }

    private static void add(Report report, String what, String unit, List<Cost> costs, ToDoubleFunction<Cost> value) {
        report.add(new Statistics(what, unit, costs.stream().mapToDouble(value).boxed().toList()));
    }
}
