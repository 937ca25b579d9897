package pgreplica.harness.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.Cluster;
import pgreplica.harness.ClusterBuilder;
import pgreplica.harness.Node;
import pgreplica.harness.PlainReplication;

/**
 * What a commit costs with sync_mode = quorum, beside three servers without the extension whose primary waits for
 * ANY 1 (*), as one sets it up by hand. Both run all the time, the clients stay connected to both, and they take turns
 * of a fraction of a second: what else the machine does then meets both, where turns of seconds strayed by a third.
 */
public final class CommitBench {
    private static final Duration TURN = Duration.ofMillis(250);

    private final String measured;
    private final List<Node> primaries;

    private CommitBench(String measured, List<Node> primaries) {
        this.measured = measured;
        this.primaries = primaries;
    }

    /** With {@code control} both sides are servers without the extension: what the method itself shows. */
    public static Report run(int pairs, String syncMode, boolean control, String version) {
        try (var first = control ? plain(version) : Cluster.of(3).version(version).syncMode(syncMode).untraced().start();
                var second = plain(version)) {
            var bench = new CommitBench(control ? "control" : syncMode, List.of(
                    control ? first.nodes().getFirst() : first.awaitPrimary(), second.nodes().getFirst()));
            var report = new Report("commit", version);
            report.condition("measured", bench.measured);
            report.condition("load", "one INSERT of one row for each transaction, turns of " + TURN.toMillis()
                    + " ms, pairs in alternating order, all clients connected to both all the time");
            bench.primaries.forEach(primary -> primary.sql("create table commits (i int)"));
            for (int clients : List.of(1, 8)) bench.compare(report, pairs, clients);
            return report;
        }
    }

    private static Cluster plain(String version) {
        ClusterBuilder builder = Cluster.of(3).version(version).plain().set("wal_log_hints", "on");
        var cluster = builder.start();
        try {
            PlainReplication.setUp(cluster, 1);
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }

    private void compare(Report report, int pairs, int clients) {
        var by = clients + (clients == 1 ? " client, " : " clients, ");
        var latencies = List.of(new ArrayList<Double>(), new ArrayList<Double>());
        var rates = List.of(new ArrayList<Double>(), new ArrayList<Double>());
        var longer = new ArrayList<Double>();
        try (var measuredClients = new Committers(primaries.get(0), clients);
                var plainClients = new Committers(primaries.get(1), clients)) {
            var sides = List.of(measuredClients, plainClients);
            // The first turns fill caches and let the compiler of this program come to rest.
            for (int turn = 0; turn < 20; turn++) sides.get(turn % 2).run(TURN);
            for (int pair = 0; pair < pairs; pair++) {
                for (int turn = 0; turn < 2; turn++) {
                    int which = (pair + turn) % 2;
                    var seen = sides.get(which).run(TURN);
                    latencies.get(which).add(seen.meanMillis());
                    rates.get(which).add(seen.perSecond());
                }
                longer.add(100 * (latencies.get(0).getLast() / latencies.get(1).getLast() - 1));
            }
        }
        for (int which = 0; which < 2; which++) {
            var name = by + (which == 0 ? measured : "plain ANY 1 (*)");
            report.add(new Statistics(name + ": mean latency", "ms", latencies.get(which)));
            report.add(new Statistics(name + ": throughput", "tps", rates.get(which)));
        }
        report.add(new Statistics(by + "latency longer by (each pair)", "%", longer));
    }
}
