package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.run.SharedMemory;
import pgreplica.harness.wire.Rows;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;
import pgreplica.harness.wire.Target;

/** One ordinary server of a cluster, and the verbs that treat it well or badly. */
public final class Node {
    static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final Duration QUERY_LIMIT = Duration.ofSeconds(10);
    private static final int TAIL_BYTES = 6000;

    private final Blueprint blueprint;
    private final NodeSpec spec;
    private final NodeFiles files;
    private final Account account = Account.forServers();
    private Launch launch = Launch.PLAIN;
    private Optional<Path> system = Optional.empty();
    /** What was started last; with a launch of its own it may be another than the server. */
    private Optional<Process> started = Optional.empty();

    Node(Blueprint blueprint, NodeSpec spec) {
        this.blueprint = blueprint;
        this.spec = spec;
        this.files = blueprint.files(spec);
    }

    public String name() {
        return spec.name();
    }

    public NodeSpec spec() {
        return spec;
    }

    public NodeFiles files() {
        return files;
    }

    // ---- processes

    /** The postmaster, if it lives. It keeps its process id when the extension restarts the server in place. */
    public Optional<Long> postmaster() {
        return postmasterEntry().map(ProcessTable.Entry::pid);
    }

    /** Every process of this node, orphans included. */
    public List<ProcessTable.Entry> processes() {
        return ProcessTable.look().belongingTo(postmaster(), files.home());
    }

    /** The processes whose title contains this text, such as "pg_replica node". */
    public List<Long> processesTitled(String title) {
        return processes().stream().filter(entry -> entry.commandLine().contains(title))
                .map(ProcessTable.Entry::pid).toList();
    }

    /** The background worker that votes. */
    public Optional<Long> worker() {
        return processesTitled("pg_replica node").stream().findFirst();
    }

    public NodeStatus.Life life() {
        var postmaster = postmasterEntry();
        if (postmaster.isPresent()) return postmaster.get().frozen() ? NodeStatus.Life.FROZEN : NodeStatus.Life.RUNNING;
        return ProcessTable.look().belongingTo(Optional.empty(), files.home()).isEmpty()
                ? NodeStatus.Life.DOWN : NodeStatus.Life.ORPHANED;
    }

    private Optional<ProcessTable.Entry> postmasterEntry() {
        // What was started may have ended, or may only wait for the server.
        if (launch != Launch.PLAIN) return ProcessTable.look().postmasterIn(files.data());
        try {
            if (!Files.isReadable(files.pid())) return Optional.empty();
            long pid = Long.parseLong(Files.readString(files.pid()).trim());
            // Of what another program started, the number may have been given to another process since. One that is
            // executing a program has no command line for a moment.
            boolean ours = started.filter(process -> process.pid() == pid && process.isAlive()).isPresent();
            return ProcessTable.find(pid).filter(entry -> ours || entry.commandLine().isEmpty()
                    || entry.commandLine().contains(files.data().toString()));
        } catch (IOException | NumberFormatException unreadable) {
            return Optional.empty();
        }
    }

    // ---- start and stop

    /** From its next start on. */
    public Node launchedBy(Launch chosen) {
        launch = chosen;
        return this;
    }

    /** From its next start on: the same programs with the libraries of another system. */
    public Node inSystem(Path root) {
        system = Optional.of(root);
        return this;
    }

    /** Starts the server in a session of its own and returns at once. */
    public Node start() {
        if (life() != NodeStatus.Life.DOWN) throw new HarnessException(name() + " still has processes: " + processes());
        var install = system.map(blueprint.install()::in).orElseGet(blueprint::install);
        var server = new ArrayList<>(List.of(install.program("postgres"),
                "-D", files.data().toString()));
        if (!files.configInside()) server.addAll(List.of("-c", "config_file=" + files.config()));
        var command = new ArrayList<>(blueprint.network().prefix(spec.number()));
        command.add("setsid");
        command.addAll(launch.outside().apply(install.inItsSystem(account.command(launch.inside().apply(server)))));
        try {
            var log = ProcessBuilder.Redirect.appendTo(files.log().toFile());
            var process = Exec.builder(command, Map.of()).redirectOutput(log).redirectErrorStream(true)
                    .redirectInput(Path.of("/dev/null").toFile()).start();
            started = Optional.of(process);
            if (launch == Launch.PLAIN) Files.writeString(files.pid(), process.pid() + "\n");
            Await.condition(name() + " executes postgres", Duration.ofSeconds(10), () -> postmaster().isPresent()
                    || !process.isAlive() && (launch == Launch.PLAIN || process.exitValue() != 0), this::describe);
        } catch (IOException failure) {
            throw new HarnessException("cannot start " + name() + ": " + failure.getMessage(), failure);
        }
        return this;
    }

    /** A fast shutdown, as an operator asks for it, to its end. */
    public void stop() {
        signalPostmaster("INT");
        Await.condition(name() + " has stopped", STOP_LIMIT, () -> life() == NodeStatus.Life.DOWN, this::describe);
    }

    /** An immediate shutdown: no checkpoint, crash recovery at the next start. */
    public void stopImmediately() {
        signalPostmaster("QUIT");
        Await.condition(name() + " has stopped", STOP_LIMIT, () -> life() == NodeStatus.Life.DOWN, this::describe);
    }

    public void restart() {
        stop();
        start();
    }

    public void signalPostmaster(String signal) {
        var pid = postmaster().orElseThrow(() -> new HarnessException(name() + " is not running"));
        ProcessTable.signal(signal, List.of(pid));
    }

    // ---- faults

    /**
     * SIGKILL to everything, as when the host dies, except that the sockets are closed by the kernel.
     *
     * @return System.nanoTime just before the first signal, as all faults do
     */
    public long kill() {
        var first = pids(processes());
        SharedMemory.note(files.sharedMemory(), first);
        long instant = System.nanoTime();
        ProcessTable.killAtOnce(first);
        if (launch != Launch.PLAIN) started.ifPresent(Process::destroyForcibly);
        Await.condition("nothing of " + name() + " is alive", STOP_LIMIT, () -> {
            var pids = pids(processes());
            ProcessTable.killAtOnce(pids);
            return pids.isEmpty();
        }, this::describe);
        return instant;
    }

    /** SIGKILL to the postmaster alone: its backends live on as orphans until they notice. */
    public long killPostmaster() {
        var pid = postmaster().orElseThrow(() -> new HarnessException(name() + " is not running"));
        SharedMemory.note(files.sharedMemory(), pids(processes()));
        long instant = System.nanoTime();
        ProcessTable.killAtOnce(List.of(pid));
        return instant;
    }

    /** SIGKILL to the voting worker: Postgres answers with a crash restart of all its processes. */
    public long killWorker() {
        var pid = requireWorker();
        long instant = System.nanoTime();
        ProcessTable.killAtOnce(List.of(pid));
        return instant;
    }

    /** SIGSTOP to everything: connections stay open, nothing answers. */
    public long freeze() {
        var first = pids(processes());
        long instant = System.nanoTime();
        ProcessTable.signal("STOP", first);
        Await.condition("everything of " + name() + " is stopped", STOP_LIMIT, () -> {
            var moving = processes().stream().filter(entry -> !entry.frozen()).toList();
            ProcessTable.signal("STOP", pids(moving));
            return moving.isEmpty();
        }, this::describe);
        return instant;
    }

    /** Of a cluster made breakable: the core dies in this way at its next event. Returns the moment of the order. */
    public long breakCore(String way) {
        long instant = System.nanoTime();
        try {
            // Renamed into place, so that it is never seen half written.
            var order = Files.writeString(files().data().resolve("core_breaks.new"), way);
            Files.move(order, files().data().resolve("core_breaks"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failure) {
            throw new HarnessException("cannot order " + name() + " to break its core: " + failure.getMessage(), failure);
        }
        return instant;
    }

    public long freezeWorker() {
        var pid = requireWorker();
        long instant = System.nanoTime();
        ProcessTable.signal("STOP", List.of(pid));
        return instant;
    }

    /** SIGSTOP to those whose title contains this text, such as "walsender". */
    public void freezeTitled(String title) {
        var pids = processesTitled(title);
        if (pids.isEmpty()) throw new HarnessException(name() + " has no process titled \"" + title + "\": " + processes());
        ProcessTable.signal("STOP", pids);
    }

    public long thaw() {
        var pids = pids(processes());
        long instant = System.nanoTime();
        ProcessTable.signal("CONT", pids);
        return instant;
    }

    private long requireWorker() {
        return worker().orElseThrow(() -> new HarnessException(name() + " has no process titled \"pg_replica node\": "
                + processes()));
    }

    private static List<Long> pids(List<ProcessTable.Entry> entries) {
        return entries.stream().map(ProcessTable.Entry::pid).toList();
    }

    // ---- data

    /** Removes the state directory's contents: the node forgets votes and log. */
    public void wipeState() {
        requireDown();
        Trees.empty(files.state());
    }

    /** Replaces the data directory by a freshly initdb'ed one. */
    public void wipeData() {
        requireDown();
        Trees.delete(files.data());
        new NodeSetup(blueprint, spec).initialise(false);
    }

    private void requireDown() {
        if (life() != NodeStatus.Life.DOWN) throw new HarnessException(name() + " is running; stop it first");
    }

    /** Writes the configuration anew, with changes to what the cluster has in common. Takes effect at the next start. */
    public void reconfigure(Map<String, String> changes) {
        try {
            new NodeSetup(blueprint, spec).configure();
            var text = new StringBuilder(Files.readString(files.config()));
            changes.forEach((setting, value) ->
                    text.append(setting).append(" = '").append(value.replace("'", "''")).append("'\n"));
            Files.writeString(files.config(), text);
        } catch (IOException failure) {
            throw new HarnessException("cannot write " + files.config() + ": " + failure.getMessage(), failure);
        }
    }

    // ---- questions

    /** The superuser over the Unix domain socket, which no network cut affects. */
    public Target superuser(String database) {
        return new Target(files.socket().toString(), spec.port(), database, blueprint.options().superuser(), "");
    }

    /** A major version: "15". */
    public String version() {
        return blueprint.version();
    }

    /** A program of the node's own version, such as psql. */
    public String program(String name) {
        return blueprint.install().program(name);
    }

    /** An application over TCP. */
    public Target application() {
        return new Target(spec.host(), spec.port(), Blueprint.APPLICATION, Blueprint.APPLICATION,
                blueprint.passwords().application());
    }

    public Rows sql(String sql) {
        return sql("postgres", sql);
    }

    public Rows sql(String database, String sql) {
        try (var session = Session.open(superuser(database), QUERY_LIMIT)) {
            return session.query(sql, QUERY_LIMIT);
        } catch (IOException | SqlFailure failure) {
            throw new HarnessException(name() + ": " + sql + ": " + failure.getMessage(), failure);
        }
    }

    public NodeStatus status() {
        return StatusQuery.ask(this);
    }

    public boolean isWritable() {
        return status().isWritable();
    }

    public Node awaitRole(NodeStatus.Role role, Duration limit) {
        Await.condition(name() + " is " + role, limit, () -> status().role() == role, this::describe);
        return this;
    }

    /** In recovery and connected to an upstream. */
    public Node awaitStreaming(Duration limit) {
        Await.condition(name() + " is a streaming standby", limit, () -> status().isStreamingStandby(), this::describe);
        return this;
    }

    public Node awaitAccepting(Duration limit) {
        Await.condition(name() + " accepts connections", limit, () -> status().server().isPresent(), this::describe);
        return this;
    }

    // ---- the log

    public String log() {
        try {
            return Files.readString(files.log());
        } catch (IOException failure) {
            return "(no log: " + failure.getMessage() + ")";
        }
    }

    /** How much of the log there is now; see {@link #logSince}. */
    public long logMark() {
        return files.log().toFile().length();
    }

    public String logSince(long mark) {
        var bytes = log().getBytes(java.nio.charset.StandardCharsets.UTF_8);
        int from = (int) Math.min(mark, bytes.length);
        return new String(bytes, from, bytes.length - from, java.nio.charset.StandardCharsets.UTF_8);
    }

    public Node awaitLog(String text, long mark, Duration limit) {
        Await.condition(name() + " logs \"" + text + "\"", limit, () -> logSince(mark).contains(text), this::describe);
        return this;
    }

    /** Status and the end of the log, for messages about waits that ran out. */
    public String describe() {
        var log = log();
        var tail = log.length() <= TAIL_BYTES ? log : "..." + log.substring(log.length() - TAIL_BYTES);
        return "== " + status() + "\n" + tail.indent(4);
    }

    @Override public String toString() {
        return name();
    }
}
