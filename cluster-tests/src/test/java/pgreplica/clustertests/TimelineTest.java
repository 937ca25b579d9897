package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P5;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.TreeMap;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;

/** Each promotion has a timeline of its own, and all nodes tell the same story of it. */
@Tag("cluster")
class TimelineTest {
    @Test @Promise({P5, P7}) @Timeout(300)
    void noTwoPromotionsShareATimeline() throws IOException {
        try (var cluster = Cluster.of(3).start()) {
            var timelines = new ArrayList<Integer>();
            timelines.add(timeline(cluster.awaitPrimary()));
            for (int round = 0; round < 6; round++) {
                cluster.startWriter().awaitRows(10).stop();
                var former = cluster.awaitPrimary();
                former.kill();
                var promoted = cluster.awaitPrimaryOtherThan(former);
                timelines.add(timeline(promoted));
                // In turns at once and when the others have settled.
                former.start();
                if (round % 2 == 0) former.awaitStreaming(Cluster.WHOLE_LIMIT);
            }
            cluster.awaitWhole();
            assertThat(timelines).doesNotHaveDuplicates().isSorted();
            assertHistoriesAgree(cluster);
        }
    }

    private static void assertHistoriesAgree(Cluster cluster) throws IOException {
        var known = new TreeMap<String, String>();
        for (var node : cluster.nodes()) {
            try (var files = Files.list(node.files().data().resolve("pg_wal"))) {
                for (var file : files.filter(path -> path.toString().endsWith(".history")).toList()) {
                    var name = file.getFileName().toString();
                    // The reason in the last column is worded by whoever was promoted; number and LSN are facts.
                    var text = Files.readString(file).replaceAll("(?m)^(\\d+\\t\\S+)\\t.*$", "$1").strip();
                    assertThat(known.computeIfAbsent(name, key -> text)).as(name + " on " + node).isEqualTo(text);
                }
            }
        }
        assertThat(known).isNotEmpty();
    }

    private static int timeline(Node node) {
        return node.status().server().orElseThrow().timeline();
    }
}
