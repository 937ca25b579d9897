package pgreplica.harness.cli;

import picocli.CommandLine.Command;

/** All verbs about a cluster. */
@Command(name = "cluster", mixinStandardHelpOptions = true, description = "Start, observe and maltreat a cluster.",
        subcommands = {UpCommand.class, Observing.Status.class, Observing.Psql.class, Observing.Logs.class,
                Observing.Url.class, Observing.Environment.class, Faults.Kill.class, Faults.Freeze.class,
                Faults.Thaw.class, Faults.Cut.class, Faults.Heal.class, Lifecycle.Stop.class, Lifecycle.Start.class,
                Lifecycle.Wipe.class, Lifecycle.Down.class, Writing.Write.class, Writing.Verify.class})
public final class ClusterCommand {
}
