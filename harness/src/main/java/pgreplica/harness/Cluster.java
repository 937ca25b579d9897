package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.Ports;
import pgreplica.harness.run.SharedMemory;

/**
 * Ordinary servers that form a cluster, and verbs about the cluster. Closing it ends and removes everything that it
 * started; so does the end of this JVM, unless the cluster was released.
 */
public final class Cluster implements AutoCloseable {
    /** Generous: machines that run several clusters at once need seconds for what takes one alone. */
    public static final Duration PRIMARY_LIMIT = Duration.ofSeconds(30);
    public static final Duration WHOLE_LIMIT = Duration.ofSeconds(90);

    private static final Set<Cluster> OWNED = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> List.copyOf(OWNED).forEach(Cluster::close)));
    }

    private final Blueprint blueprint;
    private final List<Node> nodes;
    private final List<Writer> writers = new java.util.concurrent.CopyOnWriteArrayList<>();
    private boolean closed;

    private Cluster(Blueprint blueprint) {
        this.blueprint = blueprint;
        this.nodes = blueprint.nodes().stream().map(spec -> new Node(blueprint, spec)).toList();
    }

    public static ClusterBuilder of(int nodes) {
        return new ClusterBuilder(nodes);
    }

    /** A cluster that another command started, and that outlives this one. */
    public static Cluster open(Path home) {
        return new Cluster(Blueprint.read(home));
    }

    static Cluster own(Blueprint blueprint) {
        var cluster = new Cluster(blueprint);
        OWNED.add(cluster);
        return cluster;
    }

    /** Leaves the cluster running when this JVM ends. */
    public Cluster release() {
        OWNED.remove(this);
        return this;
    }

    public Blueprint blueprint() {
        return blueprint;
    }

    // ---- nodes

    public List<Node> nodes() {
        return nodes;
    }

    public Node node(String name) {
        return nodes.stream().filter(node -> node.name().equals(name)).findFirst()
                .orElseThrow(() -> new HarnessException("there is no node " + name + ", only " + nodes));
    }

    public List<Node> others(Node node) {
        return nodes.stream().filter(other -> !other.name().equals(node.name())).toList();
    }

    /** Replaces the extension's files that all nodes share, as a package manager does: nothing is restarted. */
    public void install(Path build) {
        blueprint.serverCopy().install(PgInstall.find(blueprint.version()), build);
    }

    public void startAll() {
        nodes.forEach(Node::start);
    }

    /** The node that new sessions can write to, if there is exactly one. */
    public Optional<Node> primary() {
        var writable = writableNodes();
        return writable.size() == 1 ? Optional.of(writable.getFirst()) : Optional.empty();
    }

    public List<Node> writableNodes() {
        return nodes.parallelStream().filter(Node::isWritable).toList();
    }

    public List<NodeStatus> statuses() {
        return nodes.parallelStream().map(Node::status).toList();
    }

    public Node awaitPrimary() {
        return awaitPrimary("some node", node -> true);
    }

    public Node awaitPrimaryOtherThan(Node former) {
        return awaitPrimary("a node other than " + former, node -> !node.name().equals(former.name()));
    }

    private Node awaitPrimary(String which, Predicate<Node> wanted) {
        return Await.value(which + " is the primary", PRIMARY_LIMIT, () -> primary().filter(wanted), this::describe);
    }

    /** One primary, and everyone else streams. Of plain servers: all of them accept connections. */
    public Cluster awaitWhole() {
        if (blueprint.options().plain()) {
            nodes.forEach(node -> node.awaitAccepting(PRIMARY_LIMIT));
            return this;
        }
        Await.condition("one primary and " + (nodes.size() - 1) + " streaming standbys", WHOLE_LIMIT, () -> {
            requireAllUp();
            return isWhole();
        }, this::describe);
        return this;
    }

    /** A restart in place keeps the process id, so a node without a postmaster will not come back by itself. */
    private void requireAllUp() {
        for (var node : nodes) {
            if (node.life() == NodeStatus.Life.DOWN) throw new HarnessException(node + " has ended\n" + describe());
        }
    }

    /** Every look costs the servers a process, so whoever is likely to be the last is asked first. */
    public boolean isWhole() {
        int primaries = 0;
        for (var node : nodes.reversed()) {
            var status = node.status();
            if (status.isWritable()) primaries++;
            else if (!status.isStreamingStandby()) return false;
        }
        return primaries == 1;
    }

    /** Makes the extension, and the table that writers write to, on the primary. */
    public void prepareLedger() {
        var targets = blueprint.options().plain() ? nodes : List.of(awaitPrimary());
        for (var node : targets) {
            if (!blueprint.options().plain()) node.sql("create extension if not exists pg_replica");
            if (blueprint.options().plain() && node.spec().number() > 1) continue;
            node.sql(Blueprint.APPLICATION, Ledger.TABLE);
        }
    }

    // ---- network

    /** Nothing that one sends reaches the other any more, in silence. */
    public void cut(Node from, Node to) {
        blueprint.network().cut(from.spec().number(), to.spec().number());
    }

    /**
     * Cuts a node off from all other nodes; clients still reach it. A cut takes some commands, on a busy machine a while:
     * returns System.nanoTime when nothing gets through any more, since that is when a lease is renewed for the last time.
     */
    public long isolate(Node node) {
        for (var other : others(node)) {
            cut(node, other);
            cut(other, node);
        }
        return System.nanoTime();
    }

    /** Cuts a node off from the clients, too: its host is gone. Returns System.nanoTime just before, as other faults do. */
    public long isolateCompletely(Node node) {
        long instant = System.nanoTime();
        blueprint.network().cut(node.spec().number(), 0);
        blueprint.network().cut(0, node.spec().number());
        isolate(node);
        return instant;
    }

    /** Streaming between this node and the others is cut, the nodes' own talk is not. */
    public long cutData(Node node) {
        return cutPort(node, NodeSpec::port);
    }

    /** The nodes' own talk is cut, streaming is not. */
    public long cutControl(Node node) {
        return cutPort(node, NodeSpec::raftPort);
    }

    private long cutPort(Node node, ToIntFunction<NodeSpec> port) {
        long instant = System.nanoTime();
        for (var other : others(node)) {
            // In namespaces both are the same.
            for (int number : new TreeSet<>(List.of(port.applyAsInt(node.spec()), port.applyAsInt(other.spec())))) {
                blueprint.network().cutPort(node.spec().number(), other.spec().number(), number);
                blueprint.network().cutPort(other.spec().number(), node.spec().number(), number);
            }
        }
        return instant;
    }

    public void heal() {
        blueprint.network().heal(nodes.size());
    }

    // ---- clients

    /** A writer that follows the primary. It is stopped with the cluster. */
    public Writer startWriter() {
        return startWriter(Writer.Options.following(nodes));
    }

    public Writer startWriter(Writer.Options options) {
        var writer = Writer.start(options);
        writers.add(writer);
        return writer;
    }

    /** For libpq: all nodes, and the one to take is the one that accepts writes. */
    public String uri() {
        var hosts = nodes.stream().map(node -> node.spec().host() + ":" + node.spec().port())
                .collect(Collectors.joining(","));
        return "postgresql://" + Blueprint.APPLICATION + ":" + blueprint.passwords().application() + "@" + hosts + "/"
                + Blueprint.APPLICATION + "?target_session_attrs=read-write&connect_timeout=2";
    }

    // ---- for people

    public String describe() {
        return nodes.parallelStream().map(Node::describe).collect(Collectors.joining("\n"));
    }

    /** A JVM that is told to end closes as well, perhaps at the same moment: one does it all, the other waits. */
    @Override public synchronized void close() {
        if (closed) return;
        closed = true;
        writers.forEach(Writer::close);
        for (var node : nodes) {
            node.kill();
            SharedMemory.remove(node.files().sharedMemory());
        }
        keepLogs();
        keepTraces();
        blueprint.network().remove();
        Ports.release(blueprint.home());
        Trees.delete(blueprint.home());
        OWNED.remove(this);
    }

    /** With -Dpgreplica.traces=directory, what the cores were told can be replayed later: ./dev trace replay. */
    private void keepTraces() {
        var kept = System.getProperty("pgreplica.traces");
        if (kept == null) return;
        try {
            for (var node : nodes) {
                for (var end : List.of("", ".1", ".2", ".3")) {
                    var trace = Path.of(node.files().trace() + end);
                    if (!Files.isReadable(trace)) continue;
                    var directory = Files.createDirectories(Path.of(kept, blueprint.name()));
                    Files.copy(trace, directory.resolve(node.name() + ".trace" + end), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException failure) {
            System.err.println("cannot keep the traces of " + blueprint.home() + ": " + failure.getMessage());
        }
    }

    /** With -Dpgreplica.logs=directory, logs and settings of every cluster outlive it there. */
    private void keepLogs() {
        var kept = System.getProperty("pgreplica.logs");
        if (kept == null) return;
        try {
            var directory = Files.createDirectories(Path.of(kept, blueprint.name()));
            for (var node : nodes) {
                for (var file : List.of(node.files().log(), node.files().config())) {
                    if (!Files.isReadable(file)) continue;
                    Files.copy(file, directory.resolve(node.name() + "." + file.getFileName()),
                            StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException failure) {
            System.err.println("cannot keep the logs of " + blueprint.home() + ": " + failure.getMessage());
        }
    }
}
