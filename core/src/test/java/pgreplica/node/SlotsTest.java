package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** Every data node keeps WAL for every other, so that whoever becomes primary has what they need (lesson 36). */
class SlotsTest {
    private final SmallCluster cluster = SmallCluster.founded(3);

    private List<Action.Slot> slots(String node) {
        return cluster.last(node, Action.EnsureSlots.class).orElseThrow().slots();
    }

    @Test void aStandbysSlotsStandWhereTheOthersAre() {
        cluster.member("n1").end = new Lsn(0x2000000);
        cluster.run(11_000);
        assertThat(slots("n2")).containsExactly(new Action.Slot("pg_replica_n1", new Lsn(0x2000000)),
                new Action.Slot("pg_replica_n3", new Lsn(0x2000000)));
    }

    /** There Postgres itself moves them. */
    @Test void aPrimaryOnlySeesThatTheyAreThere() {
        cluster.run(11_000);
        assertThat(slots("n1")).containsExactly(new Action.Slot("pg_replica_n2", Lsn.ZERO),
                new Action.Slot("pg_replica_n3", Lsn.ZERO));
    }

    @Test void whoIsPromotedLeavesThemToPostgres() {
        cluster.run(1000);
        cluster.done.clear();
        cluster.kill("n1");
        while (cluster.open().isEmpty()) cluster.run(5);
        cluster.run(1000);
        var promoted = cluster.open().map(NodeId::name).orElseThrow();
        assertThat(slots(promoted)).hasSize(2).allSatisfy(slot -> assertThat(slot.restart()).isEqualTo(Lsn.ZERO));
    }
}
