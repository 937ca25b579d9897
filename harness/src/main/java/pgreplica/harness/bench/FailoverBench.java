package pgreplica.harness.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;

/**
 * From the fault to the first commit that a waiting client is told of: clients that try all nodes each 20 ms and take
 * the one that accepts writes.
 */
public final class FailoverBench {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int ROWS_BEFORE = 100;

    /** What happens to the primary. */
    public enum Case {
        /** SIGKILL to all of its processes. */ crash,
        /** SIGKILL to its postmaster only. */ postmaster,
        /** Its host vanishes from the network. */ silent,
        /** SIGSTOP to all of its processes. */ freeze,
        /** Nothing is wrong with it: an operator calls {@code failover()}. */ request
    }

    private final Case fault;
    private final Cluster cluster;
    private final List<Double> gaps = new ArrayList<>();
    private final List<Double> rejoins = new ArrayList<>();
    private final List<Double> lost = new ArrayList<>();
    private final List<Double> zombies = new ArrayList<>();
    private final List<Double> reattached = new ArrayList<>();
    private final List<Double> rewinds = new ArrayList<>();

    private FailoverBench(Case fault, Cluster cluster) {
        this.fault = fault;
        this.cluster = cluster;
    }

    public static Report run(Case fault, int runs, String syncMode, String version) {
        var builder = Cluster.of(3).version(version).syncMode(syncMode).untraced();
        if (fault == Case.silent) builder.namespaces();
        try (var cluster = builder.start()) {
            var bench = new FailoverBench(fault, cluster);
            for (int run = 1; run <= runs; run++) bench.runOnce(run);
            return bench.report(syncMode, version);
        }
    }

    private void runOnce(int run) {
        var primary = cluster.awaitPrimary();
        var follower = cluster.startWriter().awaitRows(ROWS_BEFORE);
        // Stays with the old primary, and would notice if that acknowledged something when it is back.
        var pinned = cluster.startWriter(Writer.Options.pinnedTo(primary)).awaitRows(1);
        long logged = primary.logMark();

        long instant = strike(primary);
        long struck = System.nanoTime();
        follower.awaitRowAfter(instant, node -> !node.equals(primary.name()), LIMIT);
        double gap = follower.outageAfter(instant).orElseThrow().millis();
        gaps.add(gap);
        var promoted = cluster.awaitPrimaryOtherThan(primary);
        lost.add((double) follower.stop().acknowledgedButMissingFrom(promoted).size());

        long back = repair(primary);
        cluster.awaitWhole();
        rejoins.add((System.nanoTime() - back) / 1e6);
        rewinds.add(primary.logSince(logged).contains("rewinding to ") ? 1.0 : 0.0);
        reattached.addAll(Reattachment.millis(cluster, primary, promoted));
        long opened = follower.firstBy(promoted).orElseThrow().nanos();
        // What was on the wire when the network was cut arrives when it is healed; it was sent in time.
        zombies.add((double) pinned.stop().acknowledgedBy(primary, opened).stream()
                .filter(late -> fault != Case.silent || late.sentNanos() > struck).count());
        System.out.printf("run %d: %s -> %s in %.0f ms, rejoined after %.0f ms, lost %.0f, late acknowledgements %.0f, rewound %.0f, reattached after %.0f ms%n",
                run, primary, promoted, gap, rejoins.getLast(), lost.getLast(), zombies.getLast(), rewinds.getLast(),
                reattached.getLast());
    }

    private long strike(Node primary) {
        return switch (fault) {
            case crash -> primary.kill();
            case postmaster -> primary.killPostmaster();
            case silent -> cluster.isolateCompletely(primary);
            case freeze -> primary.freeze();
            case request -> {
                long instant = System.nanoTime();
                primary.sql("select pg_replica.failover()");
                yield instant;
            }
        };
    }

    private long repair(Node former) {
        return switch (fault) {
            case crash, postmaster -> {
                former.kill();
                long instant = System.nanoTime();
                former.start();
                yield instant;
            }
            case silent -> {
                cluster.heal();
                yield System.nanoTime();
            }
            case freeze -> former.thaw();
            case request -> System.nanoTime();
        };
    }

    private Report report(String syncMode, String version) {
        var report = new Report("failover", version);
        report.condition("case", fault);
        report.condition("sync_mode", syncMode);
        report.condition("client", "2 connections, tries every node each 20 ms, connect limit 500 ms, statement limit 1000 ms");
        report.add(new Statistics("from the fault (" + fault + ") to the first commit", "ms", gaps));
        report.add(new Statistics("from the promotion to the other standby streaming from it", "ms", reattached));
        report.add(new Statistics("from the repair to three healthy nodes", "ms", rejoins));
        report.add(new Statistics("rewinds of the old primary", "per run", rewinds));
        report.add(new Statistics("acknowledged rows missing from the new primary", "rows", lost));
        report.add(new Statistics("rows the old primary acknowledged after the new one", "rows", zombies));
        return report;
    }
}
