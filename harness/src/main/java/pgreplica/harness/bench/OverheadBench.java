package pgreplica.harness.bench;

import java.util.List;
import java.util.Map;
import java.util.Random;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Exec;

/** pgbench's tables and statements on one server with the extension and on one without, otherwise alike. */
public final class OverheadBench {
    private static final int CLIENTS = 4;
    private static final int ACCOUNTS_PER_SCALE = 100_000;

    private OverheadBench() {}

    /** With {@code control} neither server has the extension, which shows how much the method itself strays. */
    public static Report run(int pairs, int scale, boolean control, String version) {
        var with = Cluster.of(1).version(version).untraced();
        if (control) with.plain();
        try (var first = with.start(); var second = Cluster.of(1).version(version).plain().start()) {
            var servers = List.of(first.nodes().getFirst(), second.nodes().getFirst());
            servers.forEach(server -> fill(server, scale));
            var report = new Report("overhead", version);
            report.condition("load", "tables of pgbench, scale " + scale + ", " + SideBySide.conditions());
            var bench = new SideBySide(report, List.of(control ? "control" : "with the extension", "without"), servers, pairs);
            bench.compare("read-only", CLIENTS,
                    random -> "select abalance from pgbench_accounts where aid = " + account(random, scale));
            bench.compare("single-row update", CLIENTS, random -> "update pgbench_accounts set abalance = abalance + "
                    + random.nextInt(-5000, 5001) + " where aid = " + account(random, scale));
            return report;
        }
    }

    private static int account(Random random, int scale) {
        return random.nextInt(1, ACCOUNTS_PER_SCALE * scale + 1);
    }

    private static void fill(Node server, int scale) {
        var target = server.superuser("postgres");
        Exec.run(List.of(server.program("pgbench"), "-h", target.host(), "-p", String.valueOf(target.port()), "-U",
                target.user(), "-i", "-q", "-s", String.valueOf(scale), target.database()), Map.of(), "");
    }
}
