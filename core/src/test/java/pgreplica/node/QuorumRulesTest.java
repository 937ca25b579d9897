package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.cluster.Appointment;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.SyncSet;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Phase;
import pgreplica.raft.Payload;

/** What commits wait for, and what an election waits for: the rules A1, A2, A8, A13, B7, B19. Guards P3. */
class QuorumRulesTest {
    private static final NodeId N1 = new NodeId("n1");
    private final SmallCluster cluster = founded(new SyncWish(SyncWish.Mode.QUORUM, 1));

    private static SmallCluster founded(SyncWish wish) {
        var cluster = new SmallCluster(3, node -> 3, wish);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.member("n1").syncSetting).startsWith("ANY 1 (\"n2_i");
        assertThat(committed(cluster).members()).hasSize(3);
        cluster.done.clear();
        cluster.log.clear();
        return cluster;
    }

    private static SyncSet committed(SmallCluster cluster) {
        return cluster.member("n1").state.cluster().sync();
    }

    private void everyStandby(java.util.function.Consumer<SmallCluster.Member> change) {
        cluster.members.values().forEach(change);
    }

    /** A13. */
    @Test void aNewPrimaryThatKeepsAnOldSettingDoesNotServe() {
        everyStandby(member -> member.keepsSyncSetting = true);
        everyStandby(member -> member.syncSetting = "ANY 1 (\"somebody\")");
        cluster.kill("n1");
        cluster.run(5000);
        assertThat(cluster.open()).isEmpty();
        everyStandby(member -> member.keepsSyncSetting = false);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent();
    }

    /** A2. */
    @Test void aNewPrimaryServesNobodyBeforeAStandbyHasItsTimeline() {
        everyStandby(member -> member.confirms = flushed -> new Lsn(1));
        cluster.kill("n1");
        cluster.run(5000);
        assertThat(cluster.open()).isEmpty();
        everyStandby(member -> member.confirms = flushed -> flushed);
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent();
    }

    /** P11: nobody can write before, so it is looked for at once, and what follows from it is done in the same step. */
    @Test void aNewPrimaryLooksForThatStandbyAndWritesTheForkDownAtOnce() {
        everyStandby(member -> member.confirms = flushed -> new Lsn(1));
        cluster.kill("n1");
        cluster.run(5000);
        var primary = cluster.members.keySet().stream().filter(node -> cluster.member(node.name()).phase == Phase.PRIMARY
                && cluster.member(node.name()).up).findFirst().orElseThrow().name();
        assertThat(cluster.last(primary, Action.FlushWal.class)).isPresent();
        var seen = cluster.member(primary).observation();
        var confirmed = seen.receivers().stream()
                .map(receiver -> new Observation.Receiver(receiver.applicationName(), seen.flushed())).toList();
        cluster.member(primary).receivers = confirmed;
        cluster.done.clear();
        cluster.give(primary, new Event.Observed(cluster.member(primary).observation()));
        assertThat(cluster.last(primary, Action.PersistEntries.class).orElseThrow().entries()).anyMatch(entry ->
                entry.payload() instanceof Payload.Application(ClusterCommand.RecordFork _));
        assertThat(cluster.last(primary, Action.FlushWal.class)).isEmpty();
    }

    /** A1: a number is a position only together with the timeline. */
    @Test void aStandbyOfAnotherTimelineConfirmsNothing() {
        everyStandby(member -> member.showsAs = streams -> streams.replaceAll("_t[0-9]+$", "_t1"));
        cluster.kill("n1");
        cluster.run(5000);
        assertThat(cluster.open()).isEmpty();
    }

    /** A8: what one standby confirmed is not forgotten when commits begin to wait for two. */
    @Test void moreStandbysAreCommittedToWhenTheyHaveEverything() {
        // It goes on confirming, but is far behind.
        var confirmed = new AtomicLong(cluster.member("n1").end.value());
        cluster.member("n3").confirms = flushed -> new Lsn(confirmed.incrementAndGet());
        cluster.member("n1").end = new Lsn(confirmed.get() + 1_000_000);
        cluster.run(100);
        for (var name : new String[] {"n1", "n2", "n3"}) {
            cluster.give(name, new Event.Configured(new SyncWish(SyncWish.Mode.QUORUM, 2), false));
        }
        cluster.run(2000);
        assertThat(cluster.member("n1").syncSetting).as("applied").startsWith("ANY 2 (");
        assertThat(committed(cluster).standbys()).as("and not committed").isEqualTo(1);
        cluster.member("n3").confirms = flushed -> flushed;
        cluster.run(1000);
        assertThat(committed(cluster).standbys()).isEqualTo(2);
    }

    /** B9: Postgres keeps such a stream for a minute. */
    @Test void aStandbyThatConfirmsNothingIsNotWaitedFor() {
        var available = founded(new SyncWish(SyncWish.Mode.QUORUM_AVAILABLE, 1));
        var before = available.member("n1").end;
        available.members.values().forEach(member -> member.confirms = flushed -> before);
        available.member("n1").end = new Lsn(before.value() + 1000);
        available.run(10_000);
        assertThat(committed(available).standbys()).as(() -> String.join("\n", available.log)).isZero();
        available.member("n3").confirms = flushed -> flushed;
        available.run(500);
        available.member("n1").end = new Lsn(before.value() + 2000);
        available.run(500);
        assertThat(committed(available).standbys()).isEqualTo(1);
        assertThat(committed(available).members()).noneMatch(member -> member.node().name().equals("n2"));
    }

    /** A8: what it acknowledged is on the primary too, so its own report does when the data of all others was replaced. */
    @Test void theLastPrimaryMissesNothing() {
        primaryComesBackToASetOf(incarnationOf("n1"), 9);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /** It was promoted with everything, and served nobody: its data says so, whether or not that was recorded. */
    @Test void norDoesOneThatHasNotServedYet() {
        everyStandby(member -> member.confirms = flushed -> new Lsn(1));
        cluster.kill("n1");
        cluster.run(5000);
        var last = committedLatest().node().name();
        assertThat(committedLatest().fork()).isEmpty();
        var members = new TreeSet<SyncSet.Member>();
        for (var node : cluster.members.keySet()) {
            members.add(new SyncSet.Member(node, node.name().equals(last) ? incarnationOf(last) : 9));
        }
        cluster.inside(last, turn -> Consensus.propose(turn, new ClusterCommand.SetSync(new SyncSet(members, 1))));
        cluster.run(10);
        everyStandby(member -> member.confirms = flushed -> flushed);
        cluster.start(last);
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId(last));
    }

    private Appointment committedLatest() {
        return cluster.member("n2").state.cluster().latest().orElseThrow();
    }

    /** B7: what need not be given up is kept. */
    @Test void whileAPromotionRunsNothingIsGivenUp() {
        everyStandby(member -> member.ignores = action -> action instanceof Action.Promote);
        cluster.kill("n1");
        cluster.run(3000);
        var leader = cluster.log.stream().anyMatch(line -> line.contains("node n2] rule 60")) ? "n2" : "n3";
        cluster.give(leader, new Event.Requested(1, "failover", List.of("allow_loss")));
        cluster.run(2000);
        assertThat(cluster.log).anyMatch(line -> line.contains("an operator allows that acknowledged commits are lost; rule 60"));
        assertThat(cluster.member(leader).state.cluster().sync().standbys()).isEqualTo(1);
    }

    /** A9: a later copy in its place has promised nothing, so the other member has to hear one more. */
    @Test void whatReplacedTheLastPrimarysDataDoesForNobody() {
        primaryComesBackToASetOf(9, incarnationOf("n2"));
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isEmpty();
    }

    private long incarnationOf(String name) {
        return cluster.member(name).state.instance().identity().incarnation();
    }

    private void primaryComesBackToASetOf(long first, long second) {
        var members = new TreeSet<>(List.of(new SyncSet.Member(N1, first), new SyncSet.Member(new NodeId("n2"), second),
                new SyncSet.Member(new NodeId("n3"), 9)));
        cluster.inside("n1", turn -> Consensus.propose(turn, new ClusterCommand.SetSync(new SyncSet(members, 1))));
        cluster.run(10);
        cluster.kill("n1");
        cluster.run(3000);
        assertThat(cluster.member("n2").state.cluster().sync().members()).isEqualTo(members);
        cluster.start("n1");
        cluster.run(6000);
    }

    /** A primary that is to leave writes WAL to the end; who has not got it all passes on to the standby that has, not back. */
    @Test void aHandoverGoesOnToTheStandbyThatIsAhead() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        assertThat(cluster.member("n1").state.leadership().leaving().map(NodeState.Leaving::target)).contains(new NodeId("n2"));
        var more = new Lsn(cluster.member("n1").end.value() + 56);
        cluster.member("n2").stalled = true;
        cluster.member("n2").confirms = flushed -> more;
        cluster.member("n1").end = more;
        cluster.run(3000);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
        assertThat(cluster.log).anyMatch(line -> line.contains("[term 2 node n2] rule 85"));
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId("n3"));
    }

    /** B7: with k = 0 nobody else is asked to be primary, for nobody else has everything. */
    @Test void whoServesAloneIsWaitedFor() {
        var alone = founded(new SyncWish(SyncWish.Mode.QUORUM_AVAILABLE, 1));
        alone.members.forEach((id, member) -> member.upstream = Optional.empty());
        alone.members.forEach((id, member) -> member.confirms = flushed -> Lsn.ZERO);
        alone.run(10_000);
        assertThat(committed(alone).standbys()).as(() -> String.join("\n", alone.log)).isZero();
        alone.kill("n1");
        alone.run(6000);
        assertThat(alone.open()).as(() -> String.join("\n", alone.log)).isEmpty();
    }

    /** B7: the way out is an operator's word, which is for one vacancy, and is answered when it has come about. */
    @Test void anOperatorMayGiveUpWhatDoesNotComeBack() {
        cluster.member("n3").flags = new Observation.Flags(false, false, true, false, false, false);
        cluster.run(600);
        cluster.kill("n1");
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isEmpty();
        assertThat(cluster.log).anyMatch(line -> line.contains("rule 90"));
        cluster.give("n2", new Event.Requested(1, "failover", List.of()));
        cluster.run(1500);
        assertThat(cluster.last("n2", Action.Reply.class).orElseThrow().text())
                .startsWith("no primary serves on the leader, so there is nothing to hand over");
        cluster.give("n2", new Event.Requested(2, "failover", List.of("allow_loss")));
        cluster.run(6000);
        assertThat(cluster.last("n2", Action.Reply.class)).as(() -> String.join("\n", cluster.log))
                .contains(new Action.Reply(2, true, "node n2 is primary; acknowledged commits may be lost"));
        assertThat(cluster.log).anyMatch(line -> line.contains("an operator allows that acknowledged commits are lost; rule 90"));
        assertThat(cluster.member("n2").state.leadership().lossAllowed()).isFalse();
    }

    /** B19: what a server shows is what a quorum has. */
    @Test void nobodyReadsBeforeTheQuorumHasWhatIsShown() {
        everyStandby(member -> member.confirms = flushed -> new Lsn(1));
        cluster.kill("n1");
        cluster.run(5000);
        var promoted = cluster.done.stream().filter(one -> one.action() instanceof Action.Promote).findFirst().orElseThrow();
        assertThat(cluster.last(promoted.node().name(), Action.AllowReads.class)).contains(new Action.AllowReads(false));
    }

    /** B19: what recovery brought back may be on no other node. */
    @Test void aRestartedPrimaryIsReadWhenAQuorumHasWhatItHolds() {
        everyStandby(member -> member.confirms = flushed -> new Lsn(1));
        for (var node : List.of("n2", "n3")) {
            cluster.inside(node, turn -> turn.settings = SmallCluster.like(turn.settings, 0, -1, false, 0));
        }
        cluster.run(1000);
        cluster.done.clear();
        cluster.restartWorker("n1");
        cluster.run(3000);
        assertThat(cluster.open()).isEmpty();
        assertThat(cluster.last("n1", Action.AllowReads.class, Action.AllowReads::allowed)).isEmpty();
        everyStandby(member -> member.confirms = flushed -> flushed);
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.last("n1", Action.AllowReads.class).orElseThrow().allowed()).isTrue();
    }

    /** What a node cannot tell of itself is no report either. */
    @Test void whoCannotTrustItsOwnDataMissesReportsAsAnyOther() {
        cluster.member("n1").phase = Observation.Phase.CRASH_RECOVERY;
        var turn = new Turn(cluster.member("n1").state, cluster.now);
        turn.observed = cluster.member("n1").observation();
        turn.peers = new TreeMap<>();
        assertThat(new Outlook(turn).reportsMissing()).isEqualTo(2);
    }
}
