package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;

import java.util.ArrayList;
import java.util.Comparator;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Acknowledgement;
import pgreplica.harness.Cluster;

/** An operator restarts every node in turn, the primary last, while clients write. */
@Tag("cluster")
class RollingRestartTest {
    private static final double LONGEST_SILENCE_MILLIS = 10_000;

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
            assertThat(longestSilence(writer.acknowledged())).isLessThan(LONGEST_SILENCE_MILLIS);
            Checks.allNodesIdentical(cluster);
        }
    }

    private static double longestSilence(java.util.List<Acknowledgement> acknowledged) {
        var times = acknowledged.stream().map(Acknowledgement::nanos).sorted(Comparator.naturalOrder()).toList();
        double longest = 0;
        for (int i = 1; i < times.size(); i++) longest = Math.max(longest, (times.get(i) - times.get(i - 1)) / 1e6);
        return longest;
    }
}
