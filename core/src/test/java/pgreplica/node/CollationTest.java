package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/** P15: a server that sorts text otherwise than the last primary is not promoted, and it is said what to do about it. */
class CollationTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N2 = new NodeId("n2");
    private static final NodeId N3 = new NodeId("n3");

    private static SmallCluster founded(SyncWish wish) {
        var cluster = new SmallCluster(3, node -> 3, wish);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.log.clear();
        return cluster;
    }

    private static String told(SmallCluster cluster) {
        return String.join("\n", cluster.log);
    }

    private static String reason(SmallCluster cluster, String node) {
        return Gossip.reason(new Turn(cluster.member(node).state, cluster.now));
    }

    private static String check(SmallCluster cluster, String node) {
        var settled = cluster.last(node, Action.Publish.class, publish -> publish.page() == Action.Page.SETTLED);
        return settled.orElseThrow().tables().stream().filter(table -> table.name().equals("checks")).findFirst()
                .orElseThrow().rows().toString();
    }

    private static void allow(SmallCluster cluster, String node) {
        cluster.give(node, new Event.Configured(cluster.member(node).state.settings().sync(), true));
    }

    @Test void theOneThatDiffersIsPassedOverAlthoughItHasMore() {
        var cluster = founded(SyncWish.OFF);
        cluster.upgrade("n3", "libc 2.41");
        cluster.run(2000);
        assertThat(reason(cluster, "n3")).contains("libc 2.41", "libc 2.36", "pg_replica.allow_collation_mismatch");
        assertThat(reason(cluster, "n2")).isEmpty();
        assertThat(check(cluster, "n3")).contains("libc 2.41", "false", "libc 2.36");
        assertThat(cluster.log.stream().filter(line -> line.contains("this node is not promoted"))).hasSize(1);

        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.run(50);
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> told(cluster)).contains(N2);
    }

    @Test void whoIsAllowedIsAsGoodAsTheOthers() {
        var cluster = founded(SyncWish.OFF);
        cluster.upgrade("n3", "libc 2.41");
        allow(cluster, "n3");
        cluster.run(2000);
        assertThat(reason(cluster, "n3")).isEmpty();
        assertThat(check(cluster, "n3")).contains("true", "libc 2.36", "REINDEX");

        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.run(50);
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> told(cluster)).contains(N3);
        assertThat(told(cluster)).contains("REINDEX what is sorted by text");
        // It has written: from now on the others are those that differ.
        assertThat(reason(cluster, "n2")).contains("it sorts text by libc 2.36, the cluster's data is sorted by libc 2.41");
    }

    /** All were upgraded, one after the other: nobody is left that sorts as the data is sorted. */
    @Test void whereAllDifferTheWayOutIsToldAndWorks() {
        var cluster = founded(SyncWish.OFF);
        for (var node : List.of("n2", "n3")) cluster.upgrade(node, "libc 2.41");
        cluster.run(2000);
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> told(cluster)).isEmpty();
        assertThat(told(cluster)).contains("rule 120").contains("pg_replica.allow_collation_mismatch = on there");
        allow(cluster, "n2");
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> told(cluster)).contains(N2);
    }

    /** The primary itself comes back with other libraries. */
    @Test void theLastPrimaryIsNoException() {
        var cluster = founded(SyncWish.OFF);
        cluster.kill("n1");
        cluster.upgrade("n1", "libc 2.41");
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> told(cluster)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    /** What was acknowledged may be only on the one that is not promoted: nobody is, and the way out is told. */
    @Test void aCommitThatOnlyItHasIsNotGivenUp() {
        var cluster = founded(new SyncWish(SyncWish.Mode.QUORUM, 0));
        assertThat(cluster.member("n1").state.cluster().sync().members()).hasSize(3);
        cluster.upgrade("n3", "libc 2.41");
        cluster.run(2000);
        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.run(50);
        cluster.kill("n1");
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> told(cluster)).isEmpty();
        assertThat(told(cluster)).contains("rule 90").contains("; n3: it sorts text by libc 2.41")
                .contains("pg_replica.allow_collation_mismatch = on there");
        cluster.member("n2").stalled = false;
        allow(cluster, "n3");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> told(cluster)).contains(N3);
    }

    /** With quorum commits, too, the one that matches takes over when it has what was acknowledged. */
    @Test void inQuorumModeTheReportOfTheOneThatDiffersCounts() {
        var cluster = founded(new SyncWish(SyncWish.Mode.QUORUM, 0));
        cluster.upgrade("n3", "libc 2.41");
        cluster.run(2000);
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> told(cluster)).contains(N2);
    }

    @Test void leadershipIsHandedToNoneThatDiffers() {
        var cluster = founded(SyncWish.OFF);
        for (var node : List.of("n2", "n3")) cluster.upgrade(node, "libc 2.41");
        cluster.run(2000);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(1100);
        var reply = cluster.last("n1", Action.Reply.class).orElseThrow();
        assertThat(reply.ok()).isFalse();
        assertThat(reply.text()).contains("n2: it sorts text by libc 2.41");
        assertThat(cluster.open()).contains(N1);
    }

    /** Not of one that was appointed and never served: what it never wrote is not sorted its way. */
    @Test void onlyWhoServedDecidesHowTheDataIsSorted() {
        var cluster = founded(SyncWish.OFF);
        var present = cluster.member("n1").timeline;
        cluster.inside("n1", turn -> Consensus.propose(turn,
                new pgreplica.cluster.ClusterCommand.Appoint(N3, present.next(), present, "libc 2.41", 0, "")));
        cluster.run(50);
        assertThat(cluster.member("n2").state.cluster().latest().orElseThrow().collation()).isEqualTo("libc 2.41");
        assertThat(cluster.member("n2").state.cluster().collation()).isEqualTo("libc 2.36");
    }
}
