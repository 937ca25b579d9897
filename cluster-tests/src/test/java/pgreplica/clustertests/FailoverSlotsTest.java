package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.ClusterBuilder;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;

/** A subscriber outside the cluster goes on after a failover (lesson 37): 17 and later. */
@Tag("cluster") @Tag("essential")
@Timeout(200)
class FailoverSlotsTest {
    private static final String DATABASE = "app";
    private static final String SLOT = "audit";
    /** On the primary: a session of the slot sync worker of a standby. */
    private static final String SYNCS_SLOTS = "application_name like '%slotsync worker'";

    @Test @Promise({P3, P11})
    void aSubscriberHasAllThatThePrimaryHasAfterEachFailover() {
        try (var cluster = publisher("quorum").start(); var subscriber = Cluster.of(1).plain().start()) {
            var replica = subscribe(subscriber, cluster);
            var writer = cluster.startWriter().awaitRows(50);
            for (int round = 0; round < 2; round++) {
                var former = cluster.awaitPrimary();
                awaitCopied(cluster);
                writer.awaitRows(50);
                if (round == 0) former.kill();
                else former.stop();
                var next = cluster.awaitPrimaryOtherThan(former);
                writer.awaitRows(50);
                assertThat(writer.acknowledgedButMissingFrom(next)).isEmpty();
                // One node of three is down, and the subscriber goes on.
                awaitSame(replica, next);
                former.start();
                cluster.awaitWhole();
            }
            writer.stop();
            awaitSame(replica, cluster.awaitPrimary());
            for (var node : cluster.nodes()) {
                assertThat(node.sql("select * from pg_replica.check() where not ok").values()).as("check() on " + node).isEmpty();
            }
        }
    }

    /**
     * The primary has a commit that no standby has. Had the subscriber got it, it would not only have a row too much: it
     * would leave out what the next primary writes at the same place.
     */
    @Test @Promise(P3)
    void aSubscriberGetsNothingThatAFailoverLoses() {
        try (var cluster = publisher("off").start(); var subscriber = Cluster.of(1).plain().start()) {
            var replica = subscribe(subscriber, cluster);
            var former = cluster.awaitPrimary();
            insert(former, 1);
            awaitSame(replica, former);
            awaitCopied(cluster);
            former.sql(DATABASE, "select pg_create_logical_replication_slot('another', 'test_decoding', failover => true)");
            former.freezeTitled("walsender replicator");
            insert(former, 2);
            // Were it handed out, both would have it well before.
            assertThatThrownBy(() -> former.sql(DATABASE, "set statement_timeout = '2s'; "
                    + "select * from pg_logical_slot_get_changes('another', null, null)")).hasMessageContaining("statement timeout");
            former.kill();
            var next = cluster.awaitPrimaryOtherThan(former);
            for (int i = 3; i < 10; i++) insert(next, i);
            awaitSame(replica, next);
            assertThat(rows(replica)).doesNotContain(List.of("0", "2"));
        }
    }

    /** Who waits for an answer of the frozen primary neither holds up the promotion nor stays there. */
    @Test @Promise(P11)
    void aFrozenPrimaryHoldsUpNobody() {
        try (var cluster = publisher("quorum").start(); var subscriber = Cluster.of(1).plain().start()) {
            var replica = subscribe(subscriber, cluster);
            var former = cluster.awaitPrimary();
            awaitCopied(cluster);
            var writer = cluster.startWriter().awaitRows(50);
            ProcessTable.signal("STOP", former.sql("select pid from pg_stat_activity where " + SYNCS_SLOTS).column(0).stream()
                    .map(Long::valueOf).toList());
            for (var standby : cluster.others(former)) {
                Await.condition(standby + " waits for an answer", Quorums.LIMIT, () -> standby.sql("select wait_event from "
                        + "pg_stat_activity where backend_type = 'slotsync worker'").single().startsWith("Libpqwalreceiver"),
                        standby::describe);
            }
            var logged = cluster.others(former).stream().collect(Collectors.toMap(node -> node, Node::logMark));
            former.freeze();
            var next = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRows(50).stop();
            // Not a session of its there: where its copy is ahead of the new primary's, it ends and comes back.
            var other = cluster.others(next).stream().filter(node -> !node.equals(former)).findFirst().orElseThrow();
            other.awaitLog("slot sync worker started", logged.get(other), Quorums.LIMIT);
            // The subscriber knows no limit for a server that accepts its connection and does not answer.
            former.thaw();
            cluster.awaitWhole();
            awaitSame(replica, next);
            awaitCopied(cluster);
        }
    }

    private static ClusterBuilder publisher(String syncMode) {
        var builder = Cluster.of(3).syncMode(syncMode).set("wal_level", "logical").set("hot_standby_feedback", "on")
                .set("sync_replication_slots", "on");
        assumeTrue(builder.majorVersion() >= 17, "slots survive a failover since 17");
        return builder;
    }

    private static Node subscribe(Cluster subscriber, Cluster cluster) {
        var primary = cluster.awaitPrimary();
        cluster.prepareLedger();
        primary.sql(DATABASE, "alter role app replication; create publication everything for all tables");
        subscriber.prepareLedger();
        var replica = subscriber.nodes().getFirst();
        replica.sql(DATABASE, "create subscription " + SLOT + " connection '" + cluster.uri()
                + "' publication everything with (failover = true)");
        return replica;
    }

    /** Postgres keeps a copy once it can be decoded from, for which it needs a record of the running transactions. */
    private static void awaitCopied(Cluster cluster) {
        var primary = cluster.awaitPrimary();
        for (var standby : cluster.others(primary)) {
            Await.condition(SLOT + " is copied to " + standby, Quorums.LIMIT, () -> {
                primary.sql("select pg_log_standby_snapshot()");
                return standby.sql("select count(*) from pg_replication_slots where slot_name = '" + SLOT
                        + "' and synced and not temporary").single().equals("1");
            }, () -> primary.describe() + standby.describe());
        }
    }

    private static void insert(Node primary, int id) {
        primary.sql(DATABASE, "insert into ledger (connection, id, node) values (0, " + id + ", 'test')");
    }

    /** What the primary has when it is asked arrives, and the subscriber has nothing else. */
    private static void awaitSame(Node replica, Node primary) {
        var before = rows(primary);
        Await.condition("the subscriber has " + before.size() + " rows of " + primary, Quorums.LIMIT,
                () -> rows(replica).containsAll(before), () -> primary.describe() + replica.log());
        var received = rows(replica);
        assertThat(rows(primary)).containsAll(received);
    }

    private static Set<List<String>> rows(Node node) {
        return Set.copyOf(node.sql(DATABASE, "select connection, id from ledger").values());
    }
}
