package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation.Phase;

/** What was asked of Postgres: whether it came about, failed, or never was heard of again. Guards P11. */
class ErrandTest {
    private static final NodeId N1 = new NodeId("n1");
    private final SmallCluster cluster = SmallCluster.founded(3);

    private <A extends Action> List<A> all(Class<A> kind) {
        return cluster.done.stream().map(SmallCluster.Done::action).filter(kind::isInstance).map(kind::cast).toList();
    }

    private static void promotedByHand(SmallCluster.Member member) {
        member.upstream = Optional.empty();
        member.phase = Phase.PRIMARY;
        member.timeline = new Timeline(77);
    }

    private String told() {
        return String.join("\n", cluster.log);
    }

    @Test void aPromotionThatNeverHappensIsAskedForAgain() {
        cluster.members.values().forEach(member -> member.ignores = action -> action instanceof Action.Promote);
        cluster.kill("n1");
        cluster.run(5000);
        assertThat(all(Action.Promote.class)).as(() -> told()).hasSize(1);
        cluster.run(4000);
        assertThat(all(Action.Promote.class)).hasSize(2);
        assertThat(all(Action.Promote.class).getLast()).isEqualTo(all(Action.Promote.class).getFirst());
        cluster.members.values().forEach(member -> member.ignores = action -> false);
        cluster.run(6000);
        assertThat(cluster.open()).as(() -> told()).isPresent();
    }

    /** It is fenced meanwhile, so nothing but its return is at stake. */
    @Test void aRestartThatNeverHappensIsAskedForAgain() {
        cluster.member("n2").ignores = action -> action instanceof Action.Restart;
        promotedByHand(cluster.member("n2"));
        cluster.run(59_000);
        assertThat(all(Action.Restart.class)).as(() -> told()).hasSize(1);
        cluster.run(2000);
        assertThat(all(Action.Restart.class)).hasSize(2);
    }

    /** A3: a promotion by hand took a number that nobody gave it. */
    @Test void aPromotionWithoutAnAppointmentIsUndone() {
        promotedByHand(cluster.member("n2"));
        cluster.run(50);
        var restart = all(Action.Restart.class).getFirst();
        assertThat(restart.why()).isEqualTo("Postgres was promoted to timeline 77 without an appointment");
        assertThat(restart.immediate()).isTrue();
        assertThat(cluster.last("n2", Action.SetLease.class).map(Action.SetLease::untilMillis).orElse(0L)).isZero();
    }

    @Test void whatFailedIsSaidInWords() {
        var words = new EnumMap<Event.Task, String>(Map.of(
                Event.Task.PROMOTE, "promotion failed", Event.Task.RESTART, "restart in place failed",
                Event.Task.CHECKPOINT, "checkpoint failed",
                Event.Task.SLOTS, "replication slots could not be brought into order",
                Event.Task.IDENTITY, "the data directory's identity could not be written",
                Event.Task.SYNC, "synchronous_standby_names could not be set"));
        for (var task : Event.Task.values()) {
            cluster.give("n2", new Event.TaskDone(task, true, ""));
            assertThat(cluster.log).as("nothing failed").isEmpty();
            cluster.give("n2", new Event.TaskDone(task, false, "no room"));
            assertThat(cluster.log.getLast()).endsWith(words.get(task) + ": no room");
            assertThat(cluster.last("n2", Action.Log.class).orElseThrow().level()).isEqualTo(Action.Level.WARNING);
            cluster.log.clear();
        }
    }

    @Test void slotsThatCouldNotBeMadeAreAskedForAgain() {
        cluster.run(1000);
        cluster.done.clear();
        cluster.give("n2", new Event.TaskDone(Event.Task.SLOTS, true, ""));
        cluster.member("n1").end = new Lsn(0x3000000);
        cluster.run(10);
        assertThat(cluster.last("n2", Action.EnsureSlots.class)).isEmpty();
        cluster.give("n2", new Event.TaskDone(Event.Task.SLOTS, false, "no room"));
        cluster.member("n1").end = new Lsn(0x3000100);
        cluster.run(10);
        var slots = cluster.last("n2", Action.EnsureSlots.class).orElseThrow().slots();
        assertThat(slots).extracting(Action.Slot::name).containsExactly("pg_replica_n1", "pg_replica_n3");
    }

    /** A9: a position that was reported is written down, but no more often than once in an election timeout. */
    @Test void howFarItsDataReachedIsWrittenDown() {
        for (int i = 1; i <= 40; i++) {
            cluster.member("n1").end = new Lsn(0x2000000 + i);
            cluster.run(100);
        }
        var notes = cluster.done.stream().filter(one -> one.node().equals(N1)).map(SmallCluster.Done::action)
                .filter(Action.NoteFloor.class::isInstance).map(Action.NoteFloor.class::cast).toList();
        assertThat(notes).hasSizeBetween(3, 5);
        assertThat(notes.getLast().identity()).isEqualTo(cluster.member("n1").identity);
        assertThat(notes.getLast().timeline()).isEqualTo(cluster.member("n1").timeline);
        assertThat(notes.getLast().position().value()).isBetween(0x2000000L + 30, 0x2000000L + 40);
        cluster.run(3000);
        cluster.done.clear();
        cluster.run(3000);
        assertThat(cluster.last("n1", Action.NoteFloor.class)).as("it stands still").isEmpty();
    }

    /** A crash came between the state directory and the data directory. */
    @Test void dataOfTheFoundingPrimaryGetsItsIdentityInTheEnd() {
        var young = new SmallCluster(3);
        var n1 = young.member("n1");
        n1.ignores = action -> action instanceof Action.WriteIdentity;
        young.run(200);
        var written = young.last("n1", Action.WriteIdentity.class).orElseThrow().identity();
        assertThat(n1.state.instance().identity()).isEqualTo(written).isNotEqualTo(DataIdentity.NONE);
        assertThat(young.open()).isEmpty();
        n1.ignores = action -> false;
        young.start("n1");
        young.run(8000);
        assertThat(n1.identity).isEqualTo(written);
        assertThat(young.open()).as(() -> String.join("\n", young.log)).contains(N1);
    }

    @Test void aRestartThatFailedIsNotWaitedFor() {
        cluster.inside("n2", turn -> turn.errand = Errand.restart(Event.Work.NONE, turn.now));
        cluster.give("n2", new Event.TaskDone(Event.Task.RESTART, true, ""));
        assertThat(cluster.member("n2").state.errand().restarting()).as("it is under way").isTrue();
        cluster.give("n2", new Event.TaskDone(Event.Task.RESTART, false, "no room"));
        assertThat(cluster.member("n2").state.errand()).isEqualTo(Errand.NONE);
    }

    /** A standby receives more than it has replayed, and what is no complete record yet may be cut off (B17). */
    @Test void aStandbyWritesDownWhatItReplayed() {
        cluster.member("n2").halfRecordBytes = 0x40;
        cluster.member("n1").end = new Lsn(0x3000000);
        cluster.run(1500);
        assertThat(cluster.last("n2", Action.NoteFloor.class).orElseThrow().position()).isEqualTo(cluster.member("n2").end);
    }
}
