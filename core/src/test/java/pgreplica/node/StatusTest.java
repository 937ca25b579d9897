package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;

/** What status() and members() say of a node in each of its conditions, and why it is not what one would wish. */
class StatusTest {
    private final SmallCluster cluster = SmallCluster.founded(3);

    private Turn turn(String name) {
        return new Turn(cluster.member(name).state, cluster.now);
    }

    private String shown(String node, String column) {
        var page = cluster.last(node, Action.Publish.class, publish -> publish.page() == Action.Page.MOVING).orElseThrow();
        var table = page.tables().getFirst();
        assertThat(table.name()).isEqualTo("status");
        return table.rows().getFirst().get(table.columns().indexOf(column));
    }

    private Map<String, String> member(String seenBy, String of) {
        var table = Publisher.members(turn(seenBy));
        var row = table.rows().stream().filter(one -> one.getFirst().equals(of)).findFirst().orElseThrow();
        var cells = new java.util.HashMap<String, String>();
        for (int i = 0; i < row.size(); i++) cells.put(table.columns().get(i), row.get(i));
        return cells;
    }

    private void look(String name) {
        cluster.give(name, new Event.Observed(cluster.member(name).observation()));
    }

    @Test void aPrimaryShowsThatItServes() {
        cluster.run(1000);
        assertThat(shown("n1", "role")).isEqualTo("primary");
        assertThat(shown("n1", "raft_role")).isEqualTo("leader");
        assertThat(shown("n1", "leader")).isEqualTo("n1");
        assertThat(shown("n1", "primary")).isEqualTo("n1");
        assertThat(shown("n1", "timeline")).isEqualTo("2");
        assertThat(shown("n1", "flushed_lsn")).isEqualTo("0/1000000");
        assertThat(shown("n1", "fenced")).isEqualTo("false");
        assertThat(shown("n1", "fence_reason")).isEmpty();
        assertThat(shown("n1", "state")).isEqualTo("primary");
        assertThat(shown("n1", "reason")).isEmpty();
        assertThat(shown("n1", "system_identifier")).isEqualTo("7000");
        assertThat(shown("n1", "sync_mode")).isEqualTo("off");
        assertThat(shown("n1", "sync_state")).isEmpty();
    }

    @Test void aStandbyShowsWhomItFollows() {
        cluster.run(1000);
        assertThat(shown("n2", "role")).isEqualTo("standby");
        assertThat(shown("n2", "raft_role")).isEqualTo("follower");
        assertThat(shown("n2", "leader")).isEqualTo("n1");
        assertThat(shown("n2", "primary")).isEqualTo("n1");
        assertThat(shown("n2", "fenced")).isEqualTo("true");
        assertThat(shown("n2", "fence_reason")).isEqualTo("this node is not the primary; the leader is n1");
        assertThat(shown("n2", "state")).isEqualTo("streaming");
        assertThat(shown("n2", "reason")).isEmpty();
    }

    @Test void everyPhaseHasAWordAndARole() {
        var words = Map.of(Phase.DOWN, "down", Phase.STARTING, "starting", Phase.STOPPING, "stopping",
                Phase.CRASH_RECOVERY, "crash recovery");
        var roles = Map.of(Phase.DOWN, "down", Phase.STARTING, "standby", Phase.STOPPING, "down",
                Phase.CRASH_RECOVERY, "primary");
        var reasons = Map.of(Phase.DOWN, "Postgres is down", Phase.STARTING, "Postgres is starting", Phase.STOPPING,
                "Postgres is stopping", Phase.CRASH_RECOVERY, "Postgres is in crash recovery");
        cluster.member("n2").upstream = Optional.empty();
        cluster.member("n2").endProven = false;
        words.forEach((phase, word) -> {
            cluster.member("n2").phase = phase;
            look("n2");
            assertThat(Gossip.state(turn("n2"))).isEqualTo(word);
            assertThat(member("n2", "n2")).containsEntry("role", roles.get(phase)).containsEntry("state", word);
            assertThat(OwnData.report(turn("n2")).voidReason()).isEqualTo(reasons.get(phase));
            assertThat(Gossip.reason(turn("n2"))).isEqualTo(reasons.get(phase));
        });
    }

    @Test void aStandbyThatDoesNotStreamIsConnectingOrWaits() {
        var n2 = cluster.member("n2");
        n2.upstream = Optional.empty();
        look("n2");
        assertThat(Gossip.state(turn("n2"))).isEqualTo("connecting");
        cluster.loses = (from, sent) -> true;
        cluster.run(3000);
        cluster.start("n2");
        cluster.run(100);
        assertThat(Gossip.state(turn("n2"))).isEqualTo("waiting");
        assertThat(Gossip.reason(turn("n2"))).isEqualTo("no leader is known");
        assertThat(Gossip.state(turn("n1"))).isEqualTo("fenced primary");
        assertThat(Gossip.reason(turn("n1"))).startsWith("this node is not the primary");
    }

    @Test void whatIsWrongWithTheDataIsSaid() {
        var n2 = cluster.member("n2");
        var flags = Map.of(
                "a rewind or clone is not complete", new Flags(false, false, false, true, false, false),
                "fsync is off, so its WAL may not be on disk", new Flags(false, false, true, false, false, false),
                "it has not reached its minimum recovery point", new Flags(false, true, false, false, false, false),
                "its disk does not take writes", new Flags(false, false, false, false, true, false),
                "it lets no new session in", new Flags(false, false, false, false, false, true));
        flags.forEach((why, flag) -> {
            n2.flags = flag;
            look("n2");
            assertThat(OwnData.report(turn("n2")).voidReason()).isEqualTo(why);
        });
        n2.flags = Flags.NONE;
        n2.identity = new DataIdentity("another", 5);
        look("n2");
        assertThat(OwnData.report(turn("n2")).voidReason()).isEqualTo("it holds data of another system");
        n2.pristine = true;
        look("n2");
        assertThat(OwnData.report(turn("n2")).voidReason())
                .isEqualTo("it holds a fresh data directory that has not been cloned yet");
    }

    /** P8: it is told what to do, and nothing is done to it. */
    @Test void aStrangersDataIsLeftAlone() {
        cluster.member("n2").identity = new DataIdentity("another", 5);
        cluster.member("n2").upstream = Optional.empty();
        cluster.run(2000);
        assertThat(Gossip.reason(turn("n2"))).startsWith("it holds data of system identifier 7000")
                .contains("empty its data directory to have it cloned");
        assertThat(cluster.last("n2", Action.Restart.class)).isEmpty();
    }

    @Test void aNodeThatIsNotHeardIsUnreachable() {
        cluster.kill("n3");
        cluster.run(3000);
        assertThat(member("n1", "n3")).containsEntry("state", "unreachable").containsEntry("voter", "true")
                .hasEntrySatisfying("reason", reason -> assertThat(reason).startsWith("not heard for 3"));
        assertThat(member("n1", "n2")).containsEntry("state", "streaming").containsEntry("reason", "")
                .containsEntry("address", "127.0.0.1:5432").containsEntry("version", "test")
                .containsEntry("priority", "100").containsEntry("lag_bytes", "0");
        cluster.kill("n1");
        cluster.start("n1");
        cluster.run(5);
        assertThat(member("n1", "n3")).containsEntry("reason", "it was not heard since this node started")
                .containsEntry("role", "").containsEntry("address", "127.0.0.1:5433");
    }

    @Test void aStandbyThatLagsShowsByHowMuch() {
        cluster.member("n2").stalled = true;
        cluster.member("n1").end = new Lsn(0x1000800);
        cluster.run(600);
        assertThat(member("n1", "n2")).containsEntry("lag_bytes", "2048").containsEntry("received_lsn", "0/1000000");
    }

    @Test void nobodyIsPrimaryWhenItIsNotHeard() {
        assertThat(Publisher.primary(turn("n2"))).isEqualTo("n1");
        cluster.kill("n1");
        cluster.run(5);
        assertThat(Publisher.primary(turn("n2"))).isEmpty();
        assertThat(Publisher.primaryEnd(turn("n2"))).isEqualTo(new Lsn(0x1000000));
        assertThat(Publisher.primaryEnd(turn("n1"))).isEqualTo(new Lsn(0x1000000));
    }

    @Test void whoBelongsToNoClusterSaysSo() {
        var young = new SmallCluster(3);
        young.member("n2").up = false;
        young.run(1500);
        var n1 = new Turn(young.member("n1").state, young.now);
        assertThat(Gossip.reason(n1)).startsWith("founding waits for node n2");
        var n3 = new Turn(young.member("n3").state, young.now);
        assertThat(Gossip.reason(n3)).isEqualTo("this node belongs to no cluster yet");
        assertThat(Publisher.primary(n3)).isEmpty();
        assertThat(Publisher.primaryEnd(n3)).isEqualTo(Lsn.ZERO);
        assertThat(n3.cluster.latest()).isEmpty();
        assertThat(n3.observed.timeline()).isEqualTo(new Timeline(1));
        assertThat(young.last("n3", Action.Publish.class, publish -> publish.page() == Action.Page.MOVING).orElseThrow()
                .tables().getFirst().rows().getFirst()).contains("none").containsAll(List.of("n3", "standby", "waiting"));
    }

    @Test void whatIsUnderWayHasAWord() {
        var turn = turn("n2");
        turn.errand = Errand.restart(Event.Work.REWIND, cluster.now);
        assertThat(Gossip.state(turn)).isEqualTo("rewinding");
        turn.errand = Errand.restart(Event.Work.CLONE, cluster.now);
        assertThat(Gossip.state(turn)).isEqualTo("cloning");
        turn.errand = Errand.restart(Event.Work.NONE, cluster.now);
        assertThat(Gossip.state(turn)).isEqualTo("restarting");
        turn.errand = Errand.promotion(new Timeline(9), cluster.now);
        assertThat(Gossip.state(turn)).isEqualTo("promoting");
    }

    @Test void aWitnessIsOneAndLacksNothing() {
        var turn = turn("n2");
        turn.settings = SmallCluster.asWitness(turn.settings);
        cluster.member("n2").upstream = Optional.empty();
        turn.observed = cluster.member("n2").observation();
        assertThat(Gossip.state(turn)).isEqualTo("witness");
        assertThat(Gossip.reason(turn)).isEmpty();
    }

    /** Others judge and route by what it says of itself, so they hear of a change before the next regular word. */
    @Test void aChangeIsToldAtOnce() {
        assertThat(Gossip.status(turn("n2")).address()).isEqualTo("127.0.0.1:5432");
        cluster.run(1000);
        changes(() -> cluster.member("n2").upstream = Optional.empty());
        changes(() -> cluster.member("n2").endProven = false);
        changes(() -> cluster.member("n2").phase = Phase.STARTING);
    }

    private void changes(Runnable what) {
        while (tells(() -> {})) cluster.run(5);
        assertThat(tells(what)).isTrue();
    }

    private boolean tells(Runnable what) {
        cluster.done.clear();
        what.run();
        cluster.run(5);
        return cluster.last("n2", Action.Send.class, sent -> sent.envelope().message() instanceof PeerMessage.Status).isPresent();
    }

    @Test void whatWasNotLookedAtIsNotTrusted() {
        var turn = turn("n2");
        turn.seen = false;
        assertThat(OwnData.report(turn).voidReason()).isEqualTo("Postgres was not looked at yet");
    }
}
