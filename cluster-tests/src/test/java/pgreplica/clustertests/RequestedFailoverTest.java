package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.clustertests.P.P10;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;

/** An operator wants another primary. */
@Tag("cluster")
@Timeout(200)
class RequestedFailoverTest {
    /** A record's length is that of its text and 56 bytes, or up to 7 less. */
    private static final String FILL_A_PAGE = """
            do $$ declare used int; begin
              loop
                used := (pg_current_wal_insert_lsn() - '0/0') % 8192;
                exit when used = 24;
                perform pg_logical_emit_message(false, '', repeat('x', case when used < 8000 then 8192 - used - 56 else 200 end));
              end loop;
            end $$""";

    /** Asynchronous: what the standbys have not received would be lost, and the primary has no fault. */
    @Test @Promise(P4)
    void aPrimaryIsNotGivenUpForStandbysThatLackItsLastCommits() {
        try (var cluster = Cluster.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(50);
            cluster.others(n1).forEach(Quorums::stopReceiving);
            writer.awaitRows(50);
            assertThatThrownBy(() -> n1.sql("select pg_replica.failover()")).hasMessageContaining("still lacks")
                    .hasMessageContaining("the primary goes on");
            writer.awaitRows(50);
            assertThat(cluster.awaitPrimary()).isEqualTo(n1);
            cluster.nodes().forEach(Quorums::thaw);
            cluster.awaitWhole();
            writer.awaitRows(50);
            n1.sql("select pg_replica.failover()");
            var next = cluster.awaitPrimaryOtherThan(n1);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(next)).isEmpty();
            cluster.awaitWhole();
        }
    }

    /**
     * What no session waits for is flushed when the WAL writer comes to it, here in ten seconds. The image that a reader
     * leaves (a hint bit) would have to be rewound if it were flushed later.
     */
    @Test @Promise(P4)
    void whatNobodyWaitsForIsHandedOverAsWell() {
        try (var cluster = Cluster.of(3).set("wal_writer_delay", "10s").start()) {
            var former = cluster.awaitPrimary();
            former.sql("create table unwaited (i int)");
            for (int round = 1; round <= 6; round++) {
                former.sql("insert into unwaited select generate_series(1, 1000)");
                former.sql("checkpoint");
                former.sql("select count(*) from unwaited");
                former.sql("set synchronous_commit = off; insert into unwaited values (0)");
                long logged = former.logMark();
                former.sql("select pg_replica.failover()");
                var next = cluster.awaitPrimaryOtherThan(former);
                assertThat(next.sql("select count(*) from unwaited where i = 0").single()).isEqualTo(Integer.toString(round));
                cluster.awaitWhole();
                assertThat(former.logSince(logged)).as("follows at once").doesNotContain("rewinding to ");
                former = next;
            }
        }
    }

    /** The next record will begin behind the header of a page that nobody has: nothing to wait for. */
    @Test @Promise(P11)
    void walThatEndsWithAPageIsHandedOver() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            former.sql(FILL_A_PAGE + "; do $$ begin perform pg_replica.failover(); end $$");
            cluster.awaitPrimaryOtherThan(former);
            cluster.awaitWhole();
        }
    }

    /** It has less for a moment, and everything when it takes over. */
    @ParameterizedTest @ValueSource(strings = {"off", "quorum"}) @Promise(P11)
    void thePreferredStandbyTakesOver(String mode) {
        try (var cluster = Cluster.of(3).syncMode(mode).start()) {
            var n1 = cluster.awaitPrimary();
            var n3 = cluster.node("n3");
            n3.reconfigure(Map.of("pg_replica.priority", "200"));
            n3.stop();
            n3.start();
            cluster.awaitWhole();
            var writer = cluster.startWriter().awaitRows(50);
            n1.sql("select pg_replica.failover()");
            assertThat(cluster.awaitPrimaryOtherThan(n1)).isEqualTo(n3);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(n3)).isEmpty();
            cluster.awaitWhole();
        }
    }

    /** Lessons 35, 37: they keep WAL for nobody on the former primary, and nobody would know. */
    @Test @Promise(P10)
    void slotsOfOthersThatStayBehindAreNamed() {
        try (var cluster = Cluster.of(3).set("wal_level", "logical").start()) {
            var former = cluster.awaitPrimary();
            former.sql("select pg_create_logical_replication_slot('subscriber', 'pgoutput')");
            former.sql("select pg_create_physical_replication_slot('backup', true)");
            assertThat(slotsOfOthers(former)).containsExactly(List.of("subscriber, backup", "t"));
            former.sql("select pg_replica.failover()");
            var next = cluster.awaitPrimaryOtherThan(former);
            cluster.awaitWhole();
            assertThat(slotsOfOthers(next)).containsExactly(List.of("none", "t"));
            assertThat(slotsOfOthers(former)).containsExactly(List.of("subscriber, backup", "f"));
            former.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name in ('subscriber', 'backup')");
            assertThat(slotsOfOthers(former)).containsExactly(List.of("none", "t"));
        }
    }

    private static List<List<String>> slotsOfOthers(Node node) {
        return node.sql("select value, ok from pg_replica.check() where setting = 'slots of others'").values();
    }
}
