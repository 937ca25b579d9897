package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.instance.Observation.Phase;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** What a leader sees of the others, by what it then decides (P4). */
class OutlookTest {
    private static final int LAG = 1000;
    private final SmallCluster cluster = SmallCluster.founded(3);

    private void configure(String node, int priority, long maxFailoverLag) {
        cluster.inside(node, turn -> {
            turn.settings = SmallCluster.like(turn.settings, priority, maxFailoverLag, false, 0);
        });
    }

    private void leaveBehind(String... nodes) {
        for (var node : nodes) cluster.member(node).stalled = true;
        cluster.member("n1").end = new Lsn(cluster.member("n1").end.value() + LAG);
        cluster.run(1000);
    }

    private String primaryWithoutN1() {
        cluster.kill("n1");
        cluster.run(6000);
        return cluster.open().map(NodeId::name).orElse("none");
    }

    @Test void asMuchAsMaxFailoverLagMayBeLost() {
        for (var node : List.of("n2", "n3")) configure(node, 100, LAG);
        leaveBehind("n2", "n3");
        assertThat(primaryWithoutN1()).as(() -> String.join("\n", cluster.log)).isNotEqualTo("none");
        assertThat(cluster.log).anyMatch(line -> line.contains(LAG + " bytes of WAL known of n1 are given up"));
    }

    @Test void andNoMore() {
        for (var node : List.of("n2", "n3")) configure(node, 100, LAG - 1);
        leaveBehind("n2", "n3");
        assertThat(primaryWithoutN1()).isEqualTo("none");
        assertThat(cluster.log).anyMatch(line -> line.contains("rule 130") && line.endsWith("(" + LAG + " bytes)"));
    }

    @Test void whoHasEverythingGivesNothingUp() {
        for (var node : List.of("n2", "n3")) configure(node, 100, 0);
        assertThat(primaryWithoutN1()).as(() -> String.join("\n", cluster.log)).isNotEqualTo("none");
        assertThat(cluster.log).anyMatch(line -> line.contains("no WAL known of n1 is given up"));
    }

    @Test void amongEqualsTheHigherPriorityIsPrimary() {
        configure("n3", 101, -1);
        cluster.run(1000);
        assertThat(primaryWithoutN1()).isEqualTo("n3");
    }

    @Test void moreWalGoesBeforePriority() {
        configure("n3", 101, -1);
        leaveBehind("n3");
        assertThat(primaryWithoutN1()).isEqualTo("n2");
    }

    @Test void priorityZeroIsNeverPrimaryWhateverItHas() {
        configure("n3", 0, -1);
        leaveBehind("n2");
        assertThat(primaryWithoutN1()).isEqualTo("n2");
        assertThat(cluster.log).as("it is not even asked to lead").noneMatch(line -> line.contains("handing leadership to n3"));
    }

    @Test void aPromotionThatDoesNotEndIsLeftToAnother() {
        configure("n2", 101, -1);
        cluster.run(1000);
        cluster.member("n2").ignores = Action.Promote.class::isInstance;
        assertThat(primaryWithoutN1()).isEqualTo("none");
        assertThat(cluster.last("n2", Action.Promote.class)).isPresent();
        cluster.run(23_000);
        assertThat(cluster.open()).isEmpty();
        cluster.run(10_000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId("n3"));
    }

    private Outlook outlook(String node, java.util.function.Consumer<Turn> change) {
        var turn = new Turn(cluster.member(node).state, cluster.now);
        change.accept(turn);
        return new Outlook(turn);
    }

    @Test void whatKeepsANodeFromBeingPrimaryIsSaid() {
        cluster.run(1000);
        assertThat(outlook("n2", turn -> {}).selfObstacle()).isEmpty();
        assertThat(outlook("n2", turn -> turn.errand = Errand.restart(Event.Work.NONE, turn.now)).selfObstacle())
                .isEqualTo("its Postgres is being restarted");
        assertThat(outlook("n2", turn -> {
            var had = turn.settings;
            turn.settings = new Settings(had.self(), had.listed(), had.electionTimeoutMillis(), had.priority(),
                    had.crashRestartGraceMillis(), had.maxFailoverLagBytes(), had.sync(), had.witness(), had.version(),
                    had.collation(), true, 0);
        }).selfObstacle()).isEqualTo("Postgres is down here for a rewind or clone");
    }

    /** The timeline that a promotion leaves is known to all, also if nobody could record it in time (P7). */
    @Test void aForkThatNobodyHeardOfIsRecordedBeforeTheNextPromotion() {
        cluster.run(1000);
        cluster.kill("n1");
        while (cluster.member("n2").phase != Phase.PRIMARY && cluster.member("n3").phase != Phase.PRIMARY) cluster.run(5);
        var promoted = cluster.member("n2").phase == Phase.PRIMARY ? "n2" : "n3";
        cluster.loses = (from, sent) -> true;
        cluster.run(3000);
        var third = cluster.member(promoted).timeline;
        assertThat(cluster.member(promoted).state.cluster().appointmentOf(third).orElseThrow().fork()).isEmpty();
        cluster.loses = (from, sent) -> false;
        cluster.start(promoted);
        cluster.run(5000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId(promoted));
        assertThat(cluster.member(promoted).timeline).isNotEqualTo(third);
        assertThat(cluster.member(promoted).state.cluster().appointmentOf(third).orElseThrow().fork()).isPresent();
    }

    @Test void aLimitOfZeroAllowsNothingToBeLost() {
        for (var node : List.of("n2", "n3")) configure(node, 100, 0);
        leaveBehind("n2", "n3");
        assertThat(primaryWithoutN1()).isEqualTo("none");
    }
}
