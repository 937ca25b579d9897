package pgreplica.harness;

import picocli.CommandLine;
import picocli.CommandLine.Command;

import pgreplica.harness.cli.BenchCommand;
import pgreplica.harness.cli.ChaosCommand;
import pgreplica.harness.cli.ClusterCommand;
import pgreplica.harness.cli.DemoCommand;

/** The command line of the harness. */
@Command(name = "pgreplica", mixinStandardHelpOptions = true,
        description = "Runs real clusters of PostgreSQL with pg_replica on this machine.",
        subcommands = {ClusterCommand.class, DemoCommand.class, BenchCommand.class, ChaosCommand.class})
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(execute(arguments));
    }

    static int execute(String... arguments) {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler((failure, command, parsed) -> report(failure, command))
                .execute(arguments);
    }

    /** What goes wrong outside is told in its own words; a stack trace is for what should not happen. */
    private static int report(Exception failure, CommandLine command) throws Exception {
        if (!(failure instanceof HarnessException)) throw failure;
        command.getErr().println("error: " + failure.getMessage());
        return 1;
    }
}
