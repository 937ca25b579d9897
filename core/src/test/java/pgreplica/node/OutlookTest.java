package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** What a leader sees of the others, by what it then decides (P4). */
class OutlookTest {
    private static final int LAG = 1000;
    private final SmallCluster cluster = SmallCluster.founded(3);

    private void configure(String node, int priority, long maxFailoverLag) {
        cluster.inside(node, turn -> {
            var had = turn.settings;
            turn.settings = new Settings(had.self(), had.listed(), had.electionTimeoutMillis(), priority,
                    had.crashRestartGraceMillis(), maxFailoverLag, had.sync(), had.witness(), had.version(), had.collation(),
                    had.preStart(), had.wallClockOffsetMillis());
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
}
