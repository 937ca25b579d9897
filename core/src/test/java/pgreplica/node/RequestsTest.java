package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.instance.Observation;

/** What stands against an operator's request may be gone in a moment, so the leader waits that long. */
class RequestsTest {
    private final SmallCluster cluster = new SmallCluster(3);

    /** No standby may take over: each sorts text by another library. */
    @BeforeEach void foundWithoutASuccessor() {
        cluster.run(8000);
        assertThat(cluster.open()).contains(new NodeId("n1"));
        for (var node : List.of("n2", "n3")) cluster.upgrade(node, "libc 2.41");
        cluster.run(2000);
        cluster.done.clear();
    }

    private void allow(String node) {
        cluster.give(node, new Event.Configured(cluster.member(node).state.settings().sync(), true));
    }

    @Test void itBeginsAsSoonAsAStandbyCanTakeOver() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(400);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        allow("n2");
        cluster.run(1500);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
        assertThat(cluster.open()).contains(new NodeId("n2"));
        assertThat(cluster.log).anyMatch(line -> line.endsWith("failover on request: handing over to n2"));
    }

    @Test void itIsRefusedWithTheReasonAfterAnElectionTimeout() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(300);
        var reply = cluster.last("n1", Action.Reply.class).orElseThrow();
        assertThat(reply.ok()).isFalse();
        assertThat(reply.text()).contains("no standby can take over");
        allow("n2");
        cluster.run(2000);
        assertThat(cluster.open()).contains(new NodeId("n1"));
    }

    @Test void itIsPassedOnAndWaitsThere() {
        cluster.give("n2", new Event.Requested(5, "failover", List.of()));
        cluster.run(400);
        allow("n3");
        cluster.run(1500);
        assertThat(cluster.last("n2", Action.Reply.class)).contains(new Action.Reply(5, true, "leadership is handed to n3"));
    }

    @Test void aLeaderThatIsDeposedMeanwhileRefusesIt() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.loses = (from, send) -> true;
        cluster.run(2500);
        var reply = cluster.last("n1", Action.Reply.class).orElseThrow();
        assertThat(reply.ok()).isFalse();
    }

    private Action.Reply ask(String node, String verb) {
        cluster.give(node, new Event.Requested(7, verb, List.of()));
        return cluster.last(node, Action.Reply.class).orElseThrow();
    }

    @Test void whatNobodyKnowsIsRefused() {
        assertThat(ask("n2", "dance")).isEqualTo(new Action.Reply(7, false, "unknown request \"dance\""));
        cluster.give("n1", new Event.MessageReceived(new NodeId("n2"), forwarded("dance")));
        assertThat(cluster.last("n1", Action.Send.class).orElseThrow().envelope().message())
                .isEqualTo(new PeerMessage.ForwardReply(3, false, "unknown request \"dance\""));
    }

    @Test void askedHereOrElsewhereEachIsARequestOfItsOwn() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        for (var node : List.of("n2", "n3")) {
            cluster.give("n1", new Event.MessageReceived(new NodeId(node), forwarded(node, "failover")));
        }
        assertThat(cluster.member("n1").state.requests()).hasSize(3);
    }

    private Envelope forwarded(String verb) {
        return forwarded("n2", verb);
    }

    private Envelope forwarded(String node, String verb) {
        var sender = cluster.member(node).state;
        return new Envelope(sender.cluster().founding().orElseThrow().clusterId(), sender.raft().self(),
                cluster.member("n1").state.raft().self(), new PeerMessage.Forward(3, verb, List.of()));
    }

    /** P10. */
    @Test void noMoreThanSixteenWait() {
        for (int i = 1; i <= 16; i++) cluster.give("n1", new Event.Requested(i, "failover", List.of()));
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        assertThat(ask("n1", "failover"))
                .isEqualTo(new Action.Reply(7, false, "too many requests wait for an answer; try again"));
    }

    @Test void withoutALeaderNobodyCanAnswer() {
        cluster.loses = (from, send) -> true;
        cluster.run(2500);
        assertThat(ask("n2", "failover")).isEqualTo(new Action.Reply(7, false,
                "no leader is known, so nobody can failover; see pg_replica.status() for the reason"));
    }

    @Test void whatIsPassedOnAndNeverAnsweredIsGivenUp() {
        cluster.loses = (from, send) -> send.envelope().message() instanceof PeerMessage.Forward;
        cluster.give("n2", new Event.Requested(7, "failover", List.of()));
        cluster.run(7900);
        assertThat(cluster.last("n2", Action.Reply.class)).isEmpty();
        cluster.run(300);
        assertThat(cluster.last("n2", Action.Reply.class)).contains(
                new Action.Reply(7, false, "no answer from the leader in time; see pg_replica.status()"));
        assertThat(cluster.member("n2").state.requests()).isEmpty();
    }

    @Test void whoDoesNotLeadPassesNothingOn() {
        cluster.give("n3", new Event.MessageReceived(new NodeId("n2"), forwarded("failover")));
        assertThat(cluster.last("n3", Action.Send.class).orElseThrow().envelope().message())
                .isEqualTo(new PeerMessage.ForwardReply(3, false, "node n3 does not lead any more; try again"));
    }

    /** A6: writes stop when it begins, and the target gets what it misses before it takes over. */
    @Test void theTargetGetsEverythingFirst() {
        allow("n2");
        cluster.run(600);
        cluster.member("n1").end = new Lsn(0x3000000);
        cluster.member("n2").confirms = flushed -> new Lsn(0x2fffff0);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        assertThat(cluster.last("n1", Action.SetLease.class).orElseThrow())
                .satisfies(lease -> assertThat(lease.untilMillis()).isZero())
                .satisfies(lease -> assertThat(lease.why()).isEqualTo("the primary is handing over to n2"));
        cluster.run(900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.member("n2").confirms = flushed -> flushed;
        cluster.run(50);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    /** P4: a look from before the fence was closed does not show what was written until then, however long ago it was. */
    @Test void anEarlierLookDoesNotDo() {
        allow("n2");
        cluster.run(600);
        cluster.member("n1").looksAnew = false;
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(2000);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.give("n1", new Event.Observed(cluster.member("n1").observation()));
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    /** P4: nor does a look at the fence that was closed for an earlier request. */
    @Test void aLookForAnEarlierRequestDoesNotDo() {
        n2NeverConfirmsTheLast16Bytes();
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        while (cluster.last("n1", Action.Reply.class).isEmpty()) cluster.run(5);
        assertThat(cluster.open()).contains(new NodeId("n1"));
        allow("n3");
        cluster.run(600);
        cluster.give("n1", new Event.Requested(2, "failover", List.of()));
        assertThat(cluster.last("n1", Action.Reply.class).orElseThrow().requestId()).isEqualTo(1);
        cluster.run(10);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(2, true, "leadership is handed to n3"));
    }

    /** P4: what no session waits for (synchronous_commit = off) was acknowledged before it is flushed. */
    @Test void whatNobodyWaitsForIsFlushedFirst() {
        allow("n2");
        cluster.run(600);
        var n1 = cluster.member("n1");
        n1.unflushedBytes = 700;
        n1.ignores = action -> action instanceof Action.FlushWal;
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        n1.ignores = action -> false;
        cluster.member("n2").confirms = flushed -> new Lsn(flushed.value() - 1); // A look at n1 shows something new.
        cluster.run(10);
        assertThat(n1.unflushedBytes).isZero();
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.member("n2").confirms = flushed -> flushed;
        cluster.run(10);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    /** Nobody was told of it, so it costs at most a rewind; but most of the time it is there in a moment. */
    @Test void whatIsWrittenLaterIsWaitedForAMoment() {
        allow("n2");
        cluster.run(600);
        var n1 = cluster.member("n1");
        n1.ignores = action -> action instanceof Action.FlushWal;
        cluster.member("n2").confirms = flushed -> new Lsn(flushed.value() - 1);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(10);
        n1.unflushedBytes = 700;
        cluster.member("n2").confirms = flushed -> flushed;
        cluster.run(185);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(20);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    @Test void whoHasEverythingTakesOverAtOnce() {
        allow("n2");
        cluster.run(600);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(10);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    private void onAFailingDisk(long unflushedBytes) {
        allow("n2");
        cluster.run(600);
        var n1 = cluster.member("n1");
        n1.unflushedBytes = unflushedBytes;
        n1.flags = new Observation.Flags(false, false, false, false, true, false);
        cluster.run(10);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(10);
        assertThat(cluster.last("n1", Action.FlushWal.class)).isEmpty();
    }

    /** It is not asked for more (that ends the server). */
    @Test void aDiskThatTakesNoWritesIsNotAskedTo() {
        onAFailingDisk(0);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    /** P4: what is not on it nobody will have, so nothing is waited for; but it may have been acknowledged. */
    @Test void whatAFailingDiskKeepsBackIsTold() {
        onAFailingDisk(700);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, false,
                "leadership is handed to n2, which may lack acknowledged commits: what ails this primary, or another "
                        + "request, wants that at once"));
    }

    private void n2NeverConfirmsTheLast16Bytes() {
        allow("n2");
        cluster.run(600);
        cluster.member("n1").end = new Lsn(0x3000000);
        cluster.member("n2").confirms = flushed -> new Lsn(0x2fffff0);
    }

    /** P4: a server that works is not given up for one that has less. */
    @Test void whoDoesNotGetEverythingInTimeDoesNotTakeOver() {
        n2NeverConfirmsTheLast16Bytes();
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(2900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(200);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, false,
                "n2 still lacks 16 bytes of WAL; the primary goes on. Try again; failover(allow_loss => true) does without it"));
        cluster.run(2000);
        assertThat(cluster.open()).contains(new NodeId("n1"));
    }

    @Test void unlessTheOperatorDoesNotMind() {
        n2NeverConfirmsTheLast16Bytes();
        cluster.give("n1", new Event.Requested(1, "failover", List.of("allow_loss")));
        cluster.run(900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(200);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
    }

    /** P4: and another who asks meanwhile and does mind hears that it went without him. */
    @Test void whoMindsIsToldWhatTheTargetMayLack() {
        n2NeverConfirmsTheLast16Bytes();
        cluster.give("n1", new Event.Requested(1, "failover", List.of("allow_loss")));
        cluster.run(600);
        cluster.give("n1", new Event.Requested(2, "failover", List.of()));
        cluster.run(500);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(2, false,
                "leadership is handed to n2, which may lack acknowledged commits: what ails this primary, or another "
                        + "request, wants that at once"));
    }

    @Test void whoIsNotSeenStreamingDoesNotHaveEverything() {
        allow("n2");
        cluster.run(600);
        cluster.member("n2").showsAs = name -> "somebody else";
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(2900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(200);
        assertThat(cluster.last("n1", Action.Reply.class).orElseThrow().text())
                .startsWith("n2 does not stream any more; the primary goes on");
    }

    /** Whom it was to be handed to is no voter any more: it came back without its state directory, say. */
    @Test void whenTheTargetIsGoneThePrimaryGoesOn() {
        allow("n2");
        cluster.run(600);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.inside("n1", turn -> turn.leadership.leaving = Optional.of(new NodeState.Leaving(new NodeId("n9"), cluster.now, Lsn.ZERO)));
        cluster.run(2900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        assertThat(cluster.open()).isEmpty();
        cluster.run(400);
        assertThat(cluster.last("n1", Action.Reply.class).orElseThrow())
                .satisfies(reply -> assertThat(reply.ok()).isFalse())
                .satisfies(reply -> assertThat(reply.text()).isEqualTo("n9 is no voter any more; the primary goes on. Try again"));
        assertThat(cluster.log).anyMatch(line -> line.endsWith("handing over given up: n9 is no voter any more"));
        assertThat(cluster.open()).contains(new NodeId("n1"));
    }

    @Test void whileOneHandoverRunsThereIsNoOther() {
        allow("n2");
        cluster.run(600);
        cluster.member("n2").confirms = flushed -> new Lsn(1);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.give("n1", new Event.Requested(2, "failover", List.of()));
        assertThat(cluster.member("n1").state.requests().get(2L).refusal()).isEqualTo("a handover to n2 runs");
    }

    /** Each gets its own answer: what was passed on is counted apart from what clients ask here. */
    @Test void requestsFromHereAndFromElsewhereDoNotMeet() {
        for (long id = 1; id <= 4; id++) cluster.give("n1", new Event.Requested(id, "failover", List.of()));
        for (long id = 1; id <= 4; id++) cluster.give("n2", new Event.Requested(id, "failover", List.of()));
        cluster.run(3000);
        for (var node : List.of("n1", "n2")) {
            for (long id = 1; id <= 4; id++) {
                long asked = id;
                assertThat(cluster.last(node, Action.Reply.class, reply -> reply.requestId() == asked)).as(node + " " + id).isPresent();
            }
        }
    }

    private String chosenWhenThisIsPreferredAndLagsBy(String preferred, long bytes) {
        for (var node : List.of("n2", "n3")) allow(node);
        cluster.inside(preferred, turn -> turn.settings = SmallCluster.like(turn.settings, 200, -1, false, 0));
        cluster.run(600);
        cluster.member(preferred).stalled = true;
        cluster.member("n1").end = new Lsn(cluster.member("n1").end.value() + bytes);
        cluster.run(600);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        return cluster.member("n1").state.leadership().leaving().orElseThrow().target().name();
    }

    /** Lesson 46: the target gets everything first, so among those that have nearly all of it the priority decides. */
    @Test void thePreferredStandbyTakesOver() {
        assertThat(chosenWhenThisIsPreferredAndLagsBy("n3", 16 * 1024 * 1024)).isEqualTo("n3");
        cluster.member("n3").stalled = false;
        cluster.run(2000);
        assertThat(cluster.open()).contains(new NodeId("n3"));
    }

    @Test void itsPlaceInTheListDoesNotMatter() {
        assertThat(chosenWhenThisIsPreferredAndLagsBy("n2", 16 * 1024 * 1024)).isEqualTo("n2");
    }

    @Test void unlessItLagsByMoreThanASegment() {
        assertThat(chosenWhenThisIsPreferredAndLagsBy("n3", 16 * 1024 * 1024 + 1)).isEqualTo("n2");
    }

    @Test void whoIsNeverPrimaryIsNotAsked() {
        for (var node : List.of("n2", "n3")) {
            allow(node);
            cluster.inside(node, turn -> turn.settings = SmallCluster.like(turn.settings, 0, -1, false, 0));
        }
        cluster.run(1500);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(2000);
        assertThat(cluster.last("n1", Action.Reply.class).orElseThrow().text()).contains("no standby can take over");
        assertThat(cluster.open()).contains(new NodeId("n1"));
    }
}
