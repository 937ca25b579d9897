package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;
import pgreplica.cluster.Ancestry;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation;
import pgreplica.instance.WalReport;
import pgreplica.raft.Message;

/** What a node says of its data, and whom it lets write it: the rules A1, A2, A7, A9, A11, B1, B6, B17, B18. */
class DataRulesTest {
    private static final NodeId N1 = new NodeId("n1");
    private final SmallCluster cluster = founded();

    private static SmallCluster founded() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.member("n1").end = new Lsn(0x2000000);
        cluster.run(600);
        cluster.done.clear();
        return cluster;
    }

    private WalReport reportOf(String name) {
        return OwnData.report(new Turn(cluster.member(name).state, cluster.now));
    }

    private void look(String name) {
        cluster.give(name, new Event.Observed(cluster.member(name).observation()));
    }

    private Envelope from(String sender, String receiver, PeerMessage message) {
        var state = cluster.member(sender).state;
        return new Envelope(state.cluster().founding().orElseThrow().clusterId(), state.raft().self(),
                cluster.member(receiver).state.raft().self(), message);
    }

    private void hear(String receiver, String sender, PeerMessage message) {
        cluster.give(receiver, new Event.MessageReceived(new NodeId(sender), from(sender, receiver, message)));
    }

    private Term term() {
        return cluster.member("n1").state.raft().term();
    }

    /** Timeline 9, which left the present one at this position. */
    private PeerMessage.Order orderToFollow(Term term, long forkPosition) {
        var line = new Ancestry(List.of(
                new Ancestry.Step(cluster.member("n1").timeline, Optional.of(new Lsn(forkPosition))),
                new Ancestry.Step(new Timeline(9), Optional.empty())));
        return new PeerMessage.Order(term, new PeerMessage.Directive.Follow(N1, new Timeline(9), line));
    }

    /** A1: the leader has compared before; a wrong comparison over there must not cost data here. */
    @Test void aNodeComparesBeforeItFollows() {
        hear("n2", "n1", orderToFollow(term(), 0x1ffffff));
        assertThat(cluster.last("n2", Action.Follow.class)).isEmpty();
        hear("n2", "n1", orderToFollow(term(), 0x2000000));
        assertThat(cluster.last("n2", Action.Follow.class)).isPresent();
    }

    /** A7, P6. */
    @Test void onlyTheLeaderOfTheCurrentTermSaysWhomToFollow() {
        hear("n2", "n1", orderToFollow(new Term(term().value() - 1), 0x2000000));
        hear("n2", "n3", orderToFollow(term(), 0x2000000));
        assertThat(cluster.last("n2", Action.Follow.class)).isEmpty();
    }

    /** A2. */
    @Test void theLaterTimelineCountsMoreThanTheLargerPosition() {
        var abandoned = new WalReport("", 1, new Timeline(2), new Lsn(900), true, false);
        var chosen = new WalReport("", 1, new Timeline(3), new Lsn(100), true, false);
        assertThat(chosen.compareProgress(abandoned)).isPositive();
        assertThat(abandoned.compareProgress(chosen)).isNegative();
        assertThat(new WalReport("", 1, new Timeline(3), new Lsn(-1), true, false).compareProgress(chosen))
                .as("positions are unsigned").isPositive();
    }

    /** A7: who voted in this term and follows again in it is not sealed any more. */
    @Test void aVoteAskedForAgainSealsAgain() {
        var n2 = cluster.member("n2");
        assertThat(n2.state.gate().isSealedIn(term())).isTrue();
        assertThat(n2.upstream).contains(N1);
        hear("n2", "n1", new PeerMessage.Raft(new Message.VoteRequest(term(), n2.state.raft().lastPosition(),
                Optional.empty())));
        assertThat(cluster.done).extracting(SmallCluster.Done::action).contains(new Action.Seal(term()))
                .noneMatch(action -> action instanceof Action.Send(_, Envelope(_, _, _, PeerMessage.Raft _)));
    }

    /** A9. */
    @Test void anUnknownIncarnationIsVoid() {
        assertThat(reportOf("n2").isValid()).isTrue();
        var n2 = cluster.member("n2");
        n2.identity = new DataIdentity(n2.identity.clusterId(), n2.identity.incarnation() + 1);
        look("n2");
        assertThat(reportOf("n2").voidReason()).contains("not known to be on the cluster's history");
    }

    /** A9. */
    @Test void whatMakesAPositionUntrustworthyMakesTheReportVoid() {
        var flags = List.of(
                new Observation.Flags(false, true, false, false, false, false),
                new Observation.Flags(false, false, true, false, false, false),
                new Observation.Flags(false, false, false, true, false, false),
                new Observation.Flags(false, false, false, false, true, false),
                new Observation.Flags(false, false, false, false, false, true));
        for (var flag : flags) {
            cluster.member("n2").flags = flag;
            look("n2");
            assertThat(reportOf("n2").isValid()).as(flag.toString()).isFalse();
        }
        cluster.member("n2").flags = Observation.Flags.NONE;
        look("n2");
        assertThat(reportOf("n2").isValid()).isTrue();
    }

    /** A9: the new incarnation is on disk before the old data is touched. */
    @Test void theIncarnationIsRenewedBeforeARewind() {
        var before = cluster.member("n1").identity;
        cluster.member("n1").end = new Lsn(0x2000100);
        cluster.kill("n1");
        cluster.run(2500);
        cluster.start("n1");
        cluster.run(2000);

        var restart = cluster.last("n1", Action.Restart.class).orElseThrow();
        assertThat(restart.work()).isEqualTo(Event.Work.REWIND);
        assertThat(restart.identity().incarnation()).isNotZero().isNotEqualTo(before.incarnation());
        int restarted = cluster.done.indexOf(new SmallCluster.Done(N1, restart));
        assertThat(cluster.done.subList(0, restarted)).anyMatch(one -> one.node().equals(N1)
                && one.action() instanceof Action.PersistInstance(var record)
                && record.identity().equals(restart.identity()) && record.working());
    }

    /** A11. */
    @Test void whatIsSaidToAFormerLifeOfThisNodeIsNotAnswered() {
        var meant = from("n1", "n2", new PeerMessage.Raft(new Message.PreVoteRequest(new Term(99),
                cluster.member("n2").state.raft().lastPosition())));
        var former = new VoterId(meant.to().node(), meant.to().number() + 1);
        cluster.give("n2", new Event.MessageReceived(N1, new Envelope(meant.clusterId(), meant.from(), former, meant.message())));
        assertThat(cluster.last("n2", Action.Send.class)).isEmpty();
        cluster.give("n2", new Event.MessageReceived(N1, meant));
        assertThat(cluster.last("n2", Action.Send.class)).isPresent();
    }

    /** B1: replay that stands still may only be paused. */
    @Test void theEndOfWalIsProvenBeforeItIsReported() {
        cluster.kill("n2");
        cluster.member("n2").endProven = false;
        cluster.start("n2");
        look("n2");
        assertThat(reportOf("n2").voidReason()).isEqualTo("the end of its WAL is not proven yet");
        cluster.member("n2").endProven = true;
        look("n2");
        assertThat(reportOf("n2").isValid()).isTrue();
    }

    /** B6: its vote is not void. */
    @Test void aGateThatSticksMakesTheReportVoidAndNotTheVote() {
        cluster.member("n2").gateSticks = true;
        var next = term().next();
        hear("n2", "n3", new PeerMessage.Raft(new Message.VoteRequest(next,
                cluster.member("n2").state.raft().lastPosition(), Optional.empty())));
        cluster.run(10);
        assertThat(cluster.done).anyMatch(one -> one.action() instanceof Action.Send(_,
                Envelope(_, _, _, PeerMessage.Raft(Message.VoteReply vote)))
                && vote.granted() && vote.attachment().orElseThrow() instanceof WalReport report && !report.isValid());
    }

    /** B17. */
    @Test void halfARecordIsNotCounted() {
        cluster.member("n2").halfRecordBytes = 50;
        look("n2");
        assertThat(reportOf("n2").end()).isEqualTo(new Lsn(0x2000000));
        cluster.member("n2").endProven = false;
        look("n2");
        assertThat(reportOf("n2").end()).as("while nobody knows where records end").isEqualTo(new Lsn(0x2000032));
    }

    /** B18. */
    @Test void onlyWhoMayFollowIsAdmitted() {
        cluster.member("n3").identity = new DataIdentity("another", 5);
        cluster.run(600);
        assertThat(cluster.last("n1", Action.AllowReplication.class).orElseThrow().applicationNames())
                .anyMatch(name -> name.startsWith("n2_i")).noneMatch(name -> name.startsWith("n3_i"));
    }

    /** B18. */
    @Test void whoDoesNotLeadAdmitsNobody() {
        cluster.loses = (sender, sent) -> true;
        cluster.run(3000);
        assertThat(cluster.member("n1").state.raft().isLeader()).isFalse();
        assertThat(cluster.last("n1", Action.AllowReplication.class).orElseThrow().applicationNames()).isEmpty();
    }

    /** B18: it leads, and its primary is on its way out. */
    @Test void whosePrimaryIsBeingRestartedAdmitsNobody() {
        cluster.inside("n1", turn -> {
            turn.errand = Errand.restart(Event.Work.NONE, turn.now);
            Standbys.tend(turn);
        });
        assertThat(cluster.last("n1", Action.AllowReplication.class).orElseThrow().applicationNames()).isEmpty();
    }

    /** A3: the source was lost on the way, and the copy is of the primary after it. */
    @Test void aCopyOfALaterTimelineIsKeptIfThatWasAppointed() {
        orderedBeforeTheTimelineBegan();
        cluster.run(3000);
        assertThat(copiesOf("n2")).hasSize(1);
        assertThat(reportOf("n2").isValid()).as(reportOf("n2").voidReason()).isTrue();
    }

    /** A3. */
    @Test void aCopyOfATimelineThatNobodyAppointedIsReplaced() {
        var appointed = cluster.member("n1").timeline;
        cluster.member("n1").timeline = new Timeline(77);
        orderedBeforeTheTimelineBegan();
        cluster.member("n1").timeline = appointed;
        cluster.run(3000);
        assertThat(copiesOf("n2")).hasSize(2);
        assertThat(reportOf("n2").isValid()).as(reportOf("n2").voidReason()).isTrue();
    }

    private void orderedBeforeTheTimelineBegan() {
        var first = new Ancestry(List.of(new Ancestry.Step(new Timeline(1), Optional.empty())));
        hear("n2", "n1", new PeerMessage.Order(term(), new PeerMessage.Directive.Clone(N1, new Timeline(1), first, "for a test")));
    }

    private List<SmallCluster.Done> copiesOf(String name) {
        return cluster.done.stream().filter(one -> one.node().equals(new NodeId(name))
                && one.action() instanceof Action.Restart restart && restart.work() == Event.Work.CLONE).toList();
    }

    /** P11: a node whose Postgres is down for a while is not silent about it. */
    @Test void workOnTheDataIsToldWithItsPhaseAndBytes() {
        cluster.give("n2", new Event.WorkProgress(Event.Work.CLONE, "copying", 0, 0));
        assertThat(statusOf("n2").reason()).isEqualTo("clone: copying");
        cluster.give("n2", new Event.WorkProgress(Event.Work.REWIND, "rewinding", 500, 2000));
        assertThat(statusOf("n2").reason()).isEqualTo("rewind: rewinding, 500 of 2000 bytes (25 %)");
        assertThat(statusOf("n2").state()).isEqualTo("rewinding");
    }

    private PeerMessage.NodeStatus statusOf(String name) {
        return Gossip.status(new Turn(cluster.member(name).state, cluster.now));
    }

    /** n2, with nothing of n1's timeline. */
    private SmallCluster.Member onlyBroughtToTheFork() {
        var n1 = cluster.member("n1");
        var n2 = cluster.member("n2");
        n2.timeline = n1.parent;
        n2.parent = Timeline.NONE;
        n2.end = n1.fork;
        n2.fork = Lsn.ZERO;
        return n2;
    }

    /** B17: half a record lies behind the fork; whether it is one will be known in a moment. */
    @Test void whoseLastRecordIsHalfIsNotRewound() {
        var n2 = onlyBroughtToTheFork();
        n2.halfRecordBytes = 0x40;
        n2.endProven = false;
        cluster.start("n2");
        cluster.run(2000);
        assertThat(cluster.last("n2", Action.Restart.class, restart -> restart.work() != Event.Work.NONE)).isEmpty();
        assertThat(n2.upstream).isEmpty();
        n2.endProven = true;
        cluster.run(2000);
        assertThat(n2.upstream).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.last("n2", Action.Restart.class, restart -> restart.work() != Event.Work.NONE)).isEmpty();
    }

    /** A1: what its WAL receiver held when it reported was flushed, and replayed, when it had long been told to follow. */
    @Test void whoGetsPastTheForkAfterAllIsRewound() {
        var n2 = onlyBroughtToTheFork();
        n2.stalled = true;
        cluster.start("n2");
        cluster.run(2000);
        assertThat(n2.upstream).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.last("n2", Action.Restart.class, restart -> restart.work() != Event.Work.NONE)).isEmpty();
        n2.end = new Lsn(n2.end.value() + 0x40);
        cluster.run(2000);
        assertThat(cluster.last("n2", Action.Restart.class, restart -> restart.work() == Event.Work.REWIND)).isPresent();
    }

    /** P6: sealed is sealed, so the vote need not wait for another seal. */
    @Test void whoIsSealedInTheTermVotesAtOnce() {
        cluster.kill("n1");
        cluster.loses = (from, sent) -> true;
        cluster.run(2000);
        var next = new Term(cluster.member("n2").state.raft().term().value() + 1);
        hear("n2", "n3", new PeerMessage.Raft(new Message.VoteRequest(next, new LogPosition(Term.ZERO, 1), Optional.empty())));
        cluster.run(5);
        assertThat(cluster.member("n2").state.gate().isSealedIn(next)).isTrue();
        cluster.done.clear();
        hear("n2", "n3", new PeerMessage.Raft(new Message.VoteRequest(next, cluster.member("n2").state.raft().lastPosition(),
                Optional.empty())));
        assertThat(cluster.last("n2", Action.Seal.class)).isEmpty();
        assertThat(cluster.last("n2", Action.Send.class).orElseThrow().toString()).contains("VoteReply").contains("granted=true");
    }
}
