package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P14;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.P.P4;
import static pgreplica.clustertests.P.P7;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;

/** The primary dies, wholly or in part: a standby takes over, and the old primary comes back as a standby. */
@Tag("cluster")
@Timeout(180)
class KilledPrimaryTest {
    /** Asynchronous standbys follow within this time, also on a machine that does other things. */
    private static final long LAST_MOMENTS_NANOS = Duration.ofSeconds(1).toNanos();

    @Test @Promise({P2, P4, P7, P11}) @Tag("essential")
    void allProcessesKilled() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(primary);
            var writer = cluster.startWriter().awaitRows(200);

            long killed = primary.kill();
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            writer.awaitRowAfter(killed, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);

            primary.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            writer.awaitRows(50).stop();
            assertThat(cluster.awaitPrimary().name()).as("the old primary disturbed nobody").isEqualTo(promoted.name());
            Checks.lossIsConfinedTo(writer.acknowledgedButMissingFrom(promoted), primary, killed - LAST_MOMENTS_NANOS);
            assertThat(Checks.dataFileIdentity(primary)).as("not cloned").isEqualTo(files);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** What the standbys have received and not replayed is half a gigabyte: whoever takes over replays it first. */
    @Test @Promise({P3, P4, P11})
    void theStandbysHaveMuchToReplay() {
        try (var cluster = Cluster.of(3).syncMode("quorum").start()) {
            var primary = cluster.awaitPrimary();
            var standbys = cluster.others(primary);
            standbys.forEach(KilledPrimaryTest::pauseReplay);
            primary.sql("app", "create table bulk as select i, repeat('x', 1000) from generate_series(1, 500000) i");
            standbys.forEach(standby -> Checks.awaitReceived(standby, primary));
            for (var standby : standbys) {
                assertThat(Long.parseLong(standby.sql("select (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint").single()))
                        .as("bytes that " + standby + " has not replayed").isGreaterThan(500_000_000);
            }
            standbys.forEach(standby -> standby.sql("select pg_wal_replay_resume()"));
            primary.kill();
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            assertThat(promoted.sql("app", "select count(*) from bulk").single()).isEqualTo("500000");
            primary.start();
            cluster.awaitWhole();
            // Its content would take longer to compare than to write.
            promoted.sql("app", "drop table bulk");
            Checks.allNodesIdentical(cluster);
        }
    }

    private static void pauseReplay(Node standby) {
        var said = "select value, ok from pg_replica.check() where setting = 'replay'";
        assertThat(standby.sql(said).values()).containsExactly(List.of("not paused", "t"));
        standby.sql("select pg_wal_replay_pause()");
        assertThat(standby.sql(said).values()).containsExactly(List.of("paused", "f"));
    }

    @Test @Promise({P2, P4, P11})
    void onlyThePostmasterKilledWhileABackendGoesOn() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(primary);
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(primary)).awaitRows(50);
            var writer = cluster.startWriter().awaitRows(50);

            long killed = primary.killPostmaster();
            var promoted = cluster.awaitPrimaryOtherThan(primary);
            writer.awaitRowAfter(killed, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            writer.awaitRows(50);
            Checks.nothingAcknowledgedByBoth(writer, pinned, primary, promoted);
            Checks.acknowledgedNothingAfterTheLease(pinned, primary, killed);

            primary.kill();
            primary.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(Checks.dataFileIdentity(primary)).as("not cloned").isEqualTo(files);
            writer.stop();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Postgres answers the death of any process that has shared memory with a crash restart. */
    @Test @Promise({P2, P11, P14}) @Tag("essential")
    void onlyTheWorkerKilled() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var postmaster = primary.postmaster().orElseThrow();
            var writer = cluster.startWriter().awaitRows(100);

            primary.killWorker();
            long killed = System.nanoTime();
            writer.awaitRowAfter(killed, node -> true, Cluster.PRIMARY_LIMIT);
            cluster.awaitWhole();
            writer.awaitRows(20).stop();
            assertThat(primary.postmaster()).as("the postmaster lives").contains(postmaster);
            var now = cluster.awaitPrimary();
            Checks.lossIsConfinedTo(writer.acknowledgedButMissingFrom(now), primary, killed - LAST_MOMENTS_NANOS);
            Checks.allNodesIdentical(cluster);
        }
    }

    /** One survivor was down while the other received rows: the one with more WAL takes over, whichever it is. */
    @ParameterizedTest @ValueSource(ints = {0, 1}) @Promise({P4, P11})
    void theSurvivorWithTheMostWalIsPromoted(int which) {
        try (var cluster = Cluster.of(3).create()) {
            // What is behind has the higher priority, which must not count against data.
            cluster.nodes().get(1 + which).reconfigure(java.util.Map.of("pg_replica.priority", "900"));
            cluster.startAll();
            cluster.awaitWhole();
            cluster.prepareLedger();
            var primary = cluster.awaitPrimary();
            var behind = cluster.others(primary).get(which);
            var ahead = cluster.others(primary).get(1 - which);

            behind.stop();
            var writer = cluster.startWriter().awaitRows(200).stop();
            Checks.awaitReceived(ahead, primary);
            primary.kill();
            behind.start();
            Await.condition(behind + " answers", Cluster.PRIMARY_LIMIT,
                    () -> behind.status().server().isPresent(), cluster::describe);

            var promoted = cluster.awaitPrimaryOtherThan(primary);
            assertThat(promoted.name()).isEqualTo(ahead.name());
            assertThat(writer.acknowledgedButMissingFrom(promoted)).isEmpty();
            primary.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }
}
