package pgreplica.harness.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;

/** Which node of which cluster a command means. */
public final class OneNode {
    @Mixin private Named named;

    @Parameters(index = "0", paramLabel = "NODE", description = "its name, or the word primary")
    private String name;

    Cluster cluster() {
        return named.cluster();
    }

    Node node() {
        return in(cluster());
    }

    Node in(Cluster cluster) {
        if (!name.equals("primary")) return cluster.node(name);
        return cluster.primary().orElseThrow(() -> new HarnessException("there is no primary now: " + cluster.statuses()));
    }
}
