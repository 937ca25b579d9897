package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.instance.Observation;

/** A primary whose synchronous standbys cannot stream from it gives its place to another, more and more slowly (B9). */
class ReliefTest {
    private static final NodeId N1 = new NodeId("n1");
    private final SmallCluster cluster = new SmallCluster(3, node -> 3, new SyncWish(SyncWish.Mode.QUORUM, 1));

    private int appointments() {
        return (int) cluster.members.values().stream().mapToLong(member -> member.state.cluster().appointments().size()).max()
                .orElse(0);
    }

    private void foundAndServeFor(long millis) {
        // Only how long it was counts, not when.
        for (var node : cluster.members.keySet()) {
            cluster.inside(node.name(), turn -> turn.settings = SmallCluster.like(turn.settings, 100, -1, false, 1_700_000_000_000L));
        }
        cluster.run(8000);
        assertThat(cluster.open()).contains(N1);
        cluster.run(millis);
        assertThat(appointments()).isEqualTo(1);
    }

    private void nobodyConfirmsAnything() {
        cluster.members.values().forEach(member -> member.confirms = flushed -> new Lsn(1));
        cluster.member("n1").end = new Lsn(0x3000000);
    }

    @Test void thePatienceIsTwiceTheTimeThatTheFormerPrimaryHad() {
        foundAndServeFor(10_000);
        nobodyConfirmsAnything();
        cluster.run(9000);
        assertThat(appointments()).as("ten election timeouts have not passed").isEqualTo(1);
        cluster.run(4000);
        assertThat(appointments()).as(() -> String.join("\n", cluster.log)).isEqualTo(2);
        cluster.run(40_000);
        assertThat(appointments()).as("the first had half a minute, so the second has a whole one").isEqualTo(2);
        cluster.run(25_000);
        assertThat(appointments()).as(() -> String.join("\n", cluster.log)).isEqualTo(3);
    }

    @Test void whoServedForLongIsNoReasonToWaitForLonger() {
        foundAndServeFor(0);
        cluster.now += 700_000;
        cluster.run(5000);
        assertThat(cluster.open()).contains(N1);
        nobodyConfirmsAnything();
        cluster.run(13_000);
        assertThat(appointments()).isEqualTo(2);
        cluster.run(14_000);
        assertThat(appointments()).as(() -> String.join("\n", cluster.log)).isEqualTo(3);
    }

    /** However long the primary was without it. */
    @Test void whoHasJustComeBackGetsAsLongToStreamAsAnyOther() {
        foundAndServeFor(0);
        cluster.member("n3").flags = new Observation.Flags(false, false, true, false, false, false);
        cluster.kill("n2");
        nobodyConfirmsAnything();
        cluster.run(60_000);
        assertThat(appointments()).as("n3 could not take over").isEqualTo(1);
        cluster.start("n2");
        cluster.run(9000);
        assertThat(cluster.log).noneMatch(line -> line.contains("rule 28"));
        cluster.run(4000);
        assertThat(cluster.log).anyMatch(line -> line.contains("rule 28"));
    }

    /** Rule 85 is for members that are ahead; without one leadership would go round in circles. */
    @Test void whereReportsAreMissingAndNobodyIsAheadNobodyIsAskedToLead() {
        var five = new SmallCluster(5, node -> 5, new SyncWish(SyncWish.Mode.QUORUM, 2));
        five.run(12_000);
        assertThat(five.open()).contains(N1);
        five.member("n3").flags = new Observation.Flags(false, false, true, false, false, false);
        five.run(1000);
        five.log.clear();
        five.kill("n1");
        five.kill("n2");
        five.run(5000);
        assertThat(five.open()).isEmpty();
        assertThat(five.log).anyMatch(line -> line.contains("rule 90"))
                .as("n3 cannot be primary, so it may ask another; that one asks nobody")
                .noneMatch(line -> line.contains("rule 85") && !line.contains("node n3]"));
    }
}
