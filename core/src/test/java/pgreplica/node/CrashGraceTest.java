package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.instance.Observation.Phase;

/** How long a primary that is coming back by itself, with what only it has, is waited for (P4, P11; B10). */
class CrashGraceTest {
    private static final NodeId N1 = new NodeId("n1");

    private static SmallCluster founded() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        assertThat(cluster.open()).contains(N1);
        return cluster;
    }

    /** The primary dies with WAL that nobody else has, and takes three seconds to come to the end of it. */
    private static void crash(SmallCluster cluster) {
        var primary = cluster.members.get(N1);
        cluster.members.values().forEach(member -> member.stalled = true);
        primary.end = new Lsn(primary.end.value() + 0x100);
        cluster.run(100);
        cluster.crash("n1");
        cluster.run(3000);
        if (primary.phase == Phase.STARTING) primary.phase = Phase.STANDBY;
        cluster.members.values().forEach(member -> member.stalled = false);
        cluster.run(4000);
    }

    @Test void theFirstCrashIsWaitedFor() {
        var cluster = founded();
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    @Test void theSecondWithinAMinuteIsNot() {
        var cluster = founded();
        cluster.run(60_000);
        crash(cluster);
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    @Test void aMinuteLaterTheGraceIsThereAgain() {
        var cluster = founded();
        crash(cluster);
        cluster.run(60_000);
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /** It takes sessions before it has replayed all that it wrote. */
    @Test void whoHasNotComeToTheEndOfItsWalIsStillComingBack() {
        var cluster = founded();
        var primary = cluster.members.get(N1);
        cluster.members.values().forEach(member -> member.stalled = true);
        primary.end = new Lsn(primary.end.value() + 0x100);
        cluster.run(100);
        primary.endProven = false;
        primary.phase = Phase.STANDBY;
        primary.lease = 0;
        cluster.restartWorker("n1");
        cluster.run(3000);
        assertThat(cluster.open()).as("it has five seconds").isEmpty();
        primary.endProven = true;
        cluster.members.values().forEach(member -> member.stalled = false);
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /** A leader that has heard nothing of it since it started itself has nothing to wait for. */
    @Test void whoWasNeverHeardIsNotWaitedFor() {
        var cluster = founded();
        cluster.kill("n1");
        cluster.restartWorker("n2");
        cluster.restartWorker("n3");
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent();
    }

    /** Who was appointed after it died before it was promoted, so this one is the last that served. */
    @Test void anAppointmentThatCameToNothingChangesNothing() {
        var cluster = founded();
        var primary = cluster.members.get(N1);
        cluster.members.values().forEach(member -> {
            member.stalled = true;
            member.ignores = Action.Promote.class::isInstance;
        });
        primary.end = new Lsn(primary.end.value() + 0x100);
        cluster.run(100);
        cluster.kill("n1");
        cluster.run(3000);
        var appointed = cluster.members.get(new NodeId("n2")).state.cluster().latest().orElseThrow().node();
        assertThat(appointed).isNotEqualTo(N1);
        cluster.kill(appointed.name());
        cluster.members.values().forEach(member -> member.ignores = action -> false);
        cluster.member("n1").up = true;
        cluster.crash("n1");
        cluster.run(3000);
        assertThat(cluster.open()).as("it has five seconds").isEmpty();
        primary.phase = Phase.STANDBY;
        cluster.members.values().forEach(member -> member.stalled = false);
        cluster.run(4000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    /** Its worker said why it leaves, and then nothing is heard of it for a while. */
    private static SmallCluster away(long millis) {
        var cluster = founded();
        cluster.run(60_000); // Its promotion is long over.
        var primary = cluster.members.get(N1);
        cluster.members.values().forEach(member -> member.stalled = true);
        primary.end = new Lsn(primary.end.value() + 0x100);
        cluster.run(100);
        primary.lease = 0;
        primary.phase = Phase.CRASH_RECOVERY;
        cluster.run(100);
        cluster.kill("n1");
        cluster.run(millis);
        return cluster;
    }

    @Test void whoSaidThatItsServerCrashedIsWaitedForInSilence() {
        var cluster = away(3000);
        assertThat(cluster.open()).as("it has five seconds").isEmpty();
        cluster.crash("n1");
        cluster.run(200);
        assertThat(cluster.open()).as("it speaks before it can be spoken to").isEmpty();
        cluster.members.get(N1).phase = Phase.STANDBY;
        cluster.members.values().forEach(member -> member.stalled = false);
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    @Test void theSilenceIsNoLongerThanTheGrace() {
        var cluster = away(7000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    /** It was told to take over long ago. */
    @Test void whoWasToldToTakeOverIsWaitedForAsWell() {
        var cluster = founded();
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(60_000);
        var primary = cluster.open().orElseThrow();
        assertThat(primary).isNotEqualTo(N1);
        cluster.member(primary.name()).lease = 0;
        cluster.member(primary.name()).phase = Phase.CRASH_RECOVERY;
        cluster.run(500);
        int rule = cluster.members.get(primary).state.leadership().rule();
        assertThat(rule).as(() -> String.join("\n", cluster.log)).isEqualTo(80);
    }

    /** Nobody could be elected meanwhile, and the time has passed. */
    @Test void aWordThatIsOlderThanTheGraceIsNotWaitedFor() {
        var cluster = away(0);
        cluster.loses = (from, sent) -> true;
        cluster.run(6000);
        cluster.loses = (from, sent) -> false;
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }
}
