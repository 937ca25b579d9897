package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P13;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P3;

import java.io.IOException;
import java.time.Duration;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.ReplicaStatus;
import pgreplica.harness.Writer;
import pgreplica.harness.run.Account;

/** A disk on which writes do not end, or that turned read-only. */
@Tag("cluster")
@Timeout(180)
class HungDiskTest {
    private static final String AILMENT = "its disk does not take writes";
    /** The trial write has 5 s, what it finds must last for 2 s more; the rest is the handover, and a busy machine. */
    private static final Duration REPLACED_WITHIN = Duration.ofSeconds(20);

    private static final Duration COMMITS_GO_ON_WITHIN = Duration.ofSeconds(4);

    @BeforeAll static void mounting() {
        assumeTrue(Account.isRoot(), "mounting needs root");
    }

    /** First the primary's, then, as it is a standby, the same disk again. */
    @ParameterizedTest @Promise({P2, P3, P11, P13})
    @ValueSource(strings = {"off", "quorum"})
    void aDataDirectoryWhoseDiskHangs(String mode) throws IOException {
        try (var cluster = Cluster.of(3).syncMode(mode).create()) {
            var former = cluster.nodes().getFirst();
            try (var disk = FaultyDisk.under(former, former.files().data(), "1G")) {
                start(cluster, former);
                var files = Checks.dataFileIdentity(former);
                var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(50);
                var writer = cluster.startWriter().awaitRows(50);

                long hung = disk.hang();
                var promoted = awaitReplaced(cluster, writer, former, hung);
                assertThat(lastAppointment(promoted)).startsWith("replaces " + former + " (" + AILMENT + ")");
                awaitAilment(promoted, former);
                assertThat(promoted.sql("select state from pg_replica.members() where node = '" + former + "'").single())
                        .as("its worker does not hang with it").isNotEqualTo("unreachable");

                disk.goOn();
                former.awaitStreaming(Cluster.WHOLE_LIMIT);
                cluster.awaitWhole();
                Checks.nothingAcknowledgedByBoth(writer, pinned.stop(), former, promoted);
                assertThat(writer.acknowledgedButMissingFrom(promoted)).as("lost by a handover").isEmpty();
                assertThat(Checks.dataFileIdentity(former)).as("not cloned").isEqualTo(files);

                awaitWell(promoted, former);
                hung = disk.hang();
                writer.awaitRowAfter(hung, node -> true, COMMITS_GO_ON_WITHIN);
                awaitAilment(promoted, former);
                writer.awaitRows(100);
                disk.goOn();
                finish(cluster, writer, promoted);
            }
        }
    }

    /**
     * Its worker waits for the disk with the first vote that it must remember. As a follower it holds up nobody, not
     * even an election.
     */
    @Test @Promise({P2, P3, P11, P13})
    void aStateDirectoryWhoseDiskHangs() throws IOException {
        try (var cluster = Quorums.of(3).create()) {
            var former = cluster.nodes().getFirst();
            try (var disk = FaultyDisk.under(former, former.files().state(), "64M")) {
                start(cluster, former);
                var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(50);
                var writer = cluster.startWriter().awaitRows(50);

                var promoted = awaitReplaced(cluster, writer, former, disk.hang());
                disk.goOn();
                former.awaitStreaming(Cluster.WHOLE_LIMIT);
                cluster.awaitWhole();
                Checks.nothingAcknowledgedByBoth(writer, pinned.stop(), former, promoted);
                assertThat(writer.acknowledgedButMissingFrom(promoted)).as("lost by a handover").isEmpty();

                awaitWell(promoted, former);
                writer.awaitRowAfter(disk.hang(), node -> true, COMMITS_GO_ON_WITHIN);
                awaitAilment(promoted, former);
                assertThat(cluster.awaitPrimary().name()).isEqualTo(promoted.name());
                // Whether the successor keeps leadership depends on what it has; either way there is an election.
                long term = term(promoted);
                promoted.sql("select pg_replica.failover()");
                Await.condition("an election without " + former, Cluster.PRIMARY_LIMIT, () -> term(promoted) > term,
                        cluster::describe);
                writer.awaitRowAfter(System.nanoTime(), node -> true, Cluster.PRIMARY_LIMIT);
                assertThat(term(former)).as("its worker waits for the disk").isEqualTo(term);
                var next = cluster.awaitPrimary();
                assertThat(next.name()).isNotEqualTo(former.name());
                disk.goOn();
                finish(cluster, writer, next);
                Await.condition(former + " has caught up", Cluster.PRIMARY_LIMIT, () -> term(former) == term(next),
                        cluster::describe);
            }
        }
    }

    /**
     * What is found first, the trial write or a commit that ends the server, depends on the moment. In both cases the
     * server ends, and it is the operator's to repair the disk and to start it.
     */
    @Test @Promise({P3, P11, P13})
    void aDataDirectoryThatTurnsReadOnly() throws IOException {
        try (var cluster = Quorums.of(3).create()) {
            var former = cluster.nodes().getFirst();
            try (var disk = FaultyDisk.under(former, former.files().data(), "1G")) {
                start(cluster, former);
                var files = Checks.dataFileIdentity(former);
                var writer = cluster.startWriter().awaitRows(50);
                long mark = former.logMark();

                var promoted = awaitReplaced(cluster, writer, former, disk.turnReadOnly());
                Await.condition(former + " has ended", Cluster.PRIMARY_LIMIT,
                        () -> former.life() == NodeStatus.Life.DOWN, former::describe);
                assertThat(former.logSince(mark)).contains("Read-only file system");
                if (former.logSince(mark).contains("rule 27: ")) awaitAilment(promoted, former);

                disk.repair();
                former.start();
                former.awaitStreaming(Cluster.WHOLE_LIMIT);
                assertThat(Checks.dataFileIdentity(former)).as("not cloned").isEqualTo(files);
                finish(cluster, writer, promoted);
            }
        }
    }

    private static void start(Cluster cluster, Node founder) {
        cluster.startAll();
        cluster.awaitWhole();
        cluster.prepareLedger();
        assertThat(cluster.awaitPrimary().name()).isEqualTo(founder.name());
    }

    private static Node awaitReplaced(Cluster cluster, Writer writer, Node former, long faultNanos) {
        var promoted = cluster.awaitPrimaryOtherThan(former);
        writer.awaitRowAfter(faultNanos, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
        long first = writer.firstBy(promoted).orElseThrow().nanos() - faultNanos;
        assertThat(Duration.ofNanos(first)).as("first commit of " + promoted).isLessThan(REPLACED_WITHIN);
        return promoted;
    }

    private static long term(Node node) {
        return node.status().extension().map(ReplicaStatus::term).orElse(0L);
    }

    private static String lastAppointment(Node seenBy) {
        return seenBy.sql("select reason from pg_replica.history() order by term desc limit 1").single();
    }

    /** Another node says what is wrong, also while this one is not heard. */
    private static void awaitAilment(Node seenBy, Node sick) {
        awaitReason(seenBy, sick, "reason like '%" + AILMENT + "'");
    }

    private static void awaitWell(Node seenBy, Node node) {
        awaitReason(seenBy, node, "reason is null");
    }

    private static void awaitReason(Node seenBy, Node node, String condition) {
        var query = "select from pg_replica.members() where node = '" + node + "' and " + condition;
        Await.condition(seenBy + " says of " + node + ": " + condition, REPLACED_WITHIN,
                () -> !seenBy.sql(query).values().isEmpty(), seenBy::describe);
    }

    private static void finish(Cluster cluster, Writer writer, Node primary) {
        cluster.awaitWhole();
        writer.awaitRows(20).stop();
        assertThat(cluster.awaitPrimary().name()).isEqualTo(primary.name());
        assertThat(writer.acknowledgedButMissingFrom(primary)).isEmpty();
        Checks.allNodesIdentical(cluster);
    }
}
