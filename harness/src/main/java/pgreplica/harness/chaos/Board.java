package pgreplica.harness.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;

import pgreplica.checker.Append;
import pgreplica.checker.History;
import pgreplica.checker.Read;
import pgreplica.harness.Node;

/** What the clients of one cluster share: where they write down what they were told, and what each is doing. */
final class Board {
    static final Duration CONNECT_LIMIT = Duration.ofMillis(500);
    static final Duration STATEMENT_LIMIT = Duration.ofSeconds(2);

    private final List<Node> nodes;
    private final History history;
    private final AtomicIntegerArray currentLists;
    /** Backends whose statements may be cancelled, and whether they may be terminated as well. */
    private final Map<Integer, Boolean> disturbed = new ConcurrentHashMap<>();
    private final Map<String, Integer> tally = new TreeMap<>();
    private volatile Optional<Append> newestAcknowledged = Optional.empty();
    private volatile boolean stopping;

    Board(List<Node> nodes, History history, int appenders) {
        this.nodes = nodes;
        this.history = history;
        this.currentLists = new AtomicIntegerArray(appenders);
    }

    List<Node> nodes() {
        return nodes;
    }

    boolean isStopping() {
        return stopping;
    }

    void stop() {
        stopping = true;
    }

    void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            stopping = true;
        }
    }

    // ---- what was told

    void note(Append append) {
        history.add(append);
        count(append.outcome().toString().toLowerCase());
        if (append.outcome() == Append.Outcome.ACKNOWLEDGED) newestAcknowledged = Optional.of(append);
    }

    void note(Read read) {
        history.add(read);
        count(read.ofPrimary() ? "reads of the primary" : "reads of a fenced server");
    }

    Optional<Append> newestAcknowledged() {
        return newestAcknowledged;
    }

    synchronized void count(String what) {
        tally.merge(what, 1, Integer::sum);
    }

    synchronized Map<String, Integer> tally() {
        return new TreeMap<>(tally);
    }

    // ---- what is being done

    void startsList(int appender, int list) {
        currentLists.set(appender, list);
    }

    /** The list of every appender and the one before it. */
    List<Integer> recentLists() {
        var lists = new ArrayList<Integer>();
        for (int i = 0; i < currentLists.length(); i++) {
            int current = currentLists.get(i);
            if (current == 0) continue;
            if (current % Appender.LISTS_EACH > 0) lists.add(current - 1);
            lists.add(current);
        }
        return lists;
    }

    void mayBeDisturbed(int backend, boolean alsoTerminated) {
        disturbed.put(backend, alsoTerminated);
    }

    void gone(int backend) {
        disturbed.remove(backend);
    }

    Map<Integer, Boolean> disturbed() {
        return Map.copyOf(disturbed);
    }
}
