package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.cluster.SyncSet;

/** When commits begin to wait, and when a primary may open before, while and after they do: A8, A13. Guards P3. */
class QuorumBeginsTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final Lsn HARDLY_ANYTHING = new Lsn(1);

    private static SmallCluster founding(int size, SyncWish.Mode mode) {
        return new SmallCluster(size, node -> size, new SyncWish(mode, 0));
    }

    private static SmallCluster serving(SyncWish.Mode mode) {
        var cluster = founding(3, mode);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.done.clear();
        return cluster;
    }

    private static void wish(SmallCluster cluster, SyncWish.Mode mode, int standbys) {
        for (var node : cluster.members.keySet()) {
            cluster.give(node.name(), new Event.Configured(new SyncWish(mode, standbys), false));
        }
    }

    private static SyncSet committed(SmallCluster cluster) {
        return cluster.member("n1").state.cluster().sync();
    }

    private static boolean demanded(SmallCluster cluster) {
        return cluster.last("n1", Action.SetLease.class).map(Action.SetLease::quorum).orElse(false);
    }

    private static String obstacle(SmallCluster cluster) {
        return Lease.obstacle(new Turn(cluster.member("n1").state, cluster.now));
    }

    /** A crash of the first primary would otherwise lose what it acknowledged alone. */
    @Test void aStrictQuorumThatNeverWasOpensNothing() {
        var cluster = founding(3, SyncWish.Mode.QUORUM);
        cluster.members.values().forEach(member -> member.confirms = flushed -> HARDLY_ANYTHING);
        cluster.member("n1").end = new Lsn(0x9000000);
        cluster.run(8000);
        assertThat(cluster.member("n1").state.observed().isPrimary()).isTrue();
        assertThat(cluster.open()).isEmpty();
        assertThat(obstacle(cluster)).contains("no quorum of standbys streams yet");
        cluster.members.values().forEach(member -> member.confirms = flushed -> flushed);
        cluster.run(1000);
        assertThat(demanded(cluster)).isTrue();
        lookAgain(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /** The host looks at once when it has told the backends what to wait for. */
    private static void lookAgain(SmallCluster cluster) {
        cluster.give("n1", new Event.Observed(cluster.member("n1").observation()));
        cluster.run(100);
    }

    @Test void whereNobodyCanBeWaitedForNobodyIs() {
        var available = founding(3, SyncWish.Mode.QUORUM_AVAILABLE);
        available.members.values().forEach(member -> member.confirms = flushed -> HARDLY_ANYTHING);
        available.member("n1").end = new Lsn(0x9000000);
        available.run(8000);
        assertThat(available.open()).as("what is available is nobody").contains(N1);
        var alone = founding(1, SyncWish.Mode.QUORUM);
        alone.run(4000);
        assertThat(alone.open()).as("there is no other node").contains(N1);
    }

    /** The log comes first when fewer are waited for: for a moment Postgres waits for more than it says. */
    @Test void whatIsOpenStaysOpenWhileOneSettingReplacesAnother() {
        var cluster = serving(SyncWish.Mode.QUORUM);
        wish(cluster, SyncWish.Mode.QUORUM, 2);
        cluster.run(3000);
        assertThat(committed(cluster).standbys()).isEqualTo(2);
        cluster.member("n1").keepsSyncSetting = true;
        wish(cluster, SyncWish.Mode.QUORUM, 1);
        cluster.run(1000);
        assertThat(committed(cluster).standbys()).isEqualTo(1);
        assertThat(cluster.member("n1").syncSetting).startsWith("ANY 2 (");
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.member("n1").keepsSyncSetting = false;
        cluster.run(6000);
        assertThat(cluster.member("n1").syncSetting).startsWith("ANY 1 (");
        assertThat(cluster.done).noneMatch(one -> one.node().equals(N1)
                && one.action() instanceof Action.SetLease lease && lease.untilMillis() == 0);
    }

    /** What Postgres waits for is more than the log says, and whoever lost its lease for a moment may go on under it. */
    @Test void aLeaseThatComesBackOpensUnderTheNextSettingToo() {
        var cluster = serving(SyncWish.Mode.QUORUM);
        var primary = cluster.member("n1");
        var before = primary.end.value();
        // It goes on confirming, but is far behind.
        cluster.member("n3").confirms = flushed -> new Lsn(before + cluster.now);
        primary.end = new Lsn(before + 10_000_000);
        wish(cluster, SyncWish.Mode.QUORUM, 2);
        cluster.run(2000);
        assertThat(primary.syncSetting).startsWith("ANY 2 (");
        assertThat(committed(cluster).standbys()).isEqualTo(1);

        var term = primary.state.raft().term();
        cluster.loses = (from, sent) -> true;
        // It is over when the next heartbeat leaves, and the answer to that one brings it back.
        while (primary.lease - cluster.now > 5) cluster.run(5);
        cluster.loses = (from, sent) -> false;
        cluster.run(300);
        assertThat(primary.state.raft().term()).isEqualTo(term);
        assertThat(cluster.last("n1", Action.SetLease.class, lease -> lease.untilMillis() == 0)).isPresent();
        assertThat(primary.syncSetting).startsWith("ANY 2 (");
        assertThat(committed(cluster).standbys()).isEqualTo(1);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /**
     * A8: until the backends know that they have to wait, commits are acknowledged that waited for nobody. So the position
     * that a quorum must have is one that is seen after they were told.
     */
    @Test void whatWasAcknowledgedUntilTheBackendsKnewIsConfirmedFirst() {
        var cluster = serving(SyncWish.Mode.OFF);
        cluster.member("n1").looksAnew = false;
        wish(cluster, SyncWish.Mode.QUORUM, 1);
        cluster.run(2000);
        assertThat(cluster.member("n1").syncSetting).startsWith("ANY 1 (");
        assertThat(demanded(cluster)).as(() -> String.join("\n", cluster.log)).isTrue();
        assertThat(committed(cluster).waits()).as("nobody has looked since").isFalse();

        var primary = cluster.member("n1");
        var before = primary.end;
        for (var name : List.of("n2", "n3")) cluster.member(name).confirms = flushed -> before;
        primary.end = new Lsn(before.value() + 1000);
        cluster.run(600);
        assertThat(committed(cluster).waits()).as("what was seen then is on no standby").isFalse();
        var later = new Lsn(before.value() + 999);
        cluster.member("n2").confirms = flushed -> later;
        cluster.run(300);
        assertThat(committed(cluster).waits()).as("one byte is missing").isFalse();
        cluster.member("n2").confirms = flushed -> flushed;
        cluster.run(300);
        assertThat(committed(cluster).waits()).as(() -> String.join("\n", cluster.log)).isTrue();
    }

    /** Whoever changes his mind before it is committed gets what there was. */
    @Test void aChangeThatIsNoLongerWantedIsDropped() {
        var cluster = serving(SyncWish.Mode.OFF);
        wish(cluster, SyncWish.Mode.QUORUM, 1);
        cluster.run(2000);
        assertThat(demanded(cluster)).isTrue();
        wish(cluster, SyncWish.Mode.OFF, 0);
        cluster.run(1000);
        assertThat(demanded(cluster)).isFalse();
        assertThat(cluster.member("n1").syncSetting).isEmpty();
        assertThat(committed(cluster)).isEqualTo(SyncSet.NONE);
        assertThat(cluster.open()).contains(N1);
    }

    /** Five nodes of which one standby confirms: a strict quorum of two does not begin, an available one begins with it. */
    @Test void anAvailableQuorumBeginsWithWhoIsThereAndGrowsWithThem() {
        var cluster = founding(5, SyncWish.Mode.OFF);
        cluster.run(10_000);
        assertThat(cluster.open()).contains(N1);
        for (var silent : List.of("n3", "n4", "n5")) cluster.member(silent).confirms = flushed -> Lsn.ZERO;
        cluster.run(1000);
        wish(cluster, SyncWish.Mode.QUORUM, 0);
        cluster.run(3000);
        assertThat(committed(cluster)).isEqualTo(SyncSet.NONE);
        wish(cluster, SyncWish.Mode.QUORUM_AVAILABLE, 0);
        cluster.run(1000);
        lookAgain(cluster);
        cluster.run(2000);
        assertThat(committed(cluster).standbys()).as("two would be more than answer").isEqualTo(1);
        assertThat(committed(cluster).members()).hasSize(2);
        for (var silent : List.of("n3", "n4", "n5")) cluster.member(silent).confirms = flushed -> flushed;
        cluster.run(3000);
        assertThat(committed(cluster).standbys()).isEqualTo(2);
        assertThat(committed(cluster).members()).hasSize(5);
    }

    @Test void whatCommitsWaitForIsSaid() {
        var cluster = serving(SyncWish.Mode.QUORUM);
        var turn = new Turn(cluster.member("n1").state, cluster.now);
        assertThat(Quorum.state(turn)).startsWith("ANY 1 (").doesNotContain("only");
        turn.cluster = pgreplica.cluster.ClusterState.EMPTY;
        assertThat(Quorum.state(turn)).isEqualTo("commits wait for no standby");
        turn.settings = turn.settings.with(SyncWish.OFF, false);
        assertThat(Quorum.state(turn)).isEmpty();
        cluster.kill("n3");
        cluster.run(2000);
        assertThat(Quorum.state(new Turn(cluster.member("n1").state, cluster.now))).as("one is enough").doesNotContain("only");
        cluster.kill("n2");
        cluster.run(100);
        assertThat(Quorum.state(new Turn(cluster.member("n1").state, cluster.now))).endsWith(": only 0 of them answer, commits wait");
    }
}
