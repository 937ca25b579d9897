package pgreplica.simulator;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code ./dev sim|scenario}. */
@Command(name = "dev", mixinStandardHelpOptions = true, description = "The simulator.",
        subcommands = {SimCommand.class, ScenarioCommand.class})
public final class Main {
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main()).execute(arguments));
    }
}
