package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;

import pgreplica.harness.Acknowledgement;
import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Fidelity;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;

/** What many tests ask in the same way. */
final class Checks {
    /** The lease with default settings. */
    static final Duration LEASE = Duration.ofMillis(800);
    /** From the heartbeat that was sent last to the fault at most 100 ms, and a machine that does other things too. */
    static final Duration TOLERANCE = Duration.ofMillis(400);

    private Checks() {}

    /** P2: from the first commit of the new primary on, the old one acknowledged nothing. */
    static void nothingAcknowledgedByBoth(Writer witness, Writer pinned, Node former, Node promoted) {
        long opened = witness.firstBy(promoted).orElseThrow().nanos();
        assertThat(pinned.acknowledgedBy(former, opened)).as("late acknowledgements of " + former).isEmpty();
        assertThat(witness.acknowledgedBy(former, opened)).as("late acknowledgements of " + former).isEmpty();
    }

    /** The old primary's last acknowledgement came within its lease. */
    static void acknowledgedNothingAfterTheLease(Writer pinned, Node former, long faultNanos) {
        var late = pinned.acknowledgedBy(former, faultNanos + LEASE.plus(TOLERANCE).toNanos()).stream()
                .map(row -> row + ", " + (row.nanos() - faultNanos) / 1_000_000 + " ms after the fault").toList();
        assertThat(late).as("acknowledged by " + former + " after its lease").isEmpty();
    }

    /**
     * P4: what is missing from the new primary had not reached any survivor, which can only be true of the last
     * moments before the old one was cut off from them.
     */
    static void lossIsConfinedTo(List<Acknowledgement> missing, Node former, long fromNanos) {
        assertThat(missing).allSatisfy(row -> {
            assertThat(row.node()).isEqualTo(former.name());
            assertThat(row.nanos()).as("acknowledged before the last moments: " + row).isGreaterThan(fromNanos);
        });
    }

    /** Between two acknowledgements, whoever gave them. */
    static double longestSilenceMillis(List<Acknowledgement> acknowledged) {
        var times = acknowledged.stream().map(Acknowledgement::nanos).sorted(Comparator.naturalOrder()).toList();
        double longest = 0;
        for (int i = 1; i < times.size(); i++) longest = Math.max(longest, (times.get(i) - times.get(i - 1)) / 1e6);
        return longest;
    }

    static void allNodesIdentical(Cluster cluster) {
        var primary = cluster.awaitPrimary();
        for (var standby : cluster.others(primary)) {
            assertThat(Fidelity.differences(primary, standby)).as(standby + " against " + primary).isEmpty();
        }
    }

    /** A clone writes new files, a rewind writes into those that are there. */
    static Object dataFileIdentity(Node node) {
        try {
            return Files.getAttribute(node.files().data().resolve("base/1/1255"), "unix:ino");
        } catch (IOException failure) {
            throw new AssertionError("no data directory in " + node.files().data(), failure);
        }
    }

    static void awaitReceived(Node standby, Node primary) {
        var position = primary.sql("select pg_current_wal_flush_lsn()").single();
        Await.condition(standby + " has received " + position, Duration.ofSeconds(30),
                () -> standby.sql("select coalesce(pg_last_wal_receive_lsn() >= '" + position + "'::pg_lsn, false)")
                        .single().equals("t"),
                () -> primary.describe() + standby.describe());
    }

    /** Commits on the primary that no standby receives: its walsenders are frozen, so the clients alone know of them. */
    static void commitUnreplicated(Node primary, int rows) {
        primary.freezeTitled("walsender");
        primary.sql("app", "create table if not exists unreplicated (i int)");
        for (int i = 0; i < rows; i++) primary.sql("app", "insert into unreplicated values (" + i + ")");
    }

    /**
     * Killed after commits that nobody else has, three of them after its last checkpoint, without the WAL that pg_rewind
     * reads back to the checkpoint before all of them.
     * Its cluster has a wal_keep_size of 0.
     */
    static void divergeTooFarForARewind(Node primary) throws IOException {
        commitUnreplicated(primary, 5);
        primary.sql("checkpoint");
        primary.sql("select pg_switch_wal()");
        primary.sql("checkpoint");
        for (int i = 0; i < 3; i++) primary.sql("app", "insert into unreplicated values (" + i + ")");
        var needed = primary.sql("select pg_walfile_name(redo_lsn) from pg_control_checkpoint()").single();
        primary.kill();
        removeSegmentsBefore(primary, needed);
    }

    private static void removeSegmentsBefore(Node node, String needed) throws IOException {
        try (var segments = Files.list(node.files().data().resolve("pg_wal"))) {
            for (var segment : segments.toList()) {
                var name = segment.getFileName().toString();
                if (name.matches("[0-9A-F]{24}") && name.compareTo(needed) < 0) Files.delete(segment);
            }
        }
    }
}
