package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P4;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;

/** Servers in several places: a message between two of them takes its time (lesson 18). */
@Tag("cluster")
@Timeout(300)
class FarApartTest {
    /** A quarter of the election timeout from a question to its answer, between servers as between their workers. */
    @Test @Promise({P2, P4, P11})
    void aQuarterOfTheElectionTimeoutApart() {
        try (var cluster = Cluster.of(3).create(); var links = new Links(cluster)) {
            var first = startFarApart(cluster, links, Duration.ofMillis(125));
            var writer = cluster.startWriter().awaitRows(50);
            awaitCalm(cluster, first, Duration.ofSeconds(5));
            var second = handOver(cluster, first, writer);

            long killed = second.kill();
            var third = cluster.awaitPrimaryOtherThan(second);
            writer.awaitRowAfter(killed, node -> node.equals(third.name()), Cluster.PRIMARY_LIMIT);
            second.start();
            cluster.awaitWhole();
            writer.awaitRows(20).stop();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** All limits follow from the one setting: a handshake takes two answers, a connection of Postgres four. */
    @Test @Promise({P2, P11})
    void aLongElectionTimeoutIsEnough() {
        try (var cluster = Cluster.of(3).set("pg_replica.election_timeout", "6s").create();
                var links = new Links(cluster)) {
            var first = startFarApart(cluster, links, Duration.ofMillis(700));
            var writer = cluster.startWriter().awaitRows(50);
            awaitCalm(cluster, first, Duration.ofSeconds(10));
            handOver(cluster, first, writer);
            writer.awaitRows(20).stop();
        }
    }

    private static Node startFarApart(Cluster cluster, Links links, Duration oneWay) {
        links.between();
        cluster.startAll();
        cluster.awaitWhole();
        cluster.prepareLedger();
        links.lengthen(oneWay);
        cluster.awaitWhole();
        return cluster.awaitPrimary();
    }

    private static void awaitCalm(Cluster cluster, Node primary, Duration span) {
        long term = term(primary);
        Await.staysTrue("nobody campaigns, and the lease does not end", span,
                () -> term(primary) == term && primary.isWritable(), cluster::describe);
    }

    private static Node handOver(Cluster cluster, Node former, Writer writer) {
        former.sql("select pg_replica.failover()");
        var next = cluster.awaitPrimaryOtherThan(former);
        writer.awaitRowAfter(System.nanoTime(), node -> node.equals(next.name()), Cluster.PRIMARY_LIMIT);
        assertThat(writer.acknowledgedButMissingFrom(next)).as("lost by a handover").isEmpty();
        cluster.awaitWhole();
        return next;
    }

    private static long term(Node node) {
        return node.status().extension().orElseThrow().term();
    }

    /** To each node's two ports. */
    private static final class Links implements AutoCloseable {
        private final Cluster cluster;
        private final List<SlowLink> toServers;
        private final List<SlowLink> toWorkers;

        Links(Cluster cluster) {
            this.cluster = cluster;
            var nodes = cluster.nodes().stream().map(Node::spec).toList();
            toServers = nodes.stream().map(node -> new SlowLink(node.host(), node.port())).toList();
            toWorkers = nodes.stream().map(node -> new SlowLink(node.host(), node.raftPort())).toList();
        }

        /** Each node is reached through its links only. */
        void between() {
            var list = new StringJoiner(",");
            for (int i = 0; i < toServers.size(); i++) {
                var node = cluster.nodes().get(i);
                list.add(node + "=" + node.spec().host() + ":" + toServers.get(i).port()
                        + "/" + toWorkers.get(i).port());
            }
            for (var node : cluster.nodes()) {
                node.reconfigure(Map.of("pg_replica.nodes", list.toString(),
                        "pg_replica.port", "" + node.spec().raftPort()));
            }
        }

        void lengthen(Duration oneWay) {
            toServers.forEach(link -> link.lengthen(oneWay));
            toWorkers.forEach(link -> link.lengthen(oneWay));
        }

        @Override public void close() {
            toServers.forEach(SlowLink::close);
            toWorkers.forEach(SlowLink::close);
        }
    }
}
