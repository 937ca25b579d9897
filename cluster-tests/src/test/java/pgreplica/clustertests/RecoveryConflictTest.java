package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.ClusterBuilder;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A standby that serves long reports replays nothing that would disturb them, for as long as its operator wants. */
@Tag("cluster")
@Timeout(200)
class RecoveryConflictTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** One of the standbys is promoted, the other one is needed by it, and both wait for reports that have no end. */
    @Test @Promise({P3, P11})
    void reportsDoNotHoldUpAFailover() throws IOException, SqlFailure {
        try (var cluster = waiting(Quorums.of(3)).set("recovery_min_apply_delay", "1h").start()) {
            cluster.prepareLedger();
            var writer = cluster.startWriter().awaitRows(50);
            var former = cluster.awaitWhole().awaitPrimary();
            var promoted = failOverDuringReports(cluster, former);
            long opened = System.nanoTime();
            writer.awaitRowAfter(opened, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            writer.stop();
            former.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    @Test @Promise(P11)
    void theOperatorsDelayIsInForceAgainAfterAFailover() throws IOException, SqlFailure {
        try (var cluster = waiting(Cluster.of(3)).start()) {
            var former = cluster.awaitWhole().awaitPrimary();
            var promoted = failOverDuringReports(cluster, former);
            var standby = cluster.others(former).stream().filter(node -> !node.name().equals(promoted.name())).findFirst()
                    .orElseThrow().awaitStreaming(LIMIT);
            promoted.sql("app", "insert into reported select generate_series(1, 1000)");
            Checks.awaitReceived(standby, promoted);
            try (var report = report(standby)) {
                promoted.sql("app", "delete from reported");
                promoted.sql("app", "vacuum reported");
                awaitConflict(standby);
                Await.staysTrue("replay waits", Duration.ofSeconds(3), () -> conflicts(standby), standby::describe);
                assertThat(report.query("select 'done'", LIMIT).single()).isEqualTo("done");
            }
        }
    }

    private static ClusterBuilder waiting(ClusterBuilder builder) {
        return builder.set("max_standby_streaming_delay", "-1").set("max_standby_archive_delay", "-1");
    }

    private static Node failOverDuringReports(Cluster cluster, Node former) throws IOException, SqlFailure {
        var standbys = cluster.others(former);
        former.sql("app", "create table reported as select generate_series(1, 1000) as i; create table locked ()");
        for (var standby : standbys) Checks.awaitReceived(standby, former);
        var reports = List.of(report(standbys.getFirst()), locking(standbys.getLast()));
        former.sql("app", "delete from reported");
        former.sql("app", "vacuum reported");
        former.sql("app", "drop table locked");
        for (var standby : standbys) awaitConflict(standby);
        former.kill();
        var promoted = cluster.awaitPrimaryOtherThan(former);
        reports.forEach(Session::abandon);
        return promoted;
    }

    /** Sees rows that a vacuum on the primary takes away. */
    private static Session report(Node standby) throws IOException, SqlFailure {
        return session(standby, "begin isolation level repeatable read; select count(*) from reported");
    }

    /** Has a table that is dropped on the primary. */
    private static Session locking(Node standby) throws IOException, SqlFailure {
        return session(standby, "begin; select count(*) from locked");
    }

    private static Session session(Node standby, String sql) throws IOException, SqlFailure {
        var session = Session.open(standby.superuser("app"), LIMIT);
        session.query(sql, LIMIT);
        return session;
    }

    private static void awaitConflict(Node standby) {
        Await.condition(standby + " waits for the report", LIMIT, () -> conflicts(standby), standby::describe);
    }

    private static boolean conflicts(Node standby) {
        return standby.sql("select coalesce(bool_or(wait_event = 'RecoveryConflictSnapshot' or wait_event_type = 'Lock'), false)"
                + " from pg_stat_activity where backend_type = 'startup'").single().equals("t");
    }
}
