package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** What members() says about how far a standby is behind, and for how long (P4). */
class LagTest {
    private static final NodeId N1 = new NodeId("n1");

    private static String lagSeconds(SmallCluster cluster, NodeId seenBy, String of) {
        var table = Publisher.members(new Turn(cluster.members.get(seenBy).state, cluster.now));
        for (var row : table.rows()) {
            if (row.getFirst().equals(of)) return row.get(table.columns().indexOf("lag_seconds"));
        }
        throw new AssertionError("no row for " + of);
    }

    @Test void aStandbyIsBehindSinceItWasLastLevel() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        assertThat(lagSeconds(cluster, N1, "n2")).isEqualTo("0");

        cluster.members.get(new NodeId("n2")).stalled = true;
        cluster.members.get(N1).end = new Lsn(0x2000000);
        cluster.run(3000);
        assertThat(Double.parseDouble(lagSeconds(cluster, N1, "n2"))).isBetween(3.0, 3.7);
        assertThat(lagSeconds(cluster, N1, "n3")).as("the other one is level").isEqualTo("0");
        cluster.run(2000);
        assertThat(Double.parseDouble(lagSeconds(cluster, N1, "n2"))).isBetween(5.0, 5.7);

        cluster.members.get(new NodeId("n2")).stalled = false;
        cluster.run(1000);
        assertThat(lagSeconds(cluster, N1, "n2")).isEqualTo("0");
    }

    @Test void aStandbySaysTheSameOfItself() {
        var cluster = new SmallCluster(3);
        var n2 = new NodeId("n2");
        cluster.run(6000);
        assertThat(lagSeconds(cluster, n2, "n2")).isEqualTo("0");

        cluster.members.get(n2).stalled = true;
        cluster.members.get(N1).end = new Lsn(0x2000000);
        cluster.run(3000);
        assertThat(Double.parseDouble(lagSeconds(cluster, n2, "n2"))).isBetween(2.5, 3.7);
        assertThat(lagSeconds(cluster, n2, "n1")).as("nobody is behind itself").isEqualTo("0");

        cluster.members.get(n2).stalled = false;
        cluster.run(1000);
        assertThat(lagSeconds(cluster, n2, "n2")).isEqualTo("0");
    }

    @Test void aNodeThatNeverSawItLevelDoesNotGuess() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        cluster.members.get(new NodeId("n2")).stalled = true;
        cluster.members.get(N1).end = new Lsn(0x2000000);
        cluster.run(1000);
        cluster.kill("n3");
        cluster.start("n3");
        cluster.run(1000);
        assertThat(lagSeconds(cluster, new NodeId("n3"), "n2")).isEmpty();
    }
}
