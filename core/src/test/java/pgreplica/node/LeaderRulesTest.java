package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.cluster.ClusterCommand;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Phase;
import pgreplica.raft.Message;

/** Who leads and who is appointed: the rules A5, A10, B3, B5, B8, B10, B13, B20. */
class LeaderRulesTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N3 = new NodeId("n3");

    private static SmallCluster founded(int size) {
        var cluster = new SmallCluster(size);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.member("n1").end = new Lsn(0x2000000);
        cluster.run(600);
        cluster.done.clear();
        cluster.log.clear();
        return cluster;
    }

    private static long timesLogged(SmallCluster cluster, String words) {
        return cluster.log.stream().filter(line -> line.contains(words)).count();
    }

    /** A5: clocks may differ in rate by 1 %. */
    @Test void aPromiseOutlastsTheLeaseByTheBoundOnClockRates() {
        var settings = new SmallCluster(3).member("n1").state.settings();
        var timing = Node.timing(settings);
        assertThat(timing.promiseMillis() * 100).isGreaterThanOrEqualTo(timing.leaseMillis() * 101);
    }

    /** A10. */
    @Test void aPrimaryThatWasReplacedMeanwhileStops() {
        var cluster = founded(3);
        cluster.kill("n1");
        cluster.run(2500);
        assertThat(cluster.open()).isPresent().isNotEqualTo(Optional.of(N1));
        cluster.done.clear();
        cluster.restartWorker("n1");
        assertThat(cluster.member("n1").phase).isEqualTo(Phase.PRIMARY);
        cluster.run(1000);
        assertThat(cluster.last("n1", Action.Restart.class)).as(() -> String.join("\n", cluster.log)).isPresent();
    }

    /** A10: a later number was given, if only to this node itself; what it writes now could lose against it. */
    @Test void aPrimaryBehindAReservationServesNoLonger() {
        var cluster = founded(3);
        var present = cluster.member("n1").timeline;
        cluster.inside("n1", turn -> Consensus.propose(turn, new ClusterCommand.Appoint(N1, present.next(), present, "", 0, "")));
        cluster.run(50);
        assertThat(cluster.last("n1", Action.SetLease.class).orElseThrow().untilMillis()).isZero();
        assertThat(cluster.last("n1", Action.Restart.class)).isPresent();
    }

    /** P7: it was a primary for a moment that nobody saw, and is promoted from there once more. */
    @Test void theBeginningOfATimelineIsKnownBeforeAnotherGrowsOutOfIt() {
        var cluster = founded(3);
        cluster.members.values().forEach(member -> member.ignores = action -> action instanceof Action.Promote);
        cluster.kill("n1");
        cluster.run(2500);
        var name = cluster.last("n2", Action.Promote.class).isPresent() ? "n2" : "n3";
        var unseen = cluster.last(name, Action.Promote.class).orElseThrow().timeline();
        var member = cluster.member(name);
        var parent = member.timeline;
        member.parent = parent;
        member.fork = member.end;
        member.timeline = unseen;
        cluster.members.values().forEach(each -> each.ignores = action -> false);
        cluster.start(name);
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId(name));
        assertThat(member.timeline).isEqualTo(unseen.next());
        var appointment = member.state.cluster().appointmentOf(unseen).orElseThrow();
        assertThat(appointment.fork()).contains(member.fork);
        assertThat(appointment.parent()).isEqualTo(parent);
    }

    /** B3: before anybody misses it. */
    @Test void aWorkerRestartedAboveARunningPrimaryStandsAtOnce() {
        var cluster = founded(3);
        cluster.restartWorker("n1");
        cluster.run(300);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.last("n1", Action.Promote.class)).isEmpty();
    }

    /** B8: the leader stays what it is when another is as good. */
    @Test void anEqualNodeIsNotHandedLeadership() {
        var cluster = founded(3);
        cluster.kill("n1");
        cluster.run(3000);
        assertThat(cluster.open()).isPresent();
        assertThat(timesLogged(cluster, "handing leadership")).as(() -> String.join("\n", cluster.log)).isZero();
    }

    /** B8: each leader asks the better node once, and not again and again. */
    @Test void aNodeIsTriedOncePerVacancy() {
        var cluster = founded(5);
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.members.forEach((id, member) -> {
            if (!id.equals(N1) && !id.equals(N3)) member.upstream = Optional.empty();
        });
        cluster.run(50);
        assertThat(cluster.member("n3").end).isEqualTo(new Lsn(0x2100000));
        cluster.loses = (from, sent) -> isTimeoutNow(sent) || from.equals(N3) && isCandidacy(sent);
        cluster.kill("n1");
        cluster.run(4500);
        assertThat(timesLogged(cluster, "handing leadership to n3")).as(() -> String.join("\n", cluster.log)).isPositive();
        for (var leader : cluster.members.keySet()) {
            assertThat(timesLogged(cluster, leader + "] handing leadership to n3")).isLessThanOrEqualTo(1);
        }
        assertThat(cluster.open()).as("nobody waits for ever").isPresent();
    }

    /** P4, B8: it led, could not be primary for a moment, and handed leadership to a node with less. */
    @Test void aStandbyWithMoreGetsBackWhatItCouldNotKeep() {
        var cluster = founded(3);
        var n3 = cluster.member("n3");
        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.run(50);
        n3.flags = new Observation.Flags(false, false, false, false, true, false);
        cluster.loses = (from, sent) -> {
            if (isTimeoutNow(sent)) n3.flags = Observation.Flags.NONE;
            return !from.equals(N3) && isCandidacy(sent) && n3.flags != Observation.Flags.NONE;
        };
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(timesLogged(cluster, "handing leadership to n2")).as(() -> String.join("\n", cluster.log)).isEqualTo(1);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N3);
    }

    /** A6, B8: the leader in between has opened nothing, so nobody sits its lease out. */
    @Test void whoIsHandedLeadershipDoesNotWaitForALeaseThatNobodyUsed() {
        var cluster = founded(3);
        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.run(50);
        var told = new AtomicBoolean();
        cluster.kill("n1");
        long killed = cluster.now;
        cluster.loses = (from, sent) -> {
            if (isTimeoutNow(sent)) told.set(true);
            return isCandidacy(sent) && !told.get() && (from.equals(N3) || cluster.now < killed + 500);
        };
        cluster.run(1000);
        assertThat(timesLogged(cluster, "handing leadership to n3")).as(() -> String.join("\n", cluster.log)).isEqualTo(1);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N3);
    }

    /** B8: what a primary wrote after it gave its place up is not worth another election. */
    @Test void aPrimaryThatWasAskedToLeaveIsNotHandedLeadershipBack() {
        var cluster = founded(3);
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.loses = (from, sent) -> {
            if (isTimeoutNow(sent)) cluster.member("n1").end = new Lsn(0x2100000);
            return false;
        };
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
        assertThat(timesLogged(cluster, "handing leadership to n1")).as(() -> String.join("\n", cluster.log)).isZero();
    }

    /** P13: the others know why, also when it is heard no more. */
    @Test void aPrimaryIsReplacedForWhatAilsIt() {
        String ailment = "its disk does not take writes";
        var cluster = founded(3);
        cluster.member("n1").flags = new Observation.Flags(false, false, false, false, true, false);
        cluster.run(4000);
        var promoted = cluster.open();
        assertThat(promoted).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
        var state = cluster.members.get(promoted.get()).state;
        var appointment = new Turn(state, cluster.now).cluster.latest().orElseThrow();
        assertThat(appointment.why()).startsWith("replaces n1 (" + ailment + "), ");

        cluster.kill("n1");
        cluster.run(2000);
        var members = Publisher.members(new Turn(cluster.members.get(promoted.get()).state, cluster.now));
        assertThat(members.rows().getFirst().getLast()).startsWith("not heard for ").endsWith("; before that: " + ailment);
    }

    private static boolean isTimeoutNow(Action.Send sent) {
        return sent.envelope().message() instanceof PeerMessage.Raft(Message.TimeoutNow _);
    }

    private static boolean isCandidacy(Action.Send sent) {
        return sent.envelope().message() instanceof PeerMessage.Raft(var message)
                && (message instanceof Message.PreVoteRequest || message instanceof Message.VoteRequest);
    }

    /** B10: it alone may hold the newest commits, but not for ever. */
    @Test void aCrashedPrimaryIsWaitedForOnce() {
        var cluster = founded(3);
        cluster.crashInPlace("n1");
        cluster.run(4000);
        assertThat(cluster.open()).as("it has five seconds").isEmpty();
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    /** B10: a server that crashes again and again is not waited for. */
    @Test void aSecondCrashWithinAMinuteGetsNoGrace() {
        var cluster = founded(3);
        cluster.crashInPlace("n1");
        cluster.run(1000);
        cluster.member("n1").phase = Phase.STANDBY;
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        cluster.crashInPlace("n1");
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    /** B13. */
    @Test void nodesWithDifferentListsFoundNothing() {
        var cluster = new SmallCluster(3, node -> node.equals(new NodeId("n2")) ? 5 : 3, SyncWish.OFF);
        cluster.run(5000);
        assertThat(cluster.open()).isEmpty();
        assertThat(cluster.member("n1").state.hold()).startsWith("pg_replica.nodes differs");
    }

    /** B13, P5. */
    @Test void theFirstReservationIsAboveEveryTimelineEverSeen() {
        var cluster = new SmallCluster(3);
        cluster.member("n1").timeline = new Timeline(5);
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        assertThat(cluster.member("n1").timeline).isEqualTo(new Timeline(6));
    }

    /** B20: a node that does not know the leader's term may still acknowledge to an earlier primary. */
    @Test void aReportOfAnOlderTermDoesNotCount() {
        var cluster = founded(5);
        cluster.member("n1").end = new Lsn(0x2100000);
        cluster.members.forEach((id, member) -> {
            if (!id.equals(N1) && !id.equals(N3)) member.upstream = Optional.empty();
        });
        cluster.run(600);
        cluster.loses = (from, sent) -> sent.to().equals(N3) || from.equals(N3) && isCandidacy(sent);
        cluster.kill("n1");
        cluster.run(4000);
        assertThat(timesLogged(cluster, "handing leadership to n3")).as(() -> String.join("\n", cluster.log)).isZero();
        assertThat(cluster.open()).isPresent();
    }
}
