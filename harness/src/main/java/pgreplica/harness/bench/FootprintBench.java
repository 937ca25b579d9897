package pgreplica.harness.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.run.ProcessTable;

/** What the extension's workers cost on an idle cluster: memory at rest, and CPU over a stated time. */
public final class FootprintBench {
    private static final List<String> WORKERS = List.of("pg_replica node", "pg_replica assistant", "pg_replica watchdog");

    private FootprintBench() {}

    public static Report run(Duration span, String version) {
        try (var cluster = Cluster.of(3).version(version).start()) {
            var before = cpu(cluster);
            long start = System.nanoTime();
            Await.condition("the time of measurement is over", span.plusSeconds(30),
                    () -> System.nanoTime() - start >= span.toNanos(), () -> "");
            double seconds = (System.nanoTime() - start) / 1e9;
            var after = cpu(cluster);

            var report = new Report("footprint", version);
            report.condition("seconds", seconds);
            for (var worker : WORKERS) addWorker(report, cluster, worker, before, after, seconds);
            return report;
        }
    }

    private static void addWorker(Report report, Cluster cluster, String worker, TreeMap<Long, Long> before,
            TreeMap<Long, Long> after, double seconds) {
        var privateMemory = new ArrayList<Double>();
        var resident = new ArrayList<Double>();
        var cpu = new ArrayList<Double>();
        for (var node : cluster.nodes()) {
            for (long pid : node.processesTitled(worker)) {
                ProcessTable.usage(pid).ifPresent(usage -> {
                    privateMemory.add(usage.privateKib() / 1024.0);
                    resident.add(usage.residentKib() / 1024.0);
                });
                if (before.containsKey(pid) && after.containsKey(pid)) {
                    cpu.add((after.get(pid) - before.get(pid)) / seconds / 10);
                }
            }
        }
        report.add(new Statistics(worker + ": private memory", "MiB", privateMemory));
        report.add(new Statistics(worker + ": resident memory", "MiB", resident));
        report.add(new Statistics(worker + ": CPU", "% of a core", cpu));
    }

    private static TreeMap<Long, Long> cpu(Cluster cluster) {
        var millis = new TreeMap<Long, Long>();
        for (var node : cluster.nodes()) {
            for (long pid : node.processesTitled("pg_replica ")) {
                ProcessTable.usage(pid).ifPresent(usage -> millis.put(pid, usage.cpuMillis()));
            }
        }
        return millis;
    }
}
