package pgreplica.harness.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Homes;

/** Starts a cluster and leaves it running. */
@Command(name = "up", mixinStandardHelpOptions = true, description = "Make a cluster and start it.")
final class UpCommand implements Callable<Integer> {
    @Mixin private Named named;

    @Option(names = "--nodes", paramLabel = "N", defaultValue = "3", description = "how many (default 3)")
    private int nodes;

    @Option(names = "--pg", paramLabel = "VERSION", description = "major version of PostgreSQL")
    private String version;

    @Option(names = "--netns", description = "each node in a network namespace, so that it can be cut off; needs root")
    private boolean namespaces;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "a setting for every node; may be repeated")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--plain", description = "servers without the extension, each for itself")
    private boolean plain;

    @Option(names = "--no-checksums", description = "initdb without data checksums")
    private boolean noChecksums;

    @Option(names = "--no-fsync", description = "fsync = off: for quick trials, not for tests of durability")
    private boolean noFsync;

    @Option(names = "--config-inside", description = "configuration files in the data directory, not outside")
    private boolean configInside;

    @Override public Integer call() {
        var home = named.home();
        var builder = Cluster.of(nodes).name(Homes.nameOf(home)).home(home).checksums(!noChecksums).fsync(!noFsync);
        settings.forEach(builder::set);
        if (version != null) builder.version(version);
        if (namespaces) builder.namespaces();
        if (plain) builder.plain();
        if (configInside) builder.configInside();

        // From here on the cluster stays, also when it does not come up: somebody will want to look at it.
        var cluster = builder.create().release();
        try {
            cluster.startAll();
            cluster.awaitWhole();
            cluster.prepareLedger();
        } catch (HarnessException failure) {
            System.err.println("The cluster is left as it is for inspection. Remove it with: ./dev cluster down");
            throw failure;
        }
        cluster.statuses().forEach(System.out::println);
        System.out.println("home " + home);
        System.out.println(cluster.uri());
        return 0;
    }
}
