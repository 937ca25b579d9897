package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P5;

import java.time.Duration;
import java.util.HashSet;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;

/** All nodes start at the same moment, from the same position: one of them becomes the primary, and only one. */
@Tag("cluster")
@Tag("slow")
class ColdStartTest {
    private static final int ROUNDS = 20;

    @Test @Promise({P2, P5, P11}) @Timeout(900)
    void nodesThatAreEqualAgreeOnOnePrimary() {
        try (var cluster = Cluster.of(3).start()) {
            var timelines = new HashSet<Integer>();
            timelines.add(timeline(cluster.awaitPrimary()));
            for (int round = 1; round <= ROUNDS; round++) {
                var writer = cluster.startWriter().awaitRows(10).stop();
                var former = cluster.awaitPrimary();
                cluster.others(former).forEach(standby -> Checks.awaitReceived(standby, former));
                takeDown(cluster, round);

                cluster.startAll();
                var primary = cluster.awaitPrimary();
                cluster.awaitWhole();
                Await.staysTrue("one node accepts writes", Duration.ofMillis(500),
                        () -> cluster.writableNodes().size() == 1, cluster::describe);
                assertThat(timelines.add(timeline(primary))).as("round " + round + ": a timeline of its own").isTrue();
                assertThat(writer.acknowledgedButMissingFrom(primary)).as("round " + round).isEmpty();
            }
        }
    }

    /** In turns as a power cut and as three shutdowns that are asked for together. */
    private static void takeDown(Cluster cluster, int round) {
        if (round % 2 == 0) {
            cluster.nodes().parallelStream().forEach(Node::kill);
            return;
        }
        cluster.nodes().forEach(node -> node.signalPostmaster("INT"));
        cluster.nodes().forEach(node -> Await.condition(node + " is down", Duration.ofSeconds(60),
                () -> node.life() == NodeStatus.Life.DOWN, cluster::describe));
    }

    private static int timeline(Node node) {
        return node.status().server().orElseThrow().timeline();
    }
}
