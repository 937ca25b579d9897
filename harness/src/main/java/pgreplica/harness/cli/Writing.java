package pgreplica.harness.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import pgreplica.harness.Acknowledgements;
import pgreplica.harness.Fidelity;
import pgreplica.harness.Ledger;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.Writer;

/** Verbs that write, and that check what became of it. */
final class Writing {
    private Writing() {}

    @Command(name = "write", mixinStandardHelpOptions = true,
            description = "Commit row after row, remember every acknowledged one in a file, report gaps.")
    static final class Write implements Callable<Integer> {
        private static final double REPORTED_GAP_MILLIS = 250;

        @Mixin private Named named;

        @Option(names = "--seconds", paramLabel = "N", description = "end after this time (default: until interrupted)")
        private Integer seconds;

        @Option(names = "--connections", paramLabel = "N", defaultValue = "2")
        private int connections;

        @Option(names = "--pace", paramLabel = "MS", defaultValue = "5", description = "pause between two rows (default 5)")
        private int pace;

        @Override public Integer call() throws InterruptedException {
            var cluster = named.cluster();
            var options = Writer.Options.following(cluster.nodes()).connections(connections)
                    .pace(Duration.ofMillis(pace)).file(Acknowledgements.file(cluster));
            long end = seconds == null ? Long.MAX_VALUE : System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
            try (var writer = cluster.startWriter(options)) {
                int before = 0;
                while (System.nanoTime() < end) {
                    Thread.sleep(1000);
                    before = report(writer, before);
                }
            }
            return 0;
        }

        private static int report(Writer writer, int before) {
            var rows = writer.acknowledged();
            var newest = rows.isEmpty() ? "nobody" : rows.getLast().node();
            System.out.println(rows.size() + " rows acknowledged, " + (rows.size() - before) + "/s by " + newest
                    + (rows.size() == before ? ", last failure: " + writer.lastFailure() : ""));
            for (int i = Math.max(1, before); i < rows.size(); i++) {
                double gap = (rows.get(i).nanos() - rows.get(i - 1).nanos()) / 1e6;
                if (gap < REPORTED_GAP_MILLIS) continue;
                System.out.printf("gap of %.0f ms between %s and %s%n", gap, rows.get(i - 1).node(), rows.get(i).node());
            }
            return rows.size();
        }
    }

    @Command(name = "verify", mixinStandardHelpOptions = true,
            description = "Check that acknowledged rows are on the primary and that all nodes are identical.")
    static final class Verify implements Callable<Integer> {
        @Mixin private Named named;

        @Override public Integer call() throws IOException {
            var cluster = named.cluster();
            var primary = cluster.awaitPrimary();
            var problems = new ArrayList<String>();
            var acknowledged = Acknowledgements.read(cluster);
            Ledger.missing(acknowledged, primary).forEach(row -> problems.add("acknowledged but not on " + primary + ": " + row));
            int missing = problems.size();
            System.out.println(acknowledged.size() + " acknowledged rows, " + missing + " of them missing from " + primary);

            for (var standby : cluster.others(primary)) {
                if (standby.status().role() != NodeStatus.Role.STANDBY) {
                    problems.add(standby.status().toString());
                    continue;
                }
                var differences = Fidelity.differences(primary, standby);
                System.out.println(standby + (differences.isEmpty() ? " is identical to " : " differs from ") + primary);
                problems.addAll(differences);
            }
            problems.stream().limit(20).forEach(problem -> System.out.println("  " + problem));
            return problems.isEmpty() ? 0 : 1;
        }
    }
}
