package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P5;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.TreeMap;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;

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

    /**
     * Whoever is promoted first disappears with its timeline before anyone learns that it was promoted. Whoever comes
     * next takes another number, and the first one's WAL, which is on no other node, is rewound.
     */
    @Test @Promise({P5, P7}) @Timeout(300) @Tag("essential")
    void aPromotionNobodyHeardOfKeepsItsTimelineForItself() throws IOException {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Cluster.of(3).namespaces().start()) {
            var founder = cluster.awaitPrimary();
            cluster.startWriter().awaitRows(20).stop();
            var survivors = cluster.others(founder);
            var marks = new TreeMap<String, Long>();
            survivors.forEach(node -> marks.put(node.name(), node.logMark()));
            founder.kill();
            var first = Await.value("a survivor promotes itself", Cluster.PRIMARY_LIMIT, () -> survivors.stream()
                    .filter(node -> node.logSince(marks.get(node.name())).contains("rule 60:")).findFirst(),
                    cluster::describe);
            cluster.isolateCompletely(first);
            var files = Checks.dataFileIdentity(first);

            founder.start();
            var second = Await.value("another primary", Cluster.PRIMARY_LIMIT, () -> cluster.others(first).stream()
                    .filter(Node::isWritable).findFirst(), cluster::describe);
            Await.condition(first + " was promoted", Cluster.PRIMARY_LIMIT,
                    () -> first.sql("select pg_is_in_recovery()").single().equals("f"), cluster::describe);
            assertThat(timeline(second)).as("the second promotion's timeline").isNotEqualTo(timeline(first));
            assertThat(cluster.writableNodes()).as("who accepts writes").hasSize(1);

            cluster.heal();
            first.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            assertThat(Checks.dataFileIdentity(first)).as("rewound, not cloned").isEqualTo(files);
            assertThat(first.logSince(marks.get(first.name()))).contains("rewinding to " + second);
            assertHistoriesAgree(cluster);
            Checks.allNodesIdentical(cluster);
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
