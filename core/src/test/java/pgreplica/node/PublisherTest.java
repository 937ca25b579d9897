package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is published only when it changes is what it should be all the same, on every node. */
class PublisherTest {
    private static List<List<String>> table(SmallCluster cluster, String node, String name) {
        var page = cluster.last(node, Action.Publish.class, publish -> publish.page() == Action.Page.SETTLED).orElseThrow();
        return page.tables().stream().filter(table -> table.name().equals(name)).findFirst().orElseThrow().rows();
    }

    @Test void everyNodeShowsTheLastAppointmentWithItsFork() {
        var cluster = new SmallCluster(3);
        cluster.run(8000);
        for (int i = 0; i < 3; i++) {
            var primary = cluster.open().orElseThrow().name();
            cluster.kill(primary);
            cluster.run(4000);
            cluster.start(primary);
            cluster.run(4000);
            var latest = cluster.member("n1").state.cluster().latest().orElseThrow();
            for (var node : List.of("n1", "n2", "n3")) {
                assertThat(table(cluster, node, "history").getLast()).as(node)
                        .contains(latest.timeline().toString(), latest.fork().orElseThrow().toString());
            }
        }
    }

    @Test void onlyTheLeaderMarksTheRuleThatDecides() {
        var cluster = new SmallCluster(3);
        cluster.run(8000);
        var primary = cluster.open().orElseThrow().name();
        for (var node : List.of("n1", "n2", "n3")) {
            var current = table(cluster, node, "rules").stream().filter(row -> row.getLast().equals("true")).toList();
            if (node.equals(primary)) assertThat(current).singleElement().satisfies(row -> assertThat(row.getFirst()).isEqualTo("30"));
            else assertThat(current).isEmpty();
        }
    }

    /** Nothing is said again while nothing changes, but that the node lives. */
    @Test void whatIsSettledIsPublishedOnce() {
        var cluster = new SmallCluster(3);
        cluster.run(8000);
        cluster.done.clear();
        cluster.run(5000);
        var pages = cluster.done.stream().map(SmallCluster.Done::action).filter(Action.Publish.class::isInstance)
                .map(action -> ((Action.Publish) action).page()).toList();
        assertThat(pages).contains(Action.Page.MOVING).doesNotContain(Action.Page.SETTLED);
    }
}
