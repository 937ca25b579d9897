package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** When writes are possible, until when, and what refused clients are told. Guards P2. */
class FenceTest {
    private static final NodeId N1 = new NodeId("n1");

    private static List<Action.SetLease> leases(SmallCluster cluster, String node) {
        return cluster.done.stream().filter(one -> one.node().name().equals(node)).map(SmallCluster.Done::action)
                .filter(Action.SetLease.class::isInstance).map(Action.SetLease.class::cast).toList();
    }

    private static List<String> refusals(SmallCluster cluster, String node) {
        return leases(cluster, node).stream().filter(lease -> lease.untilMillis() == 0).map(Action.SetLease::why)
                .distinct().toList();
    }

    /** Every word on the way to the first write, in order. */
    @Test void aNewPrimarySaysWhatIsStillMissing() {
        var cluster = new SmallCluster(3, node -> 3, new SyncWish(SyncWish.Mode.QUORUM, 1));
        cluster.run(8000);
        cluster.done.clear();
        cluster.members.values().forEach(member -> member.keepsSyncSetting = true);
        cluster.members.values().forEach(member -> member.syncSetting = "");
        cluster.members.values().forEach(member -> member.confirms = flushed -> new Lsn(1));
        cluster.kill("n1");
        cluster.run(4000);
        var next = cluster.members.keySet().stream().filter(id -> cluster.members.get(id).state.raft().isLeader())
                .filter(id -> !id.equals(N1)).findFirst().orElseThrow().name();
        cluster.members.values().forEach(member -> member.confirms = flushed -> flushed);
        cluster.run(1000);
        cluster.members.values().forEach(member -> member.keepsSyncSetting = false);
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId(next));
        assertThat(refusals(cluster, next)).containsSubsequence(
                "another node may become primary",
                "this node leads, but is not a primary appointed for its timeline",
                "fewer than 1 synchronous standbys have received where this primary took over",
                "the timeline's beginning is not recorded by a majority yet",
                "synchronous_standby_names is not in force yet");
    }

    @Test void whoCannotReachAMajorityOpensNothingNew() {
        var cluster = SmallCluster.founded(3);
        cluster.loses = (from, sent) -> true;
        long left = cluster.member("n1").lease - cluster.now;
        assertThat(left).isBetween(500L, 800L);
        cluster.run(left - 10);
        assertThat(cluster.open()).contains(N1);
        cluster.run(20);
        assertThat(cluster.open()).isEmpty();
        cluster.run(2000);
        assertThat(cluster.open()).isEmpty();
        assertThat(refusals(cluster, "n1")).contains("no majority of the cluster answers");
        assertThat(refusals(cluster, "n1").getLast()).isEqualTo("this node is not the primary, and no leader is known");
        assertThat(cluster.log).filteredOn(line -> line.contains("n1] writes are refused here: ")).hasSize(1);
    }

    /** A5: it is elected long before, and its own Postgres is ready. */
    @Test void anEarlierLeaseIsSatOut() {
        var cluster = SmallCluster.founded(3);
        cluster.run(100);
        long lease = cluster.member("n1").lease;
        cluster.kill("n1");
        while (cluster.open().isEmpty() || cluster.open().get().equals(N1)) cluster.run(5);
        assertThat(cluster.now).isGreaterThanOrEqualTo(lease);
        var next = cluster.open().get().name();
        assertThat(refusals(cluster, next)).contains("an earlier primary's lease may still run");
        assertThat(cluster.log).anyMatch(line -> line.contains("node " + next + "] writes are accepted here on timeline 3"));
        assertThat(cluster.now - lease).as("and not much longer").isLessThan(200);
    }

    @Test void aLeaseIsRenewedWithEveryRound() {
        var cluster = SmallCluster.founded(3);
        cluster.run(2000);
        var untils = leases(cluster, "n1").stream().map(Action.SetLease::untilMillis).toList();
        assertThat(untils).isSorted().hasSizeBetween(9, 25);
        assertThat(untils.getLast()).isBetween(cluster.now + 500, cluster.now + 800);
        assertThat(leases(cluster, "n2")).as("nothing is said twice").isEmpty();
    }
}
