package pgreplica.clustertests;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.ClusterBuilder;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;

/** What the tests of synchronous modes have in common. */
final class Quorums {
    static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Pattern NAME = Pattern.compile("(n\\d+)_i\\d+_t(\\d+)");

    private Quorums() {}

    static ClusterBuilder of(int nodes) {
        return Cluster.of(nodes).syncMode("quorum").set("max_prepared_transactions", "16");
    }

    /** It keeps its connection and receives nothing until the node is thawed. */
    static void stopReceiving(Node... standbys) {
        for (var standby : standbys) standby.freezeTitled("walreceiver");
    }

    /**
     * A cut loses no WAL that is on the way: the primary's kernel sends it again and again, also when the primary is dead,
     * until it has arrived or nobody is there to take it.
     */
    static void endReceiving(Node standby) {
        var receivers = standby.processesTitled("walreceiver");
        ProcessTable.signal("TERM", receivers);
        Await.condition("the walreceiver of " + standby + " ends", LIMIT,
                () -> receivers.stream().noneMatch(pid -> ProcessTable.find(pid).isPresent()), standby::describe);
    }

    /** What the postmaster of the primary uses. */
    static String setting(Node node) {
        return node.sql("show synchronous_standby_names").single();
    }

    static String syncState(Node node) {
        var state = node.status().extension().map(told -> told.columns().get("sync_state")).orElse("");
        return state == null ? "" : state;
    }

    /** The nodes that a setting names. */
    static TreeSet<String> named(String setting) {
        var nodes = new TreeSet<String>();
        var found = NAME.matcher(setting);
        while (found.find()) nodes.add(found.group(1));
        return nodes;
    }

    /**
     * Every node's view of the log, the setting in force on the primary, and the standbys that Postgres counts name the
     * same nodes: all others, waiting for {@code k} of them.
     */
    static void awaitOneMind(Cluster cluster, int k, List<Node> standbys) {
        Await.condition("both quorums are ANY " + k + " of " + standbys, LIMIT, () -> isOneMind(cluster, k, standbys),
                () -> cluster.nodes().stream().map(node -> node + ": " + syncState(node)).toList() + "\n" + cluster.describe());
    }

    private static boolean isOneMind(Cluster cluster, int k, List<Node> standbys) {
        var primary = cluster.primary();
        if (primary.isEmpty()) return false;
        var expected = new TreeSet<>(standbys.stream().map(Node::name).toList());
        var setting = setting(primary.get());
        var counted = new TreeSet<>(primary.get().sql("select application_name from pg_stat_replication where sync_state = 'quorum'")
                .column(0));
        boolean told = cluster.nodes().stream().filter(node -> node.status().server().isPresent())
                .allMatch(node -> syncState(node).equals(setting));
        return told && setting.startsWith("ANY " + k + " (") && named(setting).equals(expected)
                && counted.equals(namesIn(setting));
    }

    private static TreeSet<String> namesIn(String setting) {
        var names = new TreeSet<String>();
        var found = NAME.matcher(setting);
        while (found.find()) names.add(found.group());
        return names;
    }

    /** Changes settings of all nodes and lets them read them. */
    static void reconfigure(Cluster cluster, Map<String, String> changes) {
        for (var node : cluster.nodes()) {
            node.reconfigure(changes);
            if (node.postmaster().isPresent()) node.signalPostmaster("HUP");
        }
    }

    static void thaw(Node... nodes) {
        for (var node : nodes) ProcessTable.signal("CONT", node.processes().stream().map(ProcessTable.Entry::pid).toList());
    }
}
