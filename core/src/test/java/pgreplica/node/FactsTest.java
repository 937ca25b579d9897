package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.Gate;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;

/** What makes this node tell others, and SQL, anew. */
class FactsTest {
    private final SmallCluster cluster = SmallCluster.founded(3);

    private boolean change(Consumer<Turn> what) {
        var turn = new Turn(cluster.member("n1").state, cluster.now);
        what.accept(turn);
        return turn.factsChanged();
    }

    @Test void timeAloneChangesNothing() {
        assertThat(change(turn -> {})).isFalse();
        assertThat(change(turn -> turn.told.publishedAtMillis++)).isFalse();
    }

    @Test void eachFactCounts() {
        var cluster2 = new SmallCluster(3);
        Map<String, Consumer<Turn>> changes = Map.ofEntries(
                Map.entry("settings", turn -> turn.settings = turn.settings.with(SyncWish.OFF, true)),
                Map.entry("server", turn -> turn.observed = Observation.NOTHING),
                Map.entry("gate", turn -> turn.gate = Gate.CLOSED.closing(turn.term())),
                Map.entry("errand", turn -> turn.errand = Errand.restart(Event.Work.NONE, turn.now)),
                Map.entry("decisions", turn -> turn.cluster = ClusterState.EMPTY),
                Map.entry("data", turn -> turn.instance = InstanceRecord.EMPTY),
                Map.entry("hold", turn -> turn.hold = "for a test"),
                Map.entry("term and leader", turn -> turn.raft = cluster2.member("n1").state.raft()),
                Map.entry("rule", turn -> turn.leadership.rule++),
                Map.entry("what the rule waits for", turn -> turn.leadership.ruleText = "for a test"),
                Map.entry("fence", turn -> turn.told.leaseWhy = "for a test"));
        changes.forEach((name, what) -> assertThat(change(what)).as(name).isTrue());
    }

    @Test void theWallClockIsTheHostsPlusItsOffset() {
        change(turn -> {
            turn.settings = SmallCluster.like(turn.settings, 100, -1, false, 7000);
            assertThat(turn.wallClockMillis()).isEqualTo(cluster.now + 7000);
        });
    }

    @Test void aNodeIsFoundInTheList() {
        var settings = cluster.member("n1").state.settings();
        var n2 = settings.listed().get(1);
        assertThat(settings.listedNode(n2.node())).contains(n2);
        assertThat(settings.listedNode(new pgreplica.base.NodeId("n9"))).isEmpty();
    }

    /** What an operator allowed, and what was begun, was of the old term. */
    @Test void aNewTermBeginsWithNothingOfTheOldOne() {
        var later = SmallCluster.founded(3);
        later.kill("n1");
        later.run(4000);
        var follower = later.member(later.open().orElseThrow().name().equals("n2") ? "n3" : "n2").state;
        change(turn -> {
            turn.leadership.lossAllowed = true;
            turn.leadership.appointing = true;
            turn.leadership.summoned = true;
            turn.raft = follower.raft();
            Leading.tend(turn);
            assertThat(turn.leadership.term).isEqualTo(follower.raft().term());
            assertThat(turn.leadership.lossAllowed).isFalse();
            assertThat(turn.leadership.appointing).isFalse();
            assertThat(turn.leadership.summoned).isFalse();
            assertThat(turn.leadership.rule).isZero();
        });
    }
}
