package pgreplica.harness;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/**
 * Clients that commit one row after the other and remember every row whose commit was acknowledged. A row that got no
 * answer is in doubt and never repeated: it is free to be there or not.
 */
public final class Writer implements AutoCloseable {
    private static final long RETRY_MILLIS = 20;
    private static final AtomicLong NEXT_CONNECTION = new AtomicLong(System.currentTimeMillis() * 100);

    /** Who writes where, how fast, and how long it waits for an answer. */
    public record Options(List<Node> targets, int connections, Duration pace, Duration connectLimit,
            Duration statementLimit, Optional<Path> file) {

        /** Impatient clients that look for whichever node accepts writes. */
        public static Options following(List<Node> targets) {
            return new Options(targets, 2, Duration.ofMillis(5), Duration.ofMillis(500), Duration.ofMillis(1000),
                    Optional.empty());
        }

        /** Clients that stay with one node and wait for its answer, however long it takes. */
        public static Options pinnedTo(Node node) {
            return new Options(List.of(node), 2, Duration.ofMillis(5), Duration.ofSeconds(2), Duration.ofMinutes(10),
                    Optional.empty());
        }

        public Options connections(int count) {
            return new Options(targets, count, pace, connectLimit, statementLimit, file);
        }

        public Options pace(Duration chosen) {
            return new Options(targets, connections, chosen, connectLimit, statementLimit, file);
        }

        public Options statementLimit(Duration chosen) {
            return new Options(targets, connections, pace, connectLimit, chosen, file);
        }

        /** Every acknowledged row is appended to this file, and is there before the next one is written. */
        public Options file(Path chosen) {
            return new Options(targets, connections, pace, connectLimit, statementLimit, Optional.of(chosen));
        }
    }

    private final Options options;
    private final List<Thread> threads = new ArrayList<>();
    private final Object lock = new Object();
    private final List<Acknowledgement> acknowledged = new ArrayList<>();
    private final Map<String, Integer> failures = new TreeMap<>();
    private final Optional<BufferedWriter> file;
    private String lastFailure = "";
    private volatile boolean stopping;

    private Writer(Options options) throws IOException {
        this.options = options;
        this.file = options.file().isEmpty() ? Optional.empty()
                : Optional.of(Files.newBufferedWriter(options.file().get(), StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    static Writer start(Options options) {
        try {
            var writer = new Writer(options);
            for (int i = 0; i < options.connections(); i++) {
                long connection = NEXT_CONNECTION.getAndIncrement();
                writer.threads.add(Thread.ofPlatform().daemon().name("writer-" + connection)
                        .start(() -> writer.write(connection)));
            }
            return writer;
        } catch (IOException failure) {
            throw new HarnessException("cannot open " + options.file() + ": " + failure.getMessage(), failure);
        }
    }

    // ---- what was seen

    public List<Acknowledgement> acknowledged() {
        synchronized (lock) {
            return List.copyOf(acknowledged);
        }
    }

    public int count() {
        synchronized (lock) {
            return acknowledged.size();
        }
    }

    /** How often which SQLSTATE, or which kind of network failure, was met. */
    public Map<String, Integer> failures() {
        synchronized (lock) {
            return Map.copyOf(failures);
        }
    }

    public String lastFailure() {
        synchronized (lock) {
            return lastFailure;
        }
    }

    public List<Acknowledgement> acknowledgedBy(Node node) {
        return acknowledged().stream().filter(row -> row.node().equals(node.name())).toList();
    }

    /** What this node acknowledged after an instant of System.nanoTime. */
    public List<Acknowledgement> acknowledgedBy(Node node, long afterNanos) {
        return acknowledgedBy(node).stream().filter(row -> row.nanos() > afterNanos).toList();
    }

    /** The first commit acknowledged by this node; whatever others acknowledge after it came from a zombie. */
    public Optional<Acknowledgement> firstBy(Node node) {
        return acknowledgedBy(node).stream().min(Comparator.comparingLong(Acknowledgement::nanos));
    }

    public List<Acknowledgement> acknowledgedButMissingFrom(Node node) {
        return Ledger.missing(acknowledged(), node);
    }

    public Writer awaitRows(int more) {
        int wanted = count() + more;
        Await.condition(more + " more acknowledged rows", Cluster.PRIMARY_LIMIT, () -> count() >= wanted, this::describe);
        return this;
    }

    /** A row whose statement was sent after {@code nanos} and that was acknowledged by such a node. */
    public Acknowledgement awaitRowAfter(long nanos, Predicate<String> node, Duration limit) {
        return Await.value("an acknowledged row", limit, () -> newest(nanos, node), this::describe);
    }

    private Optional<Acknowledgement> newest(long nanos, Predicate<String> node) {
        synchronized (lock) {
            for (var row : acknowledged.reversed()) {
                if (row.nanos() <= nanos) return Optional.empty();
                if (row.sentNanos() > nanos && node.test(row.node())) return Optional.of(row);
            }
            return Optional.empty();
        }
    }

    public Optional<Outage> outageAfter(long faultNanos) {
        return Outage.after(faultNanos, acknowledged());
    }

    private String describe() {
        synchronized (lock) {
            return "writer: " + acknowledged.size() + " rows acknowledged, last "
                    + (acknowledged.isEmpty() ? "none" : acknowledged.getLast().toString()) + ", failures " + failures
                    + ", last failure: " + lastFailure;
        }
    }

    // ---- writing

    private void write(long connection) {
        long id = 0;
        int preferred = 0;
        while (!stopping) {
            for (int i = 0; i < options.targets().size() && !stopping; i++) {
                int index = (preferred + i) % options.targets().size();
                long next = writeTo(options.targets().get(index), connection, id);
                if (next > id) preferred = index;
                id = next;
            }
            if (!stopping) sleep(RETRY_MILLIS);
        }
    }

    /** Writes to one node until that fails. Returns the last id that was used. */
    private long writeTo(Node node, long connection, long lastId) {
        long id = lastId;
        try {
            var session = Session.open(node.application(), options.connectLimit());
            try {
                if (!session.acceptsWrites()) {
                    noteFailure("read-only", node + " is read-only");
                    return id;
                }
                while (!stopping) {
                    id++;
                    long sent = System.nanoTime();
                    session.query(Ledger.insert(connection, id), options.statementLimit());
                    note(new Acknowledgement(connection, id, node.name(), sent, System.nanoTime(),
                            System.currentTimeMillis()));
                    sleep(options.pace().toMillis());
                }
            } finally {
                session.abandon();
            }
        } catch (SqlFailure failure) {
            noteFailure(failure.sqlState(), node + ": " + failure.sqlState() + " " + failure.getMessage());
        } catch (IOException failure) {
            noteFailure(failure.getClass().getSimpleName(), node + ": " + failure.getMessage());
        }
        return id;
    }

    private void note(Acknowledgement acknowledgement) throws IOException {
        synchronized (lock) {
            acknowledged.add(acknowledgement);
            if (file.isPresent()) {
                file.get().write(acknowledgement.line());
                file.get().flush();
            }
        }
    }

    private void noteFailure(String kind, String text) {
        if (stopping) return;
        synchronized (lock) {
            failures.merge(kind, 1, Integer::sum);
            lastFailure = text;
        }
    }

    private void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException stop) {
            stopping = true;
        }
    }

    /** Ends all clients. What was acknowledged can still be asked. */
    public Writer stop() {
        stopping = true;
        try {
            for (var thread : threads) {
                thread.join(2000);
                thread.interrupt();
                thread.join(2000);
            }
            if (file.isPresent()) file.get().close();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (IOException failure) {
            throw new HarnessException("cannot close " + options.file() + ": " + failure.getMessage(), failure);
        }
        return this;
    }

    @Override public void close() {
        stop();
    }
}
