package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Exec;

/** An operator restarts every node in turn, the primary last, while clients write. */
@Tag("cluster")
class RollingRestartTest {
    private static final double LONGEST_SILENCE_MILLIS = 10_000;
    private static final double LONGEST_HANDOVER_MILLIS = 3_000;

    @Test @Promise({P4, P11}) @Timeout(300)
    void everyNodeRestartedUnderLoadLosesNothing() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(100);
            var order = new ArrayList<>(cluster.others(primary));
            order.add(primary);
            for (var node : order) {
                node.restart();
                node.awaitAccepting(Cluster.WHOLE_LIMIT);
                cluster.awaitWhole();
                writer.awaitRows(50);
            }
            writer.stop();
            // A shutdown that is asked for sends all WAL to the standbys before it ends.
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            assertThat(Checks.longestSilenceMillis(writer.acknowledged())).isLessThan(LONGEST_SILENCE_MILLIS);
            Checks.allNodesIdentical(cluster);
        }
    }

    /** The README's recipe. Each server ends as one of the new programs, and none of them did before its turn. */
    @Test @Promise({P4, P11}) @Timeout(300)
    void aMinorUpgradeUnderLoadLosesNothing() throws IOException {
        try (var cluster = Cluster.of(3).configInside().create()) {
            cluster.nodes().forEach(node -> node.launchedBy(Habits.pgCtl(node)));
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            var primary = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(100);
            installAnew(primary);
            assertThat(cluster.nodes()).allMatch(RollingRestartTest::runsReplacedProgram);

            var recipes = Recipe.inReadme("Minor upgrades of PostgreSQL");
            assertThat(recipes).as("for a standby, and for the primary").hasSize(2);
            for (var standby : cluster.others(primary)) {
                recipes.getFirst().followOn(cluster, standby);
                assertThat(cluster.awaitPrimary().name()).as("it goes on").isEqualTo(primary.name());
                writer.awaitRows(20);
            }
            assertThat(cluster.nodes().stream().filter(RollingRestartTest::runsReplacedProgram)).containsExactly(primary);
            recipes.getLast().followOn(cluster, primary);

            assertThat(cluster.nodes()).noneMatch(RollingRestartTest::runsReplacedProgram);
            cluster.awaitWhole();
            writer.awaitRows(50).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            assertThat(Checks.longestSilenceMillis(writer.acknowledged())).isLessThan(LONGEST_HANDOVER_MILLIS);
            Checks.allNodesIdentical(cluster);
        }
    }

    /** The same version under the same names, as other files: what a package manager does to a running server. */
    private static void installAnew(Node node) {
        var programs = Path.of(node.program("postgres")).getParent();
        Exec.run(List.of("sh", "-c", "for program in " + programs + "/*; do cp -p $program $program.new && mv $program.new $program; "
                + "done"));
    }

    private static boolean runsReplacedProgram(Node node) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + node.postmaster().orElseThrow() + "/exe")).toString()
                    .endsWith(" (deleted)");
        } catch (IOException failure) {
            throw new AssertionError("what " + node + " executes is not known", failure);
        }
    }
}
