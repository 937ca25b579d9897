package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;
import pgreplica.instance.Observation;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.Settings;
import pgreplica.node.SyncWish;

class SessionTest {
    private static final NodeId N1 = new NodeId("n1");
    private final TreeMap<String, byte[]> files = new TreeMap<>();

    @Test
    void aFirstStartMakesTheFilesAndALaterOneIsTheSameVoter() {
        var first = new Session();
        carryOut(first.step(start(N1, 11)));
        assertThat(files).containsOnlyKeys("ballot", "instance", "log");
        var voter = first.node().orElseThrow().raft().self();

        var second = new Session();
        carryOut(second.step(start(N1, 12)));
        assertThat(second.node().orElseThrow().raft().self()).isEqualTo(voter);
    }

    /** Whoever lost the ballot may have voted, so an incomplete directory is refused. */
    @Test
    void anIncompleteDirectoryIsRefused() {
        carryOut(new Session().step(start(N1, 11)));
        for (var missing : List.of("log", "instance")) {
            var kept = files.remove(missing);
            assertThatThrownBy(() -> new Session().step(start(N1, 12))).isInstanceOf(DamagedState.class)
                    .hasMessageContaining(missing);
            files.put(missing, kept);
        }
    }

    /** A crash during the first start: without a ballot nothing was promised, so it is a first start again. */
    @Test
    void aCrashDuringTheFirstStartIsHarmless() {
        var made = new ArrayList<HostAction.StoreReplace>();
        for (var action : HostActionCodec.decode(new Session().step(HostEventCodec.encode(start(N1, 11))))) {
            if (action instanceof HostAction.StoreReplace replace) made.add(replace);
        }
        assertThat(made).extracting(HostAction.StoreReplace::name).startsWith("log", "instance", "ballot");
        for (int done = 0; done < 3; done++) {
            files.clear();
            for (var action : made.subList(0, done)) files.put(action.name(), action.content());
            carryOut(new Session().step(start(N1, 12)));
            assertThat(files).containsOnlyKeys("ballot", "instance", "log");
        }
    }

    @Test
    void aDirectoryOfAnotherNodeIsRefused() {
        carryOut(new Session().step(start(N1, 11)));
        assertThatThrownBy(() -> new Session().step(start(new NodeId("n2"), 12))).isInstanceOf(DamagedState.class)
                .hasMessageContaining("belongs to node n1");
    }

    @Test
    void anEventBeforeTheStartIsMalformed() {
        var session = new Session();
        assertThatThrownBy(() -> session.step(plain(1, new Event.TimePassed()))).isInstanceOf(Malformed.class);
    }

    @Test
    void anotherStartRemembersNothing() {
        var used = new Session();
        used.step(start(N1, 11));
        used.step(plain(5000, new Event.TimePassed()));
        used.step(start(N1, 12));
        var fresh = new Session();
        fresh.step(start(N1, 12));
        assertThat(used.state()).isEqualTo(fresh.state());
    }

    /** Ten thousand unreadable messages leave a handful of log lines and nothing else. */
    @Test
    void unreadableMessagesAreDroppedWithOneComplaint() {
        var session = new Session();
        session.step(start(N1, 11));
        var complaints = new ArrayList<String>();
        for (int i = 0; i < 10_000; i++) {
            var event = new HostEvent.MessageReceived(new NodeId("n2"), new byte[] {(byte) i, 3, 4});
            for (var action : session.step(new HostEvent.Timed(1000 + i, event))) {
                if (action instanceof HostAction.Plain(Action.Log(var _, var text))) complaints.add(text);
            }
        }
        assertThat(complaints).hasSize(1).first().asString().contains("from node n2");
    }

    @Test
    void theSameEventsGiveTheSameState() {
        var first = new Session();
        var second = new Session();
        for (var session : List.of(first, second)) {
            session.step(start(N1, 11));
            session.step(plain(1100, new Event.Observed(Observation.NOTHING)));
            session.step(plain(5000, new Event.TimePassed()));
        }
        assertThat(first.state()).isEqualTo(second.state());
        second.step(plain(9000, new Event.TimePassed()));
        assertThat(first.state()).isNotEqualTo(second.state());
    }

    private HostEvent.Timed start(NodeId self, long seed) {
        var listed = List.of(new Settings.ListedNode(new NodeId("n1"), "127.0.0.1", 5432, 6432),
                new Settings.ListedNode(new NodeId("n2"), "127.0.0.1", 5433, 6433));
        var settings = new Settings(self, listed, 1000, 0, 5000, -1, SyncWish.OFF, false, "15.1",
                new pgreplica.node.Collation("libc 2.36", false), false, 0);
        var given = new ArrayList<HostEvent.File>();
        files.forEach((name, content) -> given.add(new HostEvent.File(name, content)));
        return new HostEvent.Timed(1000, new HostEvent.Start(settings, seed, given));
    }

    private static HostEvent.Timed plain(long now, Event event) {
        return new HostEvent.Timed(now, new HostEvent.Plain(event));
    }

    private void carryOut(List<HostAction> actions) {
        for (var action : actions) {
            if (action instanceof HostAction.StoreReplace(var name, var content)) files.put(name, content);
        }
    }
}
