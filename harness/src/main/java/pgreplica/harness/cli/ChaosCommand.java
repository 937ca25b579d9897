package pgreplica.harness.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import pgreplica.harness.chaos.Chaos;

/** Random faults on a real cluster, and an independent judgement of what its clients were told. */
@Command(name = "chaos", mixinStandardHelpOptions = true,
        description = "Random faults under load; then checks every answer that clients got.")
public final class ChaosCommand implements Callable<Integer> {
    @Option(names = "--nodes", paramLabel = "N", defaultValue = "3", description = "how many (default 3)")
    private int nodes;

    @Option(names = "--sync", paramLabel = "MODE", defaultValue = "off", description = "off, quorum or quorum_available")
    private String syncMode;

    @Option(names = "--runs", paramLabel = "N", defaultValue = "20", description = "faults (default 20)")
    private int runs;

    @Option(names = "--minutes", paramLabel = "N", defaultValue = "600", description = "no new fault after this time")
    private int minutes;

    @Option(names = "--seed", paramLabel = "S", description = "of the sequence of faults (default: a new one)")
    private Long seed;

    @Option(names = "--netns", description = "nodes in network namespaces, and cuts among the faults; needs root")
    private boolean namespaces;

    @Option(names = "--only", paramLabel = "KIND", split = ",", description = "faults of these kinds, as a run prints them")
    private List<String> only = List.of();

    @Option(names = "--pg", paramLabel = "VERSION", defaultValue = "${env:PGREPLICA_PG:-15}", description = "major version of PostgreSQL")
    private String version;

    @Option(names = "--json", paramLabel = "FILE", description = "write all figures there")
    private Path json;

    @Option(names = "--keep", paramLabel = "DIR", defaultValue = "build/chaos",
            description = "leave history, contents and logs there (default build/chaos)")
    private Path keep;

    @Option(names = "--again", paramLabel = "DIR", description = "only check what a run in quorum mode left there")
    private Path again;

    @Override public Integer call() throws IOException {
        if (again != null) {
            var verdict = Chaos.again(again);
            System.out.println(verdict.text());
            return verdict.holds() ? 0 : 1;
        }
        long chosen = seed != null ? seed : System.currentTimeMillis();
        var done = Chaos.run(new Chaos.Options(nodes, syncMode, runs, Duration.ofMinutes(minutes), chosen, namespaces,
                version, keep, only));
        var report = done.report();
        report.print();
        if (json != null) report.write(json);
        System.out.println(done.isGood() ? "good, seed " + chosen : "FAILED seed=" + chosen + ", see " + keep + "; replay with: "
                + done.replay());
        return done.isGood() ? 0 : 1;
    }
}
