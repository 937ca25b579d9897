package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.run.Account;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A commit that no quorum has may still be lost, so nobody may see it. */
@Tag("cluster") @Tag("quorum")
@Timeout(240)
class QuorumVisibilityTest {
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration WATCH = Duration.ofSeconds(4);

    /** The primary alone has it, restarts, and is elected again: still nobody sees it until a standby has it. */
    @Test @Promise(P3)
    void aRestartedPrimaryShowsNothingUnconfirmed() throws Exception {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            prepare(n1);
            cluster.cutData(n1);
            var commit = SentStatement.send(n1, "insert into doubted values (1)").awaitWaiting();
            cluster.nodes().forEach(Node::kill);
            commit.await();

            var n2 = cluster.others(n1).get(0);
            n1.start();
            n2.start();
            n1.awaitRole(NodeStatus.Role.FENCED, Quorums.LIMIT);
            Await.staysTrue("no ordinary user sees what no standby has", WATCH, () -> !sees(n1), cluster::describe);
            assertThat(n1.sql("app", "select count(*) from doubted").single()).as("a superuser sees it").isEqualTo("1");

            cluster.heal();
            Await.condition("the commit is visible", Quorums.LIMIT, () -> sees(n1), cluster::describe);
            Checks.awaitReceived(n2, n1);
            assertThat(n2.sql("app", "select count(*) from doubted").single()).isEqualTo("1");
            cluster.others(n1).get(1).start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Its client is gone, the primary lives on: what is not confirmed stays out of sight. */
    @Test @Promise(P3)
    void aWaitThatWasGivenUpShowsNothingUnconfirmed() throws Exception {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            prepare(n1);
            for (var how : List.of("cancel", "terminate")) {
                Quorums.stopReceiving(cluster.others(n1).toArray(Node[]::new));
                var commit = SentStatement.send(n1, "insert into doubted values (1)").awaitWaiting();
                if (how.equals("cancel")) commit.cancel();
                else commit.terminate();
                Await.staysTrue("nobody sees what no standby has (" + how + ")", Duration.ofSeconds(2), () -> !sees(n1),
                        cluster::describe);
                cluster.others(n1).forEach(Quorums::thaw);
                commit.await();
                Await.condition("the commit is visible when it is confirmed", Quorums.LIMIT, () -> sees(n1), cluster::describe);
                n1.sql("app", "delete from doubted");
            }
        }
    }

    /** A time limit inside of a DO block is the only one that meets a commit; what it gives up is in doubt like the rest. */
    @Test @Promise(P3)
    void aWaitThatRanOutOfTimeShowsNothingUnconfirmed() throws Exception {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            prepare(n1);
            var session = SentStatement.open(n1);
            session.query("set statement_timeout = '300ms'", LIMIT);
            Quorums.stopReceiving(cluster.others(n1).toArray(Node[]::new));
            var commit = SentStatement.send(n1, session, "do $$ begin insert into doubted values (1); commit; end $$");
            assertThat(commit.await()).isEqualTo(SentStatement.Outcome.UNKNOWN);
            Await.staysTrue("nobody sees what no standby has", Duration.ofSeconds(2), () -> !sees(n1), cluster::describe);
            cluster.others(n1).forEach(Quorums::thaw);
            Await.condition("the commit is visible when it is confirmed", Quorums.LIMIT, () -> sees(n1), cluster::describe);
        }
    }

    /** An operator's stop is not held up for ever by a commit that nobody confirms, and does not show it either. */
    @Test @Promise({P3, P11})
    void aFastStopLeavesWhatWaitsInDoubt() throws Exception {
        try (var cluster = Quorums.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            prepare(n1);
            Quorums.stopReceiving(cluster.others(n1).toArray(Node[]::new));
            var commit = SentStatement.send(n1, "insert into doubted values (1)").awaitWaiting();
            n1.stop();
            assertThat(commit.await()).isEqualTo(SentStatement.Outcome.UNKNOWN);
            cluster.others(n1).forEach(Quorums::thaw);
            cluster.awaitPrimaryOtherThan(n1);
            n1.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** A deposed primary stops at once, so that nothing that waits is let go. */
    @Test @Promise({P3, P7})
    void aDeposedPrimaryReleasesNothing() throws Exception {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Quorums.of(3).namespaces().start()) {
            var n1 = cluster.awaitPrimary();
            Quorums.awaitOneMind(cluster, 1, cluster.others(n1));
            prepare(n1);
            cluster.isolate(n1);
            var commit = SentStatement.send(n1, "insert into doubted values (1)");
            var promoted = cluster.awaitPrimaryOtherThan(n1);
            assertThat(sees(n1)).as("seen on the old primary").isFalse();
            cluster.heal();
            n1.awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(commit.await()).isNotEqualTo(SentStatement.Outcome.ACKNOWLEDGED);
            assertThat(promoted.sql("app", "select count(*) from doubted").single()).isEqualTo("0");
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static void prepare(Node primary) {
        primary.sql("app", "create table doubted (i int); alter table doubted owner to app");
    }

    /** Whether an ordinary user sees a row now; a refusal is a no. */
    private static boolean sees(Node node) {
        try (var session = Session.open(node.application(), LIMIT)) {
            return !session.query("select count(*) from doubted", LIMIT).single().equals("0");
        } catch (IOException | SqlFailure refused) {
            return false;
        }
    }
}
