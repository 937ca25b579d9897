package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.cluster.SyncSet;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation.Phase;

/** How the sync set of five nodes shrinks, grows and changes, and who is told of it: A8, A9, A13, B9, B19. Guards P3. */
class QuorumChangesTest {
    private static final NodeId N1 = new NodeId("n1");
    private final SmallCluster cluster = founded(SyncWish.Mode.QUORUM_AVAILABLE);

    private static SmallCluster founded(SyncWish.Mode mode) {
        var cluster = new SmallCluster(5, node -> 5, new SyncWish(mode, 0));
        cluster.run(9000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.done.clear();
        return cluster;
    }

    private SyncSet committed() {
        return cluster.member("n1").state.cluster().sync();
    }

    private void standbys(List<String> names, Consumer<SmallCluster.Member> change) {
        for (var name : names) change.accept(cluster.member(name));
    }

    private void write() {
        var primary = cluster.member("n1");
        primary.end = new Lsn(primary.end.value() + 1000);
    }

    private void wish(SyncWish wish) {
        for (var node : cluster.members.keySet()) cluster.give(node.name(), new Event.Configured(wish, false));
    }

    private boolean commitsWaitAt(String name) {
        return cluster.last(name, Action.SetLease.class).orElseThrow().quorum();
    }

    @Test void asManyAreWaitedForAsMayFail() {
        assertThat(committed().standbys()).isEqualTo(2);
        assertThat(committed().members()).hasSize(5);
        cluster.run(600);
        assertThat(commitsWaitAt("n1")).isTrue();
        assertThat(cluster.member("n1").syncSetting).startsWith("ANY 2 (\"n2_i").doesNotContain("n1_i");
    }

    /** B9: one less at a time, and nobody leaves the set for being silent while others are waited for. */
    @Test void itShrinksByOneAndThenToNobody() {
        standbys(List.of("n2", "n3", "n4"), member -> member.confirms = flushed -> new Lsn(1));
        write();
        cluster.run(4000);
        assertThat(committed().standbys()).as("they have five election timeouts").isEqualTo(2);
        cluster.run(2000);
        assertThat(committed().standbys()).as(() -> String.join("\n", cluster.log)).isEqualTo(1);
        assertThat(committed().members()).hasSize(5);
        standbys(List.of("n5"), member -> member.confirms = flushed -> new Lsn(1));
        write();
        cluster.run(8000);
        assertThat(committed().members()).extracting(SyncSet.Member::node).containsExactly(N1);
        assertThat(committed().waits()).isFalse();
        cluster.run(600);
        assertThat(commitsWaitAt("n1")).isFalse();
        assertThat(cluster.member("n1").syncSetting).isEmpty();
    }

    /** P3: strict means that commits wait for as long as it takes. */
    @Test void aStrictQuorumDoesNotShrink() {
        wish(new SyncWish(SyncWish.Mode.QUORUM, 0));
        standbys(List.of("n2", "n3", "n4", "n5"), member -> member.confirms = flushed -> new Lsn(1));
        write();
        cluster.run(9000);
        assertThat(committed().standbys()).isEqualTo(2);
        assertThat(committed().members()).hasSize(5);
    }

    @Test void whoAsksForFewerGetsFewerAndForNoneNone() {
        wish(new SyncWish(SyncWish.Mode.QUORUM, 4));
        cluster.run(3000);
        assertThat(committed().standbys()).isEqualTo(4);
        wish(new SyncWish(SyncWish.Mode.QUORUM, 0));
        cluster.run(3000);
        assertThat(committed().standbys()).isEqualTo(2);
        wish(SyncWish.OFF);
        cluster.run(3000);
        assertThat(committed()).isEqualTo(SyncSet.NONE);
        cluster.members.forEach((id, member) -> assertThat(member.syncSetting).as(id.name()).isEmpty());
        assertThat(commitsWaitAt("n1")).isFalse();
        assertThat(cluster.open()).contains(N1);
    }

    /** A9: what replaced a member's data has promised nothing. It is another member, and its turn comes when it follows. */
    @Test void dataThatWasReplacedLosesItsPlace() {
        var former = memberOf("n5");
        cluster.member("n5").identity = DataIdentity.NONE;
        cluster.run(3000);
        assertThat(committed().members()).as(() -> String.join("\n", cluster.log)).hasSize(5)
                .doesNotContain(former).contains(memberOf("n5"));
    }

    /** A8: an election counts with every place in the set, so none is given up while too few can stand in for it. */
    @Test void whileTooFewAnswerNobodyLosesItsPlace() {
        var former = memberOf("n5");
        standbys(List.of("n2", "n3", "n4"), member -> member.confirms = flushed -> new Lsn(1));
        write();
        cluster.run(2000);
        cluster.member("n5").identity = DataIdentity.NONE;
        cluster.run(2500);
        assertThat(memberOf("n5")).isNotEqualTo(former);
        assertThat(committed().members()).contains(former, memberOf("n5"));
    }

    private SyncSet.Member memberOf(String name) {
        return new SyncSet.Member(new NodeId(name), cluster.member(name).state.instance().identity().incarnation());
    }

    /** A13: the host may not have heard it, or not have been able to. */
    @Test void aSettingThatIsNotTakenIsAskedForAgain() {
        cluster.run(5000);
        assertThat(cluster.last("n2", Action.SetSync.class)).as("nobody is told twice").isEmpty();
        cluster.member("n2").syncSetting = "ANY 1 (\"somebody\")";
        cluster.run(300);
        assertThat(cluster.member("n2").syncSetting).isEqualTo(cluster.member("n1").syncSetting);
        cluster.member("n2").syncSetting = "ANY 1 (\"somebody\")";
        cluster.run(4000);
        assertThat(cluster.member("n2").syncSetting).as("not at once again").startsWith("ANY 1");
        cluster.run(1500);
        assertThat(cluster.member("n2").syncSetting).isEqualTo(cluster.member("n1").syncSetting);
    }

    /** B19. */
    @Test void aStandbyIsReadWhenItFollows() {
        cluster.loses = (from, sent) -> sent.envelope().message() instanceof PeerMessage.Order;
        cluster.crash("n2");
        cluster.member("n2").phase = Phase.STANDBY;
        cluster.run(2000);
        assertThat(cluster.member("n2").upstream).isEmpty();
        assertThat(cluster.last("n2", Action.AllowReads.class)).isEmpty();
        cluster.loses = (from, sent) -> false;
        cluster.run(2000);
        assertThat(cluster.member("n2").upstream).contains(N1);
        assertThat(cluster.last("n2", Action.AllowReads.class)).contains(new Action.AllowReads(true));
    }

    /** With commits that wait for nobody there is no quorum to wait for. */
    @Test void withoutAQuorumEverybodyIsRead() {
        var alone = new SmallCluster(3);
        alone.run(1000);
        assertThat(alone.last("n2", Action.AllowReads.class)).contains(new Action.AllowReads(true));
        alone.run(6000);
        assertThat(alone.last("n1", Action.SetLease.class).orElseThrow().quorum()).isFalse();
        assertThat(alone.open()).isEqualTo(Optional.of(N1));
    }

    @Test void itIsToldInWords() {
        var primary = new Turn(cluster.member("n1").state, cluster.now);
        assertThat(Quorum.mode(primary)).isEqualTo("quorum_available");
        assertThat(Quorum.state(primary)).isEqualTo(cluster.member("n1").syncSetting);
        assertThat(Quorum.state(new Turn(cluster.member("n2").state, cluster.now))).isEqualTo(cluster.member("n1").syncSetting);
        standbys(List.of("n2", "n3", "n4"), member -> member.confirms = flushed -> new Lsn(1));
        write();
        cluster.run(2000);
        assertThat(Quorum.state(new Turn(cluster.member("n1").state, cluster.now)))
                .endsWith(": only 1 of them answer, commits wait");
        wish(SyncWish.OFF);
        var off = new Turn(cluster.member("n1").state, cluster.now);
        assertThat(Quorum.mode(off)).isEqualTo("off");
        wish(new SyncWish(SyncWish.Mode.QUORUM, 0));
        assertThat(Quorum.mode(new Turn(cluster.member("n1").state, cluster.now))).isEqualTo("quorum");
    }
}
