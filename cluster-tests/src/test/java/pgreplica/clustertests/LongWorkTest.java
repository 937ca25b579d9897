package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus.Life;

/** While its Postgres is down for a clone or a rewind, a node votes, tells how far it is, and obeys its operator. */
@Tag("cluster")
@Timeout(300)
class LongWorkTest {
    /** A killed primary is replaced in about a second; this machine has other things to do. */
    private static final Duration USUAL_FAILOVER = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(500);

    /** A node that lost its state directory does not know its data any more, and is cloned. */
    @Test @Promise({P7, P8, P11})
    void aCloningNodeObeysVotesAndTellsItsProgress() {
        try (var cluster = Cluster.of(3).start()) {
            var source = cluster.awaitPrimary();
            source.sql("app", "create table bulk as select i, repeat('x', 200) from generate_series(1, 200000) i");
            cluster.others(source).forEach(standby -> Checks.awaitReceived(standby, source));
            var cloning = cluster.others(source).getFirst();
            var other = cluster.others(source).getLast();
            var files = Checks.dataFileIdentity(cloning);
            cloning.stop();
            cloning.wipeState();
            for (var way : List.of("TERM", "QUIT")) {
                SlowWork.startHeldClone(cloning, source);
                assertReloadChangesNothing(cloning, "pg_basebackup");
                assertStaysDownAfter(way, cloning);
                assertThat(Checks.dataFileIdentity(cloning)).as("the old data").isEqualTo(files);
                SlowWork.letCloneGoOn(source);
            }
            SlowWork.startHeldClone(cloning, source);
            SlowWork.awaitBytesOfClone(other, cloning, source);
            assertThat(SlowWork.member(other, cloning)).containsEntry("state", "cloning").containsEntry("role", "down")
                    .containsEntry("voter", "t");
            assertThat(Checks.dataFileIdentity(cloning)).as("the old data").isEqualTo(files);

            var log = loseSourceOf(cloning, source, other, cluster);
            assertThat(Checks.dataFileIdentity(cloning)).as("cloned").isNotEqualTo(files);
            assertThat(log.split("clones this node from node", -1)).as("once more\n" + log).hasSize(2);
        }
    }

    @Test @Promise({P7, P8, P11})
    void aRewindingNodeObeysVotesAndTellsItsProgress() {
        try (var cluster = Cluster.of(3).start()) {
            var rewinding = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(rewinding);
            Checks.commitUnreplicated(rewinding, 20);
            rewinding.kill();
            var source = cluster.awaitPrimaryOtherThan(rewinding);
            var other = cluster.others(source).stream().filter(node -> node != rewinding).findFirst().orElseThrow();
            other.awaitStreaming(Cluster.WHOLE_LIMIT);

            try (var held = new SlowWork.HeldRewind(source)) {
                rewinding.start();
                held.await();
                held.letGoOn();
                for (var way : List.of("INT", "KILL")) {
                    assertReloadChangesNothing(rewinding, "pg_rewind");
                    assertStaysDownAfter(way, rewinding);
                    held.forget();
                    rewinding.start();
                    held.await();
                }
                SlowWork.awaitReason(other, rewinding, "rewind: looking for the fork", cluster);
                held.letGoOn();
                held.freeze();
                SlowWork.awaitBytesOfRewind(other, rewinding, source);
            }
            assertThat(SlowWork.member(other, rewinding)).containsEntry("state", "rewinding").containsEntry("role", "down")
                    .containsEntry("voter", "t");

            // What is half rewound holds data of a primary that was lost, and no pg_rewind knows which.
            var log = loseSourceOf(rewinding, source, other, cluster);
            assertThat(log).contains("rewinding it failed half-way").doesNotContain("pg_rewind from node \"" + other)
                    .doesNotContain("cloning from");
            assertThat(Checks.dataFileIdentity(rewinding)).as("cloned").isNotEqualTo(files);
        }
    }

    /**
     * The primary dies that the data comes from. The vote that is needed then is that of the node that works, and the
     * other one is elected about as soon as always. What the node that works logs from then on.
     */
    private static String loseSourceOf(Node working, Node source, Node other, Cluster cluster) {
        var writer = cluster.startWriter().awaitRows(20);
        long mark = working.logMark();
        long killed = source.kill();
        writer.awaitRowAfter(killed, node -> node.equals(other.name()), Cluster.PRIMARY_LIMIT);
        assertThat(writer.outageAfter(killed).orElseThrow().millis()).as("ms without acknowledged writes")
                .isLessThan((double) USUAL_FAILOVER.toMillis());
        working.awaitStreaming(Cluster.WHOLE_LIMIT);
        source.start();
        cluster.awaitWhole();
        writer.awaitRows(20).stop();
        Checks.allNodesIdentical(cluster);
        return working.logSince(mark);
    }

    /** Settings are read when the server starts; until then there is nothing to reload. */
    private static void assertReloadChangesNothing(Node node, String program) {
        Await.condition(node + " runs " + program, SlowWork.LIMIT, () -> !node.processesTitled(program).isEmpty(), node::describe);
        var before = node.processesTitled(program);
        node.signalPostmaster("HUP");
        Await.staysTrue(node + " works on", LOOK, () -> node.processesTitled(program).containsAll(before), node::describe);
    }

    private static void assertStaysDownAfter(String signal, Node node) {
        node.signalPostmaster(signal);
        Await.condition(node + " has ended", SlowWork.LIMIT, () -> node.life() == Life.DOWN, node::describe);
        Await.staysTrue(node + " stays down", LOOK, () -> node.life() == Life.DOWN, node::describe);
    }
}
