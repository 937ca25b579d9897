package pgreplica.harness.chaos;

import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.run.ProcessTable;

/** One thing that is done to a cluster, and how long it lasts before everything is put right again. */
record Fault(Kind kind, List<Node> victims, long lastsMillis) {

    enum Kind {
        KILL_ALL, KILL_POSTMASTER, KILL_BACKEND, KILL_WORKER,
        FREEZE_ALL,
        /** The watchdog continues it. */ FREEZE_WORKER,
        FREEZE_WORKER_AND_WATCHDOG,
        /** An operator restarts the server. */ RESTART,
        /** An operator asks for another primary. */ FAILOVER,
        /** No standby receives; commits that wait are cancelled and terminated. */ HOLD_COMMITS,
        /** The same, and then the primary dies. */ HOLD_COMMITS_AND_KILL,
        /** From everybody, clients included. */ CUT_ALL,
        CUT_FROM_NODES, CUT_OUTGOING, CUT_INCOMING, CUT_DATA, CUT_CONTROL;

        @Override public String toString() {
            return name().toLowerCase();
        }

        boolean isCut() {
            return name().startsWith("CUT_");
        }

        /** Whether a second node may suffer the same at once, if that leaves a majority. */
        boolean maySpread() {
            return this == KILL_ALL || this == KILL_POSTMASTER || this == FREEZE_ALL || this == CUT_ALL
                    || this == CUT_FROM_NODES;
        }

        boolean isAboutThePrimary() {
            return this == FAILOVER || this == HOLD_COMMITS || this == HOLD_COMMITS_AND_KILL;
        }
    }

    static Fault choose(Random random, Cluster cluster, Node primary, Chaos.Options options) {
        var kinds = Stream.of(Kind.values()).filter(kind -> options.namespaces() || !kind.isCut())
                .filter(kind -> options.only().isEmpty() || options.only().contains(kind.toString())).toList();
        if (kinds.isEmpty()) {
            throw new HarnessException("no fault is of the kinds " + options.only() + "; those that cut need --netns");
        }
        // Every number is drawn in every case, so that the same seed tells the same story a little longer.
        var kind = kinds.get(random.nextInt(kinds.size()));
        var standbys = cluster.others(primary);
        var standby = standbys.get(random.nextInt(standbys.size()));
        boolean strikesPrimary = random.nextInt(4) > 0 || kind.isAboutThePrimary();
        boolean spreads = random.nextInt(3) == 0 && kind.maySpread() && cluster.nodes().size() >= 5;
        long lasts = random.nextLong(200, 3500);
        if (!strikesPrimary) return new Fault(kind, List.of(standby), lasts);
        return new Fault(kind, spreads ? List.of(primary, standby) : List.of(primary), lasts);
    }

    /** @return System.nanoTime just before the first harm */
    long strike(Cluster cluster, Disturber disturber, Random random) {
        long instant = System.nanoTime();
        for (var victim : victims) strike(cluster, victim, disturber, random);
        return instant;
    }

    private void strike(Cluster cluster, Node victim, Disturber disturber, Random random) {
        switch (kind) {
            case KILL_ALL -> victim.kill();
            case KILL_POSTMASTER -> victim.killPostmaster();
            case KILL_BACKEND -> killBackend(victim, random);
            case KILL_WORKER -> victim.killWorker();
            case FREEZE_ALL -> victim.freeze();
            case FREEZE_WORKER -> victim.freezeWorker();
            case FREEZE_WORKER_AND_WATCHDOG -> {
                victim.freezeTitled("pg_replica watchdog");
                victim.freezeWorker();
            }
            case RESTART -> victim.restart();
            case FAILOVER -> victim.sql("select pg_replica.failover()");
            case HOLD_COMMITS -> hold(cluster, victim, disturber);
            case HOLD_COMMITS_AND_KILL -> {
                hold(cluster, victim, disturber);
                victim.kill();
                cluster.others(victim).forEach(Node::thaw);
            }
            case CUT_ALL -> cluster.isolateCompletely(victim);
            case CUT_FROM_NODES -> cluster.isolate(victim);
            case CUT_OUTGOING -> cluster.others(victim).forEach(other -> cluster.cut(victim, other));
            case CUT_INCOMING -> cluster.others(victim).forEach(other -> cluster.cut(other, victim));
            case CUT_DATA -> cluster.cutData(victim);
            case CUT_CONTROL -> cluster.cutControl(victim);
        }
    }

    private static void hold(Cluster cluster, Node primary, Disturber disturber) {
        for (var standby : cluster.others(primary)) {
            ProcessTable.signal("STOP", standby.processesTitled("walreceiver"));
        }
        pause(300);
        disturber.strikeAllWaiting(primary);
    }

    /** A client's, or on a standby the one that applies WAL. */
    private static void killBackend(Node victim, Random random) {
        var pids = Stream.of(": app app ", "startup").map(victim::processesTitled).filter(found -> !found.isEmpty())
                .findFirst().orElse(List.of());
        if (!pids.isEmpty()) ProcessTable.signal("KILL", List.of(pids.get(random.nextInt(pids.size()))));
    }

    void last() {
        pause(lastsMillis);
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Everything is put right: packets arrive, processes run, servers that ended are started. */
    static void heal(Cluster cluster) {
        cluster.heal();
        cluster.nodes().forEach(Node::thaw);
        for (var node : cluster.nodes()) {
            if (node.life() == NodeStatus.Life.RUNNING) continue;
            node.kill();
            node.start();
        }
    }

    @Override public String toString() {
        return kind + " " + victims.stream().map(Node::name).collect(Collectors.joining("+"));
    }
}
