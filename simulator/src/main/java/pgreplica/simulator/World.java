package pgreplica.simulator;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import pgreplica.base.NodeId;
import pgreplica.node.Settings.ListedNode;
import pgreplica.node.SyncWish;

/** A whole cluster in one thread: true time, what is about to happen, and everybody it happens to. */
final class World {
    private record Due(long atMillis, long order, Runnable what) implements Comparable<Due> {
        @Override public int compareTo(Due other) {
            int byTime = Long.compare(atMillis, other.atMillis);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private static final long TICK_MILLIS = 20;
    private static final long LOOK_MILLIS = 100;

    final long seed;
    final List<Host> hosts = new ArrayList<>();
    /** The numbers of those that happened. */
    final SortedSet<Integer> faults = new TreeSet<>();
    final List<ListedNode> listed = new ArrayList<>();
    final Network network;
    final Promises promises;
    final Answers answers = new Answers();
    final Consumer<String> trace;
    final boolean traces;
    private final PriorityQueue<Due> due = new PriorityQueue<>();
    private long order;
    private long branches;
    private boolean leftOut;
    private final Map<NodeId, Host> byName = new HashMap<>();
    SyncWish sync = SyncWish.OFF;
    /** {@code pg_replica.max_failover_lag}; below 0 there is no limit. */
    long maxFailoverLagBytes = -1;
    /** How far a clock's rate may be off, in millionths; two clocks by twice as much, and 1 % is the stated bound. */
    long driftBound = 4900;
    /** Events and actions cross the border as bytes, as on a real host; costly, so not in every run. */
    final boolean crossesBorder;
    /** Chance that a promotion takes seconds, or longer than anybody waits for it. */
    double slowPromotions;
    /** Chance at each of its looks that a WAL receiver is long in writing what it has received. */
    double slowWrites;
    long nowMillis;
    long events;
    Optional<Recorder> recorder = Optional.empty();

    /** Told every event that any core is given. */
    interface Recorder {
        void given(int node, byte[] event);
    }

    World(long seed, int nodes, boolean traces, Consumer<String> trace) {
        this.seed = seed;
        this.traces = traces;
        this.trace = trace;
        crossesBorder = seed % 8 == 0;
        for (int i = 1; i <= nodes; i++) {
            listed.add(new ListedNode(new NodeId("n" + i), "10.0.0." + i, 5432, 6432));
        }
        network = new Network(this);
        promises = new Promises(this);
        for (int i = 0; i < nodes; i++) {
            hosts.add(new Host(this, i));
            byName.put(hosts.get(i).id, hosts.get(i));
        }
    }

    /** The last host is not there and not in anybody's list, until an operator adds it. */
    void leaveOutTheLast() {
        leftOut = true;
        hosts.getLast().present = false;
        for (var host : hosts) host.listed = List.copyOf(listed.subList(0, listed.size() - 1));
    }

    /** While a host is being added there are fewer voters than hosts, and fewer of them may be lost. */
    boolean everyHostVotes() {
        return !leftOut || hosts.stream().flatMap(host -> host.state().stream()).anyMatch(state ->
                state.raft().isLeader() && state.raft().configuration().voters().size() == present());
    }

    int present() {
        return (int) hosts.stream().filter(host -> host.present).count();
    }

    /** Data flows and hosts look at their servers from now on. */
    void start() {
        network.start();
        tick();
        look();
    }

    private void tick() {
        for (var host : hosts) host.postgres.tick();
        promises.oneOpenFence();
        answers.pass(TICK_MILLIS);
        in(TICK_MILLIS, this::tick);
    }

    private void look() {
        for (var host : hosts) {
            if (!host.frozen) host.postgres.lookNow();
        }
        in(LOOK_MILLIS, this::look);
    }

    void in(long millis, Runnable what) {
        due.add(new Due(nowMillis + millis, order++, what));
    }

    void runUntil(long millis) {
        while (!due.isEmpty() && due.peek().atMillis() <= millis) next();
        nowMillis = millis;
    }

    private void next() {
        var happening = due.poll();
        nowMillis = happening.atMillis();
        happening.what().run();
    }

    Host host(NodeId node) {
        var host = byName.get(node);
        if (host == null) throw new IllegalArgumentException("no host " + node);
        return host;
    }

    long nextBranch() {
        return ++branches;
    }

    void say(Host host, String text) {
        if (traces) trace.accept(String.format("%9.3f %s  %s", nowMillis / 1000.0, host == null ? "--" : host.id, text));
    }
}
