package pgreplica.harness.bench;

import java.util.List;

import pgreplica.harness.Cluster;
import pgreplica.harness.PlainReplication;

/**
 * What a commit costs with sync_mode = quorum, beside three servers without the extension whose primary waits for
 * ANY 1 (*), as one sets it up by hand.
 */
public final class CommitBench {
    private CommitBench() {}

    /** With {@code control} both sides are servers without the extension: what the method itself shows. */
    public static Report run(int pairs, String syncMode, boolean control, String version) {
        try (var first = control ? plain(version) : Cluster.of(3).version(version).syncMode(syncMode).untraced().start();
                var second = plain(version)) {
            var primaries = List.of(control ? first.nodes().getFirst() : first.awaitPrimary(), second.nodes().getFirst());
            primaries.forEach(primary -> primary.sql("create table commits (i int)"));
            var report = new Report("commit", version);
            report.condition("load", "one INSERT of one row for each transaction, " + SideBySide.conditions());
            var bench = new SideBySide(report, List.of(control ? "control" : syncMode, "plain ANY 1 (*)"), primaries, pairs);
            for (int clients : List.of(1, 8)) bench.compare("insert", clients, random -> "insert into commits values (1)");
            return report;
        }
    }

    private static Cluster plain(String version) {
        var cluster = Cluster.of(3).version(version).plain().set("wal_log_hints", "on").start();
        try {
            PlainReplication.setUp(cluster, 1);
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }
}
