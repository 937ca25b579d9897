package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

import pgreplica.harness.run.Exec;
import pgreplica.harness.run.Loopback;
import pgreplica.harness.run.Namespaces;
import pgreplica.harness.run.Network;
import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.Ports;
import pgreplica.harness.run.ServerCopy;

/** Describes a cluster, and makes it. */
public final class ClusterBuilder {
    private static final int SERVER_PORT_IN_NAMESPACE = 5432;
    private static final int RAFT_PORT_IN_NAMESPACE = 5433;

    private final int count;
    private final Map<String, String> settings = new LinkedHashMap<>();
    private String name = "pgr" + HexFormat.of().toHexDigits(new SecureRandom().nextInt());
    private Path home;
    private String version = System.getenv().getOrDefault("PGREPLICA_PG", "15");
    private boolean plain;
    private boolean checksums = true;
    private boolean fsync = true;
    private boolean configInside;
    private String superuser = "postgres";
    private boolean breakable;
    private boolean namespaces;

    ClusterBuilder(int count) {
        if (count < 1 || count > 9) throw new HarnessException("a cluster has 1 to 9 nodes, not " + count);
        this.count = count;
    }

    public ClusterBuilder name(String chosen) {
        name = chosen;
        return this;
    }

    public ClusterBuilder home(Path chosen) {
        home = chosen;
        return this;
    }

    public int majorVersion() {
        return Integer.parseInt(version);
    }

    /** A major version of PostgreSQL: "15". */
    public ClusterBuilder version(String chosen) {
        version = chosen;
        return this;
    }

    /** Servers without the extension, each for itself. */
    public ClusterBuilder plain() {
        plain = true;
        return this;
    }

    public ClusterBuilder checksums(boolean chosen) {
        checksums = chosen;
        return this;
    }

    public ClusterBuilder fsync(boolean chosen) {
        fsync = chosen;
        return this;
    }

    /** Configuration files in the data directory, where rewind and clone overwrite them with the source's. */
    public ClusterBuilder configInside() {
        configInside = true;
        return this;
    }

    /** The role that initdb makes. */
    public ClusterBuilder superuser(String chosen) {
        superuser = chosen;
        return this;
    }

    /** With a core that {@link Node#breakCore} can tell to die. */
    public ClusterBuilder breakable() {
        breakable = true;
        // What such a core dies of is not in its events, so a replay could only differ.
        return untraced();
    }

    /** Without the record of what the cores were told: tests keep it, users do not, and it costs time. */
    public ClusterBuilder untraced() {
        return set("pg_replica.trace_file", "");
    }

    /** Each node in a network namespace, so that it can be cut off. */
    public ClusterBuilder namespaces() {
        namespaces = true;
        return this;
    }

    /** "off", "quorum" or "quorum_available". */
    public ClusterBuilder syncMode(String mode) {
        return set("pg_replica.sync_mode", mode);
    }

    public ClusterBuilder set(String setting, String value) {
        settings.put(setting, value);
        return this;
    }

    /** Makes directories, configuration and data of all nodes. Nothing runs yet. */
    public Cluster create() {
        var place = home != null ? home : Homes.ofName(name);
        makeHome(place);
        Network network = namespaces ? Namespaces.choose(place) : new Loopback();
        var options = new Blueprint.Options(plain, checksums, fsync, configInside, superuser);
        var passwords = new Blueprint.Passwords(random(), random(), random());
        var blueprint = new Blueprint(name, place, version, network, options, settings, passwords, nodes(network, place));
        blueprint.write();
        var cluster = Cluster.own(blueprint);
        try {
            if (blueprint.needsExtension()) provideExtension(blueprint);
            network.create(count);
            var secret = random();
            // All end, also when one fails: what still writes cannot be removed.
            CompletableFuture.allOf(blueprint.nodes().stream()
                    .map(node -> CompletableFuture.runAsync(() -> new NodeSetup(blueprint, node).create(secret)))
                    .toArray(CompletableFuture[]::new)).join();
            // Otherwise the first crash recovery would spend seconds on writing out what initdb left in memory.
            if (fsync) Exec.run(List.of("sync", "-f", place.toString()));
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }

    /** A running cluster: every node is up, one is the primary, the others stream from it. */
    public Cluster start() {
        var cluster = create();
        try {
            cluster.startAll();
            cluster.awaitWhole();
            cluster.prepareLedger();
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }

    /** As it was just built, in a copy of the server; otherwise as it is installed. */
    private void provideExtension(Blueprint blueprint) {
        var installed = PgInstall.find(blueprint.version());
        var build = breakable ? ServerCopy.breakableFor(blueprint.version()) : ServerCopy.builtFor(blueprint.version());
        if (breakable && build.isEmpty()) throw new HarnessException("there is no build/breakable: run ./dev cluster-tests");
        if (build.isPresent()) blueprint.serverCopy().create(installed, build.get());
        else installed.requireExtension();
    }

    private List<NodeSpec> nodes(Network network, Path place) {
        var ports = namespaces ? List.<Integer>of() : Ports.reserve(2 * count, place);
        var nodes = new ArrayList<NodeSpec>();
        for (int number = 1; number <= count; number++) {
            int port = namespaces ? SERVER_PORT_IN_NAMESPACE : ports.get(number - 1);
            int raftPort = namespaces ? RAFT_PORT_IN_NAMESPACE : ports.get(count + number - 1);
            nodes.add(new NodeSpec("n" + number, number, network.addressOf(number), port, raftPort));
        }
        return nodes;
    }

    private static void makeHome(Path place) {
        try {
            if (Files.exists(place.resolve(Blueprint.FILE))) {
                throw new HarnessException("there already is a cluster in " + place + ". Remove it with: ./dev cluster down");
            }
            Files.createDirectories(place);
        } catch (IOException failure) {
            throw new HarnessException("cannot make " + place + ": " + failure.getMessage(), failure);
        }
    }

    private static String random() {
        var bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
