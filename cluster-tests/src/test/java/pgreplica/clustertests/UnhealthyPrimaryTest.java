package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P13;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.run.Account;

/** A primary that runs, and cannot do what a primary is for, hands over while it still can. */
@Tag("cluster")
@Timeout(180)
class UnhealthyPrimaryTest {
    private static final String RULE = "rule 27: ";

    /** Its sessions go on and its standbys stream, but nobody can connect any more. */
    @Test @Promise({P11, P13})
    void aPrimaryWhosePostmasterIsStoppedHandsOver() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(former);
            var writer = cluster.startWriter().awaitRows(50);
            long mark = former.logMark();

            long stopped = System.nanoTime();
            former.signalPostmaster("STOP");
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(stopped, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            assertThat(former.logSince(mark)).contains(RULE).contains("it lets no new session in");

            former.signalPostmaster("CONT");
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(promoted)).as("lost by a handover").isEmpty();
            assertThat(former.logSince(mark)).as("it had nothing that the new primary had not")
                    .doesNotContain("rewinding to");
            assertThat(Checks.dataFileIdentity(former)).as("not cloned").isEqualTo(files);
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Commits still fit into the segments that are there, and the server would end with the first that does not. */
    @Test @Promise({P11, P13})
    void aPrimaryWhoseWalDiskIsFullHandsOverBeforeItEnds() throws IOException {
        assumeTrue(Account.isRoot(), "mounting needs root");
        try (var cluster = Cluster.of(3).create()) {
            var founder = cluster.nodes().getFirst();
            try (var disk = SmallDisk.underWal(founder)) {
                cluster.startAll();
                cluster.awaitWhole();
                cluster.prepareLedger();
                var former = cluster.awaitPrimary();
                assertThat(former.name()).isEqualTo(founder.name());
                var writer = cluster.startWriter().awaitRows(50);
                long mark = former.logMark();

                long full = System.nanoTime();
                disk.fill();
                var promoted = cluster.awaitPrimaryOtherThan(former);
                writer.awaitRowAfter(full, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
                assertThat(former.logSince(mark)).contains(RULE).contains("its disk does not take writes");
                assertThat(writer.acknowledgedButMissingFrom(promoted)).as("lost by a handover").isEmpty();

                disk.free();
                if (former.life() == NodeStatus.Life.DOWN) former.start();
                former.awaitStreaming(Cluster.WHOLE_LIMIT);
                cluster.awaitWhole();
                writer.awaitRows(20).stop();
                Checks.allNodesIdentical(cluster);
            }
        }
    }
}
