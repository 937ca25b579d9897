package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.SentStatement.Outcome.ACKNOWLEDGED;

import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.ProcessTable;

/** Whoever confirmed a commit has it, and an election finds it there. */
@Tag("cluster") @Tag("quorum")
@Timeout(300)
class QuorumElectionTest {

    /** One standby alone confirmed: it is promoted, also as the slowest, the lowest in priority, or after a restart. */
    @ParameterizedTest @Promise({P3, P11})
    @CsvSource({"0, plain", "1, plain", "0, lowest", "1, lowest", "0, slowest", "1, restarted"})
    void theStandbyThatConfirmedIsPromoted(int which, String how) {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).namespaces().create()) {
            var confirming = cluster.nodes().get(1 + which);
            if (how.equals("lowest")) confirming.reconfigure(Map.of("pg_replica.priority", "1"));
            start(cluster);
            var primary = cluster.awaitPrimary();
            assumeTrue(!primary.name().equals(confirming.name()), "the standby was made primary");
            var other = cluster.others(primary).stream().filter(node -> node != confirming).findFirst().orElseThrow();

            // Not a frozen receiver: what its socket holds it would still write when it goes on.
            cluster.cutData(other);
            if (how.equals("slowest")) confirming.freezeTitled("startup");
            var writer = cluster.startWriter().awaitRows(100);
            if (how.equals("restarted")) {
                confirming.restart();
                writer.awaitRows(50);
            }
            primary.kill();
            writer.stop();
            Quorums.endReceiving(other);
            cluster.nodes().forEach(Quorums::thaw);
            cluster.heal();

            var promoted = cluster.awaitPrimaryOtherThan(primary);
            assertThat(promoted.name()).isEqualTo(confirming.name());
            assertThat(writer.acknowledgedButMissingFrom(promoted)).isEmpty();
            primary.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static void start(Cluster cluster) {
        cluster.startAll();
        cluster.awaitWhole();
        cluster.prepareLedger();
        Quorums.awaitOneMind(cluster, cluster.nodes().size() / 2, cluster.others(cluster.awaitPrimary()));
    }

    /** The primary and one of the two that confirmed are lost at once. */
    @Test @Promise({P3, P11})
    void fiveNodesLoseTwo() {
        try (var cluster = Quorums.of(5).start()) {
            var primary = cluster.awaitPrimary();
            var standbys = cluster.others(primary);
            Quorums.awaitOneMind(cluster, 2, standbys);
            Quorums.stopReceiving(standbys.get(2), standbys.get(3));
            var writer = cluster.startWriter().awaitRows(100);
            primary.kill();
            standbys.get(0).kill();
            cluster.nodes().forEach(Quorums::thaw);
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(promoted)).isEmpty();
            primary.start();
            standbys.get(0).start();
            cluster.awaitWhole();
            Quorums.awaitOneMind(cluster, 2, cluster.others(cluster.awaitPrimary()));
            Checks.allNodesIdentical(cluster);
        }
    }

    /**
     * A timeline that was begun, and served nobody, is no history: the node that was left with the commit is chosen, not
     * the one that never had it (A2).
     */
    @Test @Promise({P3, P11})
    void aPromotionThatReachedNobodyDoesNotOutrankTheCommit() throws Exception {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            var n2 = cluster.others(n1).get(0);
            var n3 = cluster.others(n1).get(1);
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));

            cluster.cutData(n3);
            var writer = cluster.startWriter().awaitRows(50);
            Quorums.stopReceiving(n2);
            writer.stop();
            var unconfirmed = SentStatement.send(n1, "insert into ledger values (1, 1, 'unconfirmed')").awaitWaiting();
            n1.freeze();
            Quorums.thaw(n2);
            n2.awaitRole(NodeStatus.Role.FENCED, Quorums.LIMIT);
            n2.kill();
            Quorums.endReceiving(n3);
            Quorums.thaw(n1);
            cluster.heal();

            var chosen = cluster.awaitPrimaryOtherThan(n2);
            assertThat(writer.acknowledgedButMissingFrom(chosen)).isEmpty();
            assertThat(chosen.name()).as("the one that has the commits").isEqualTo(n1.name());
            assertThat(unconfirmed.await()).isNotEqualTo(ACKNOWLEDGED);
            n2.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
        }
    }

    /**
     * The standby that has most was given up by an operator's word, and comes back with WAL that is past everything the
     * new primary has: its position is a larger number, and confirms nothing (A1).
     */
    @Test @Promise({P3, P11})
    void aDivergedStandbyConfirmsNothing() throws Exception {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            var n2 = cluster.others(n1).get(0);
            var n3 = cluster.others(n1).get(1);
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            Quorums.stopReceiving(n2);
            cluster.startWriter().awaitRows(200).stop();
            n1.kill();
            n3.kill();
            Quorums.thaw(n2);
            n1.wipeData();
            n1.start();

            // Two of three vote, and one valid report is not enough: nobody is promoted, and it says why.
            Await.condition("a rule says who is missing", Quorums.LIMIT, () -> decisions(n2).contains("report"),
                    cluster::describe);
            assertThat(cluster.writableNodes()).isEmpty();
            n2.sql("select pg_replica.failover(allow_loss => true)");
            var promoted = cluster.awaitPrimaryOtherThan(n3);
            assertThat(promoted.name()).isEqualTo(n2.name());
            n1.awaitStreaming(Cluster.WHOLE_LIMIT);

            Quorums.stopReceiving(n1);
            var commit = SentStatement.send(n2, "insert into ledger values (2, 2, 'after the loss')").awaitWaiting();
            n3.start();
            assertThat(commit.await()).isEqualTo(ACKNOWLEDGED);
            n2.kill();
            ProcessTable.signal("CONT", n1.processesTitled("walreceiver"));
            var next = cluster.awaitPrimaryOtherThan(n2);
            assertThat(next.sql("app", "select count(*) from ledger where node = 'after the loss'").single()).isEqualTo("1");
            n2.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static String decisions(Node node) {
        return String.join("\n", node.sql("select why from pg_replica.rules() where current").column(0));
    }
}
