package pgreplica.simulator;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import pgreplica.simulator.explore.ExploreCommand;

/** {@code ./dev sim|scenario|explore}. */
@Command(name = "dev", mixinStandardHelpOptions = true, description = "The simulator.",
        subcommands = {SimCommand.class, ScenarioCommand.class, ExploreCommand.class})
public final class Main {
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main()).execute(arguments));
    }
}
