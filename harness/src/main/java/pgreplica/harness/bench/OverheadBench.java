package pgreplica.harness.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.ProcessTable;

/**
 * pgbench against one server with the extension and one without, otherwise alike, taking turns, so that whatever else
 * the machine does meets both. CPU time for each transaction, of all processes of the server, hardly depends on what
 * else runs; the rate does.
 */
public final class OverheadBench {
    private static final Pattern RATE = Pattern.compile("tps = ([0-9.]+)");
    private static final Pattern COUNT = Pattern.compile("transactions actually processed: ([0-9]+)");
    private static final String UPDATE = """
            \\set aid random(1, 100000 * :scale)
            \\set delta random(-5000, 5000)
            update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
            """;

    /** What one turn of pgbench showed. */
    private record Turn(double rate, double cpuMicros) {}

    private final PgInstall install;
    private final int seconds;

    private OverheadBench(PgInstall install, int seconds) {
        this.install = install;
        this.seconds = seconds;
    }

    /** With {@code control} neither server has the extension, which shows how much the method itself strays. */
    public static Report run(int pairs, int seconds, int scale, boolean control, String version) {
        var bench = new OverheadBench(PgInstall.find(version), seconds);
        var first = Cluster.of(1).version(version).untraced();
        if (control) first.plain();
        try (var with = first.start(); var without = Cluster.of(1).version(version).plain().start()) {
            var nodes = List.of(with.nodes().getFirst(), without.nodes().getFirst());
            nodes.forEach(node -> bench.pgbench(node, List.of("-i", "-q", "-s", String.valueOf(scale))));
            var report = new Report("overhead", version);
            report.condition("pgbench", "scale " + scale + ", 4 clients, " + seconds + " s, pairs in alternating order");
            report.condition("control", control);
            bench.compare(report, "read-only", nodes, pairs, List.of("-S"));
            bench.compare(report, "single-row update", nodes, pairs, List.of("-s", String.valueOf(scale), "-f", script()));
            return report;
        }
    }

    private void compare(Report report, String load, List<Node> nodes, int pairs, List<String> arguments) {
        var with = new ArrayList<Turn>();
        var without = new ArrayList<Turn>();
        // The first turn of each fills its caches.
        nodes.forEach(node -> turn(node, arguments));
        for (int pair = 0; pair < pairs; pair++) {
            boolean withFirst = pair % 2 == 0;
            if (withFirst) with.add(turn(nodes.getFirst(), arguments));
            without.add(turn(nodes.getLast(), arguments));
            if (!withFirst) with.add(turn(nodes.getFirst(), arguments));
        }
        var cost = new ArrayList<Double>();
        var loss = new ArrayList<Double>();
        for (int pair = 0; pair < pairs; pair++) {
            cost.add(100 * (with.get(pair).cpuMicros() / without.get(pair).cpuMicros() - 1));
            loss.add(100 * (1 - with.get(pair).rate() / without.get(pair).rate()));
        }
        report.add(new Statistics(load + " with the extension: CPU per transaction", "us", cpu(with)));
        report.add(new Statistics(load + " without: CPU per transaction", "us", cpu(without)));
        report.add(new Statistics(load + ": more CPU by (each pair)", "%", cost));
        report.add(new Statistics(load + " with the extension: rate", "tps", rates(with)));
        report.add(new Statistics(load + " without: rate", "tps", rates(without)));
        report.add(new Statistics(load + ": slower by (each pair)", "%", loss));
    }

    private static List<Double> cpu(List<Turn> turns) {
        return turns.stream().map(Turn::cpuMicros).toList();
    }

    private static List<Double> rates(List<Turn> turns) {
        return turns.stream().map(Turn::rate).toList();
    }

    private Turn turn(Node node, List<String> kind) {
        var arguments = new ArrayList<>(List.of("-n", "-c", "4", "-j", "1", "-T", String.valueOf(seconds)));
        arguments.addAll(kind);
        long before = backendMillis(node);
        var output = pgbench(node, arguments);
        return new Turn(find(RATE, output), 1000.0 * (backendMillis(node) - before) / find(COUNT, output));
    }

    /** What the backends that have ended used; nothing else of a server ends while pgbench runs. */
    private static long backendMillis(Node node) {
        long postmaster = node.postmaster().orElseThrow();
        Await.condition("the backends of pgbench have ended and are counted", Duration.ofSeconds(10),
                () -> node.processesTitled("[local]").isEmpty() && !ProcessTable.hasUncountedChild(postmaster),
                node::describe);
        return ProcessTable.endedChildrenMillis(postmaster);
    }

    private static double find(Pattern pattern, String output) {
        var found = pattern.matcher(output);
        if (!found.find()) throw new HarnessException("pgbench did not print \"" + pattern + "\":\n" + output);
        return Double.parseDouble(found.group(1));
    }

    private static String script() {
        try {
            var file = Files.createTempFile("pg_replica-bench", ".sql");
            file.toFile().deleteOnExit();
            return Files.writeString(file, UPDATE).toString();
        } catch (IOException failure) {
            throw new HarnessException("cannot write a script for pgbench: " + failure.getMessage(), failure);
        }
    }

    private String pgbench(Node node, List<String> arguments) {
        var target = node.superuser("postgres");
        var command = new ArrayList<>(install.command("pgbench", "-h", target.host(), "-p",
                String.valueOf(target.port()), "-U", target.user()));
        command.addAll(arguments);
        command.add(target.database());
        return Exec.run(command, Map.of(), "");
    }
}
