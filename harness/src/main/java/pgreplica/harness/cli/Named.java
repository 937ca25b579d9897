package pgreplica.harness.cli;

import java.nio.file.Path;

import picocli.CommandLine.Option;

import pgreplica.harness.Cluster;
import pgreplica.harness.Homes;

/** Which cluster a command means. */
public final class Named {
    @Option(names = "--name", paramLabel = "NAME",
            description = "the cluster in /var/tmp/pg_replica-NAME; otherwise the one in $$PGREPLICA_HOME, or \"main\"")
    String name;

    Path home() {
        return Homes.ofCommand(name);
    }

    Cluster cluster() {
        return Cluster.open(home());
    }
}
