package pgreplica.harness.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import pgreplica.harness.bench.CommitBench;
import pgreplica.harness.bench.FailoverBench;
import pgreplica.harness.bench.FootprintBench;
import pgreplica.harness.bench.OverheadBench;
import pgreplica.harness.bench.Report;

/** Measurements. Each prints every run, a summary, and on request JSON with all values. */
@Command(name = "bench", mixinStandardHelpOptions = true, description = "Measure.",
        subcommands = {BenchCommand.Failover.class, BenchCommand.Footprint.class, BenchCommand.Overhead.class,
                BenchCommand.Commit.class})
public final class BenchCommand {

    /** Options that every measurement has. */
    private abstract static class Measurement implements Callable<Integer> {
        @Option(names = "--json", paramLabel = "FILE", description = "write all values there")
        private Path json;

        @Option(names = "--pg", paramLabel = "VERSION", defaultValue = "${env:PGREPLICA_PG:-15}")
        String version;

        abstract Report measure();

        @Override public Integer call() {
            var report = measure();
            report.print();
            if (json != null) report.write(json);
            return 0;
        }
    }

    @Command(name = "failover", mixinStandardHelpOptions = true, description = "From a fault to the first commit.")
    static final class Failover extends Measurement {
        @Option(names = "--case", required = true, description = "${COMPLETION-CANDIDATES}")
        private FailoverBench.Case fault;

        @Option(names = "--runs", paramLabel = "N", defaultValue = "10")
        private int runs;

        @Option(names = "--sync", paramLabel = "MODE", defaultValue = "off", description = "off, quorum or quorum_available")
        private String syncMode;

        @Override Report measure() {
            return FailoverBench.run(fault, runs, syncMode, version);
        }
    }

    @Command(name = "footprint", mixinStandardHelpOptions = true, description = "Memory and CPU of an idle cluster.")
    static final class Footprint extends Measurement {
        @Option(names = "--seconds", paramLabel = "N", defaultValue = "60")
        private int seconds;

        @Override Report measure() {
            return FootprintBench.run(Duration.ofSeconds(seconds), version);
        }
    }

    @Command(name = "overhead", mixinStandardHelpOptions = true, description = "pgbench with and without the extension.")
    static final class Overhead extends Measurement {
        @Option(names = "--runs", paramLabel = "PAIRS", defaultValue = "200", description = "of turns of a quarter second")
        private int pairs;

        @Option(names = "--control", description = "neither server has the extension: what the method itself shows")
        private boolean control;

        @Option(names = "--scale", paramLabel = "N", defaultValue = "10")
        private int scale;

        @Override Report measure() {
            return OverheadBench.run(pairs, scale, control, version);
        }
    }

    @Command(name = "commit", mixinStandardHelpOptions = true,
            description = "What a commit costs, beside plain servers with a hand-written ANY 1 (*).")
    static final class Commit extends Measurement {
        @Option(names = "--runs", paramLabel = "PAIRS", defaultValue = "200", description = "of turns of a quarter second")
        private int pairs;

        @Option(names = "--control", description = "neither side has the extension: what the method itself shows")
        private boolean control;

        @Option(names = "--sync", paramLabel = "MODE", defaultValue = "quorum", description = "off, quorum or quorum_available")
        private String syncMode;

        @Override Report measure() {
            return CommitBench.run(pairs, syncMode, control, version);
        }
    }
}
