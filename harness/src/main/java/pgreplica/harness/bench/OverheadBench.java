package pgreplica.harness.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.PgInstall;

/**
 * pgbench against one server with the extension and one without, otherwise alike, taking turns, so that whatever else
 * the machine does meets both.
 */
public final class OverheadBench {
    private static final Pattern TPS = Pattern.compile("tps = ([0-9.]+)");

    private final PgInstall install;
    private final int seconds;

    private OverheadBench(PgInstall install, int seconds) {
        this.install = install;
        this.seconds = seconds;
    }

    public static Report run(int pairs, int seconds, int scale, String version) {
        var bench = new OverheadBench(PgInstall.find(version), seconds);
        try (var with = Cluster.of(1).version(version).start(); var without = Cluster.of(1).version(version).plain().start()) {
            var nodes = List.of(with.nodes().getFirst(), without.nodes().getFirst());
            nodes.forEach(node -> bench.pgbench(node, List.of("-i", "-q", "-s", String.valueOf(scale))));
            var report = new Report("overhead", version);
            report.condition("pgbench", "scale " + scale + ", 4 clients, " + seconds + " s, pairs in alternating order");
            for (var kind : List.of(List.<String>of(), List.of("-S"))) bench.compare(report, nodes, pairs, kind);
            return report;
        }
    }

    private void compare(Report report, List<Node> nodes, int pairs, List<String> kind) {
        var rates = List.of(new ArrayList<Double>(), new ArrayList<Double>());
        var ratios = new ArrayList<Double>();
        for (int pair = 0; pair < pairs; pair++) {
            for (int turn = 0; turn < 2; turn++) {
                int which = (pair + turn) % 2;
                rates.get(which).add(rate(nodes.get(which), kind));
            }
            ratios.add(100 * (1 - rates.get(0).getLast() / rates.get(1).getLast()));
        }
        var name = kind.isEmpty() ? "read-write" : "select only";
        report.add(new Statistics(name + " with the extension", "tps", rates.get(0)));
        report.add(new Statistics(name + " without", "tps", rates.get(1)));
        report.add(new Statistics(name + ": slower by (each pair)", "%", ratios));
    }

    private double rate(Node node, List<String> kind) {
        var arguments = new ArrayList<>(List.of("-n", "-c", "4", "-j", "1", "-T", String.valueOf(seconds)));
        arguments.addAll(kind);
        var output = pgbench(node, arguments);
        var found = TPS.matcher(output);
        if (!found.find()) throw new HarnessException("pgbench printed no rate:\n" + output);
        return Double.parseDouble(found.group(1));
    }

    private String pgbench(Node node, List<String> arguments) {
        var target = node.superuser("postgres");
        var command = new ArrayList<>(List.of(install.program("pgbench"), "-h", target.host(), "-p",
                String.valueOf(target.port()), "-U", target.user()));
        command.addAll(arguments);
        command.add(target.database());
        return Exec.run(command, Map.of(), "");
    }
}
