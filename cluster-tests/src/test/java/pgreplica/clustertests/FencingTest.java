package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P13;
import static pgreplica.clustertests.P.P14;
import static pgreplica.clustertests.P.P2;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;

/** A primary that has lost the others, its worker or its time stops acknowledging before anybody else begins. */
@Tag("cluster")
@Timeout(180)
class FencingTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** Its clients still reach it, and one of them writes the whole time. */
    @Test @Promise({P2, P11}) @Tag("essential")
    void aPrimaryInTheMinorityRefusesWritesWithinItsLease() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Cluster.of(3).namespaces().start()) {
            var former = cluster.awaitPrimary();
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(50);
            var writer = cluster.startWriter().awaitRows(50);

            long cut = cluster.isolate(former);
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(cut, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            writer.awaitRows(50);
            Checks.acknowledgedNothingAfterTheLease(pinned, former, cut);
            Checks.nothingAcknowledgedByBoth(writer, pinned, former, promoted);

            cluster.heal();
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            Checks.nothingAcknowledgedByBoth(writer.stop(), pinned.stop(), former, promoted);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** What it hears from the others is lost, what it says arrives: their timers alone would keep it for ever. */
    @Test @Promise({P2, P11})
    void aPrimaryThatOnlyHearsNothingIsReplaced() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Cluster.of(3).namespaces().start()) {
            var former = cluster.awaitPrimary();
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(20);
            cluster.others(former).forEach(other -> cluster.cut(other, former));
            long cut = System.nanoTime();
            var writer = cluster.startWriter();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(cut, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            Checks.acknowledgedNothingAfterTheLease(pinned, former, cut);
            Checks.nothingAcknowledgedByBoth(writer, pinned, former, promoted);
            cluster.heal();
            cluster.awaitWhole();
        }
    }

    @Test @Promise({P2, P11, P13}) @Tag("essential")
    void aFrozenPrimaryAcknowledgesNothingWhenItThaws() throws Exception {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(former).connections(4)).awaitRows(50);
            var writer = cluster.startWriter().awaitRows(50);
            var session = Session.open(former.application(), LIMIT);
            session.query("create table promised (i int)", LIMIT);
            session.query("begin; insert into promised values (1)", LIMIT);

            long frozen = former.freeze();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(frozen, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);

            long thawed = former.thaw();
            assertThatThrownBy(() -> session.query("commit", LIMIT)).as("the open transaction's commit")
                    .isInstanceOf(Exception.class);
            session.abandon();
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            writer.awaitRows(50);
            assertThat(pinned.stop().acknowledgedBy(former, thawed)).as("acknowledged after the thaw").isEmpty();
            Checks.nothingAcknowledgedByBoth(writer.stop(), pinned, former, promoted);
            assertThat(promoted.sql("app", "select to_regclass('promised') is null or not exists (select from promised)")
                    .single()).isEqualTo("t");
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /**
     * The answer to a COMMIT waits in the send buffer for what follows it in the same query string. A backend that
     * freezes there has passed every check of the commit; when it thaws alone, nobody stops it but itself.
     */
    @Test @Promise(P2)
    void anAnswerStillInTheBufferIsNotSentAfterTheThaw() throws Exception {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            former.sql("app", "create table answered (i int)");
            assertThat(commitAndSleep(cluster, former, 0).output()).as("without a fault").contains("COMMIT");

            var client = CompletableFuture.supplyAsync(() -> commitAndSleep(cluster, former, 3));
            var backend = Await.value("a client waits behind its commit", LIMIT, () -> former.sql("app",
                    "select pid from pg_stat_activity where wait_event = 'PgSleep'"
                    + " and (select count(*) from answered) = 2").column(0).stream().map(Long::valueOf).findFirst(),
                    cluster::describe);
            long frozen = former.freeze();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            var writer = cluster.startWriter();
            writer.awaitRowAfter(frozen, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            writer.stop();

            ProcessTable.signal("CONT", List.of(backend));
            var told = client.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(told.output()).as("what the client was told").doesNotContain("COMMIT");
            assertThat(told.ok()).isFalse();
            former.thaw();
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static Exec.Result commitAndSleep(Cluster cluster, Node node, int seconds) {
        var target = node.superuser("app");
        return Exec.attempt(cluster.blueprint().install().command("psql", "-X", "-h", target.host(), "-p",
                String.valueOf(target.port()), "-U", target.user(), "-d", target.database(), "-c",
                "begin; insert into answered values (1); commit; select pg_sleep(" + seconds + ")"));
    }

    /** A worker that was stopped by accident needs no more than to be told to go on. */
    @Test @Promise({P2, P11, P14})
    void aStoppedWorkerIsContinuedByTheWatchdog() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(50);
            long stopped = former.freezeWorker();
            Await.condition("the worker of " + former + " runs", Cluster.WHOLE_LIMIT, () -> former.worker()
                    .flatMap(ProcessTable::find).map(entry -> !entry.frozen()).orElse(false), cluster::describe);
            writer.awaitRowAfter(stopped, node -> true, Cluster.PRIMARY_LIMIT);
            cluster.awaitWhole();
            writer.awaitRows(20).stop();
            Checks.allNodesIdentical(cluster);
        }
    }

    /**
     * With the watchdog stopped as well, nothing continues the worker. Nobody tells the backends either: their lease is
     * over, that is all. As soon as the watchdog runs, it brings the worker back, and that brings the node back.
     */
    @Test @Promise({P2, P11, P14})
    void aHungWorkerLosesTheLeaseAndIsBroughtBackByTheWatchdog() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(50);
            var writer = cluster.startWriter().awaitRows(50);

            former.freezeTitled("pg_replica watchdog");
            long hung = former.freezeWorker();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(hung, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            writer.awaitRows(50);
            Checks.acknowledgedNothingAfterTheLease(pinned, former, hung);
            Checks.nothingAcknowledgedByBoth(writer, pinned, former, promoted);

            ProcessTable.signal("CONT", former.processesTitled("pg_replica watchdog"));
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.nothingAcknowledgedByBoth(writer.stop(), pinned.stop(), former, promoted);
            Checks.allNodesIdentical(cluster);
        }
    }
}
