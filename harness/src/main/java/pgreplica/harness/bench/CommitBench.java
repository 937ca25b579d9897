package pgreplica.harness.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.PlainReplication;
import pgreplica.harness.run.Exec;

/**
 * What a commit costs with sync_mode = quorum, beside three servers without the extension whose primary waits for
 * ANY 1 (*), as one sets it up by hand. Both run all the time and take turns, so that whatever else the machine does
 * meets both.
 */
public final class CommitBench {
    private static final Pattern LATENCY = Pattern.compile("latency average = ([0-9.]+) ms");
    private static final Pattern RATE = Pattern.compile("tps = ([0-9.]+)");
    private static final List<String> NAMES = List.of("quorum", "plain ANY 1 (*)");

    private final List<Node> primaries;
    private final int seconds;

    private CommitBench(List<Node> primaries, int seconds) {
        this.primaries = primaries;
        this.seconds = seconds;
    }

    public static Report run(int pairs, int seconds, String syncMode, String version) {
        try (var ours = Cluster.of(3).version(version).syncMode(syncMode).start();
                var plain = Cluster.of(3).version(version).plain().set("wal_log_hints", "on").start()) {
            PlainReplication.setUp(plain, 1);
            var bench = new CommitBench(List.of(ours.awaitPrimary(), plain.nodes().getFirst()), seconds);
            bench.primaries.forEach(primary -> primary.sql("create table commits (i int)"));
            var report = new Report("commit", version);
            report.condition("sync_mode", syncMode);
            report.condition("pgbench", "one INSERT of one row for each transaction, " + seconds
                    + " s each turn, pairs in alternating order, both clusters run all the time");
            for (int clients : List.of(1, 8)) bench.compare(report, pairs, clients);
            return report;
        }
    }

    private void compare(Report report, int pairs, int clients) {
        var latencies = List.of(new ArrayList<Double>(), new ArrayList<Double>());
        var rates = List.of(new ArrayList<Double>(), new ArrayList<Double>());
        var longer = new ArrayList<Double>();
        var slower = new ArrayList<Double>();
        for (int pair = 0; pair < pairs; pair++) {
            for (int turn = 0; turn < 2; turn++) {
                int which = (pair + turn) % 2;
                var output = pgbench(primaries.get(which), clients);
                latencies.get(which).add(number(LATENCY, output));
                rates.get(which).add(number(RATE, output));
            }
            longer.add(100 * (latencies.get(0).getLast() / latencies.get(1).getLast() - 1));
            slower.add(100 * (1 - rates.get(0).getLast() / rates.get(1).getLast()));
        }
        var by = clients + (clients == 1 ? " client, " : " clients, ");
        for (int which = 0; which < 2; which++) {
            report.add(new Statistics(by + NAMES.get(which) + ": mean latency", "ms", latencies.get(which)));
            report.add(new Statistics(by + NAMES.get(which) + ": throughput", "tps", rates.get(which)));
        }
        report.add(new Statistics(by + "latency longer by (each pair)", "%", longer));
        report.add(new Statistics(by + "throughput lower by (each pair)", "%", slower));
    }

    private String pgbench(Node node, int clients) {
        var target = node.superuser("postgres");
        try {
            var script = Files.createTempFile("pg_replica-commit", ".sql");
            try {
                Files.writeString(script, "insert into commits values (1);\n");
                return Exec.run(List.of(node.program("pgbench"), "-h", target.host(), "-p", String.valueOf(target.port()),
                        "-U", target.user(), "-n", "-f", script.toString(), "-c", String.valueOf(clients), "-j", "1", "-T",
                        String.valueOf(seconds), "-M", "prepared", target.database()), Map.of(), "");
            } finally {
                Files.delete(script);
            }
        } catch (IOException failure) {
            throw new HarnessException("cannot write a script for pgbench: " + failure.getMessage(), failure);
        }
    }

    private static double number(Pattern pattern, String output) {
        var found = pattern.matcher(output);
        if (!found.find()) throw new HarnessException("pgbench printed no " + pattern + ":\n" + output);
        return Double.parseDouble(found.group(1));
    }
}
