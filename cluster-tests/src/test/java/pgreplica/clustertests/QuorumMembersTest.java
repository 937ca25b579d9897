package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.P.P7;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.Writer;
import pgreplica.harness.run.Account;

/** Whom commits wait for, and whom elections ask, are the same nodes after every step. */
@Tag("cluster") @Tag("quorum")
@Timeout(300)
class QuorumMembersTest {

    @Test @Promise({P3, P7})
    void bothQuorumsNameTheSameNodesAfterEveryStep() {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            var writer = cluster.startWriter().awaitRows(50);

            var n3 = cluster.others(n1).get(1);
            n3.kill();
            writer.awaitRows(50);
            // A member that is away stays one: it may hold commits.
            assertThat(Quorums.named(Quorums.setting(n1))).contains(n3.name());
            n3.start();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));

            n1.kill();
            var promoted = cluster.awaitPrimaryOtherThan(n1);
            writer.awaitRows(20);
            n1.start();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(promoted));

            promoted.sql("select pg_replica.failover()");
            var next = cluster.awaitPrimaryOtherThan(promoted);
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(next));

            // Other data under the same name is another member.
            var wiped = cluster.others(next).getFirst();
            var before = Quorums.setting(next);
            wiped.stop();
            wiped.wipeData();
            wiped.start();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(next));
            assertThat(Quorums.setting(next)).isNotEqualTo(before);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(next)).isEmpty();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** One forgot its cluster and is admitted anew, the other confirms nothing: two voters wait for one all the same. */
    @Test @Promise({P3, P11})
    void whoIsAdmittedAnewIsNoReasonToWaitForNobody() {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            var forgetful = cluster.others(n1).getFirst();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            var writer = cluster.startWriter().awaitRows(50);
            long mark = n1.logMark();
            Quorums.stopReceiving(cluster.others(n1).get(1));
            forgetful.kill();
            forgetful.wipeState();
            forgetful.start();
            n1.awaitLog("removing voter " + forgetful, mark, Quorums.LIMIT);
            n1.awaitLog(forgetful + " has the log and becomes a voter", mark, Quorums.LIMIT);
            writer.awaitRows(20);
            assertThat(n1.logSince(mark)).doesNotContain("commits wait for no standby");
            cluster.nodes().forEach(Quorums::thaw);
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(cluster.awaitPrimary()));
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
        }
    }

    /** In every order, while clients write; and what was promised in a synchronous mode is kept. */
    @Test @Promise({P3, P11})
    void theModeIsChangedUnderLoad() {
        try (var cluster = Cluster.of(3).start()) {
            var writer = cluster.startWriter(Writer.Options.following(cluster.nodes()).connections(4)).awaitRows(50);
            for (var mode : List.of("quorum", "off", "quorum_available", "quorum", "quorum_available", "off", "quorum")) {
                Quorums.reconfigure(cluster, Map.of("pg_replica.sync_mode", mode));
                var primary = cluster.awaitPrimary();
                if (mode.equals("off")) {
                    Await.condition("commits wait for nobody", Quorums.LIMIT, () -> Quorums.setting(primary).isEmpty(),
                            cluster::describe);
                } else {
                    Quorums.awaitOneMind(cluster, 1, cluster.others(primary));
                }
                assertThat(primary.sql("select sync_mode from pg_replica.status()").single()).isEqualTo(mode);
                writer.awaitRows(50);
            }
            var primary = cluster.awaitPrimary();
            Quorums.stopReceiving(cluster.others(primary).getFirst());
            writer.awaitRows(50);
            primary.kill();
            cluster.nodes().forEach(Quorums::thaw);
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(promoted)).isEmpty();
            primary.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** How many standbys a commit waits for, up and down under load; two of five nodes may be lost after any of it. */
    @Test @Promise({P3, P11})
    void theNumberOfStandbysIsChangedUnderLoad() {
        try (var cluster = Quorums.of(5).start()) {
            var primary = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 2, cluster.others(primary));
            var writer = cluster.startWriter(Writer.Options.following(cluster.nodes()).connections(4)).awaitRows(50);
            for (int standbys : List.of(3, 4, 2, 4, 0, 3)) {
                Quorums.reconfigure(cluster, Map.of("pg_replica.sync_standbys", String.valueOf(standbys)));
                Quorums.awaitOneMind(cluster, Math.max(standbys, 2), cluster.others(cluster.awaitPrimary()));
                writer.awaitRows(50);
            }
            var lost = List.of(primary, cluster.others(primary).getFirst());
            lost.forEach(Node::kill);
            // Three of the set confirm a commit, and only two are left.
            Quorums.reconfigure(cluster, Map.of("pg_replica.sync_standbys", "2"));
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(promoted)).isEmpty();
            lost.forEach(Node::start);
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 2, cluster.others(cluster.awaitPrimary()));
            Checks.allNodesIdentical(cluster);
        }
    }

    /** One streams and cannot vote, the other votes and cannot stream: together they are enough. */
    @Test @Promise({P3, P11})
    void dataLinkAndControlLinkMayFailSeparately() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).set("wal_receiver_timeout", "3s").namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            var streams = cluster.others(n1).get(0);
            var votes = cluster.others(n1).get(1);
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            var writer = cluster.startWriter().awaitRows(50);
            cluster.cutControl(streams);
            cluster.cutData(votes);
            writer.awaitRows(100);
            Await.condition("n1 says who is not heard", Quorums.LIMIT, () -> state(n1, streams).equals("unreachable"),
                    cluster::describe);
            Await.condition(votes + " says that it cannot stream", Quorums.LIMIT, () -> !state(votes, votes).equals("streaming"),
                    cluster::describe);
            cluster.heal();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(cluster.awaitPrimary()));
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Nobody can stream from the primary, everybody hears it: another node takes over that the others can stream from. */
    @Test @Promise({P3, P11})
    void aPrimaryThatNobodyCanStreamFromHandsOver() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            var writer = cluster.startWriter().awaitRows(50);
            long cut = cluster.cutData(n1);
            Await.condition("status() says that commits wait", Quorums.LIMIT, () -> Quorums.syncState(n1).contains("commits wait")
                    || n1.status().role() != NodeStatus.Role.PRIMARY, cluster::describe);
            var promoted = cluster.awaitPrimaryOtherThan(n1);
            writer.awaitRowAfter(cut, node -> node.equals(promoted.name()), Quorums.LIMIT);
            cluster.heal();
            cluster.awaitWhole();
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Without standbys quorum waits for them; quorum_available says so and goes on, and waits again when they are back. */
    @Test @Promise({P3, P11})
    void onlyTheAvailableModeGoesOnWithoutStandbys() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).syncMode("quorum_available").namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            var writer = cluster.startWriter().awaitRows(50);
            long cut = System.nanoTime();
            cluster.nodes().forEach(cluster::cutData);
            writer.awaitRowAfter(cut, node -> node.equals(n1.name()), Quorums.LIMIT);
            Await.condition("status() says that commits wait for nobody", Quorums.LIMIT,
                    () -> Quorums.syncState(n1).equals("commits wait for no standby"), cluster::describe);
            writer.awaitRows(50);
            cluster.heal();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 1, cluster.others(cluster.awaitPrimary()));
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Two nodes with data and a witness: the survivor with the data is elected, and serves when it has a standby again. */
    @Test @Promise({P3, P11})
    void aWitnessVotesAndHoldsNoData() {
        try (var cluster = Quorums.of(3).create()) {
            var witness = cluster.node("n3");
            witness.reconfigure(Map.of("pg_replica.witness", "on"));
            cluster.startAll();
            var primary = cluster.awaitPrimary();
            var standby = cluster.nodes().stream().filter(node -> node != primary && node != witness).findFirst().orElseThrow();
            standby.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.prepareLedger();
            Await.condition("the quorum is the standby", Quorums.LIMIT, () -> Quorums.named(Quorums.setting(primary))
                    .equals(new java.util.TreeSet<>(List.of(standby.name()))), cluster::describe);
            assertThat(witness.status().isStreamingStandby()).isFalse();
            var writer = cluster.startWriter().awaitRows(100);
            primary.kill();
            standby.awaitRole(NodeStatus.Role.FENCED, Quorums.LIMIT);
            assertThat(writer.acknowledgedButMissingFrom(standby)).isEmpty();
            primary.start();
            assertThat(cluster.awaitPrimary().name()).isEqualTo(standby.name());
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(standby)).isEmpty();
        }
    }

    private static String state(Node asked, Node about) {
        return asked.sql("select state from pg_replica.members() where node = '" + about.name() + "'").single();
    }
}
