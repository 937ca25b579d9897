package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Exec;

/** A node that has gone its own way comes back: by rewind if possible, by clone if not, and never by losing its data first. */
@Tag("cluster")
@Timeout(300)
class RejoinTest {
    @Test @Promise({P7, P11}) @Tag("essential")
    void aDivergedPrimaryIsRewound() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(former);
            Checks.commitUnreplicated(former, 20);
            former.kill();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            cluster.startWriter().awaitRows(50).stop();

            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.sql("app", "select to_regclass('unreplicated')").single())
                    .as("what nobody else had").isNull();
            assertThat(Checks.dataFileIdentity(former)).as("rewound, not cloned").isEqualTo(files);
            assertThat(cluster.awaitPrimary().name()).isEqualTo(promoted.name());
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** The WAL before its last checkpoint is gone, and pg_rewind needs it back to the checkpoint before the fork. */
    @Test @Promise({P7, P11})
    void withoutTheWalForARewindItIsCloned() throws IOException {
        try (var cluster = Cluster.of(3).set("wal_keep_size", "0").start()) {
            var former = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(former);
            Checks.divergeTooFarForARewind(former);
            cluster.awaitPrimaryOtherThan(former);

            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(Checks.dataFileIdentity(former)).as("cloned").isNotEqualTo(files);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** A node whose data directory was replaced by a fresh one clones the cluster's data. */
    @Test @Promise({P7, P11}) @Tag("essential")
    void aWipedNodeClones() {
        try (var cluster = Cluster.of(3).start()) {
            var standby = cluster.others(cluster.awaitPrimary()).getFirst();
            standby.stop();
            standby.wipeData();
            standby.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            standby.stop();
            standby.wipeState();
            standby.wipeData();
            standby.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Whether that happens before, during or just after its copy. */
    @Test @Promise({P7, P11})
    void aCloneWhoseSourceIsLostIsMadeFromTheNextPrimary() {
        try (var cluster = Cluster.of(3).start()) {
            var source = cluster.awaitPrimary();
            source.sql("app", "create table bulk as select i, repeat('x', 200) from generate_series(1, 200000) i");
            var standbys = cluster.others(source);
            var wiped = standbys.getFirst();
            Checks.awaitReceived(standbys.getLast(), source);
            wiped.stop();
            wiped.wipeData();
            long mark = wiped.logMark();
            wiped.start().awaitLog("pg_replica clones this node from node \"" + source + "\"", mark, Cluster.WHOLE_LIMIT);
            source.kill();
            cluster.awaitPrimaryOtherThan(source);
            wiped.awaitStreaming(Cluster.WHOLE_LIMIT);
            source.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    @Test @Promise({P7, P8, P11}) @Tag("slow")
    void aCloneThatIsKilledAtAnyMomentIsTriedAgainAndTheOldDataIsThereMeanwhile() throws IOException {
        try (var cluster = Cluster.of(3).set("wal_keep_size", "0").start()) {
            var former = cluster.awaitPrimary();
            former.sql("app", "create table bulk as select i, repeat('x', 200) from generate_series(1, 600000) i");
            cluster.others(former).forEach(standby -> Checks.awaitReceived(standby, former));
            Checks.divergeTooFarForARewind(former);
            cluster.awaitPrimaryOtherThan(former);

            long seed = System.currentTimeMillis();
            var random = new Random(seed);
            for (int attempt = 0; attempt < 8; attempt++) {
                long until = System.nanoTime() + random.nextLong(100, 2500) * 1_000_000;
                former.start();
                Await.condition("the moment of the kill", Cluster.PRIMARY_LIMIT, () -> System.nanoTime() >= until, () -> "");
                former.kill();
                assertThat(completeDataDirectories(cluster, former)).as("complete data directories, seed " + seed).isNotEmpty();
            }
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Directories below the node's home whose control file is valid and that hold the big table. */
    private static List<Path> completeDataDirectories(Cluster cluster, Node node) throws IOException {
        var install = cluster.blueprint().install();
        try (var paths = Files.walk(node.files().home(), 4)) {
            return paths.filter(path -> path.endsWith("global/pg_control")).map(path -> path.getParent().getParent())
                    .filter(data -> Exec.attempt(install.command("pg_controldata", "-D", data.toString())).ok())
                    .filter(data -> sizeOf(data) > 100_000_000).toList();
        }
    }

    private static long sizeOf(Path directory) {
        try (var files = Files.walk(directory.resolve("base"))) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        } catch (IOException failure) {
            return 0;
        }
    }
}
