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

    private static List<Action.Publish> moving(SmallCluster cluster, String node) {
        return cluster.done.stream().filter(one -> one.node().name().equals(node)).map(SmallCluster.Done::action)
                .filter(Action.Publish.class::isInstance).map(Action.Publish.class::cast)
                .filter(publish -> publish.page() == Action.Page.MOVING).toList();
    }

    private static String fenced(SmallCluster cluster, String node) {
        var table = moving(cluster, node).getLast().tables().getFirst();
        return table.rows().getFirst().get(table.columns().indexOf("fenced"));
    }

    @Test void positionsArePublishedOnceAnElectionTimeout() {
        var cluster = SmallCluster.founded(3);
        cluster.run(10_000);
        for (var node : List.of("n1", "n2")) assertThat(moving(cluster, node)).hasSizeBetween(9, 11);
    }

    @Test void whatChangesIsPublishedAtOnce() {
        var cluster = SmallCluster.founded(3);
        cluster.run(2000);
        cluster.done.clear();
        cluster.kill("n1");
        cluster.run(10);
        assertThat(moving(cluster, "n2")).as("who is primary").isNotEmpty();
    }

    @Test void aPrimaryWithoutALeaseShowsItselfFenced() {
        var cluster = SmallCluster.founded(3);
        cluster.run(2000);
        assertThat(fenced(cluster, "n1")).isEqualTo("false");
        cluster.loses = (from, sent) -> true;
        cluster.run(2000);
        assertThat(fenced(cluster, "n1")).isEqualTo("true");
    }

    @Test void aWitnessSortsNothing() {
        var cluster = SmallCluster.founded(3);
        cluster.upgrade("n2", "libc 2.41");
        cluster.run(2000);
        assertThat(table(cluster, "n2", "checks").getFirst().get(2)).isEqualTo("false");
        assertThat(table(cluster, "n2", "checks").getFirst().getLast()).startsWith("Install the same libraries");
        cluster.give("n2", new Event.Configured(SyncWish.OFF, true));
        assertThat(table(cluster, "n2", "checks").getFirst().get(2)).isEqualTo("true");
        assertThat(table(cluster, "n2", "checks").getFirst().getLast()).startsWith("REINDEX");
        cluster.give("n2", new Event.Configured(SyncWish.OFF, false));
        cluster.inside("n2", turn -> {
            turn.settings = SmallCluster.asWitness(turn.settings);
            turn.told.settledKey = "";
            Publisher.tend(turn);
        });
        assertThat(table(cluster, "n2", "checks").getFirst().get(2)).isEqualTo("true");
    }
}
