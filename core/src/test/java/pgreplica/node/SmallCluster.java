package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Phase;
import pgreplica.base.LogPosition;
import pgreplica.raft.Ballot;
import pgreplica.raft.Configuration;
import pgreplica.raft.Log;
import pgreplica.raft.Message;
import pgreplica.raft.SnapshotImage;

/**
 * Nodes on a perfect network with one clock and a Postgres that does at once what it is asked. For tests of one
 * conversation at a time; the simulator is where faults are.
 */
final class SmallCluster {
    final Map<NodeId, Member> members = new LinkedHashMap<>();
    final List<String> log = new ArrayList<>();
    /** Everything that any node asked of its host, oldest first. */
    final List<Done> done = new ArrayList<>();
    /** Messages that get lost. */
    BiPredicate<NodeId, Action.Send> loses = (from, sent) -> false;
    long now = 1000;

    record Done(NodeId node, Action action) {}

    static final class Member {
        NodeState state;
        boolean up = true;
        boolean stalled;
        long lease;
        boolean quorum;
        boolean tellAnyway;
        boolean looksAnew = true;
        long wakeAt;
        Timeline timeline = new Timeline(1);
        Timeline parent = Timeline.NONE;
        Lsn fork = Lsn.ZERO;
        Lsn end = new Lsn(0x1000000);
        Phase phase = Phase.STANDBY;
        boolean pristine;
        String collation = "libc 2.36";
        long systemIdentifier;
        DataIdentity identity = DataIdentity.NONE;
        Optional<NodeId> upstream = Optional.empty();
        /** Received behind the last complete record. */
        long halfRecordBytes;
        /** Written by a primary and not flushed. */
        long unflushedBytes;
        boolean endProven = true;
        /** Where the WAL begins that it still has. */
        Lsn oldest = Lsn.ZERO;
        boolean gateSticks;
        /** What its Postgres is asked and never does. */
        Predicate<Action> ignores = action -> false;
        Observation.Flags flags = Observation.Flags.NONE;
        /** synchronous_standby_names in force, and whether a wish for another is heard. */
        String syncSetting = "";
        boolean keepsSyncSetting;
        /** Under which name it streams, and how far the primary hears that it has flushed. */
        String streamsAs = "";
        UnaryOperator<String> showsAs = streams -> streams;
        UnaryOperator<Lsn> confirms = flushed -> flushed;
        List<Observation.Receiver> receivers = List.of();
        /** The term it was found sealed in since it followed anybody. */
        Optional<Term> sealed = Optional.empty();
        final ArrayDeque<Event> inbox = new ArrayDeque<>();
        final ArrayDeque<Event> nextTick = new ArrayDeque<>();

        Observation observation() {
            var replayed = new Lsn(end.value() + (phase == Phase.PRIMARY ? unflushedBytes : 0));
            return new Observation(phase, systemIdentifier, timeline, replayed, new Lsn(end.value() + halfRecordBytes),
                    endProven && phase != Phase.STARTING,
                    upstream.isPresent(), upstream.map(NodeId::name).orElse(""), parent, fork,
                    true, pristine, flags, identity, List.of(), phase == Phase.PRIMARY ? receivers : List.of(), oldest,
                    syncSetting);
        }
    }

    SmallCluster(int size) {
        this(size, node -> size, SyncWish.OFF);
    }

    /** @param listedBy how many nodes stand in the list of each */
    SmallCluster(int size, ToIntFunction<NodeId> listedBy, SyncWish wish) {
        var all = new ArrayList<Settings.ListedNode>();
        for (int i = 1; i <= 9; i++) {
            all.add(new Settings.ListedNode(new NodeId("n" + i), "127.0.0.1", 5430 + i, 5530 + i));
        }
        for (int i = 0; i < size; i++) {
            var listed = List.copyOf(all.subList(0, listedBy.applyAsInt(all.get(i).node())));
            var member = new Member();
            member.pristine = i > 0;
            member.systemIdentifier = 7000 + i;
            members.put(listed.get(i).node(), member);
            var settings = new Settings(listed.get(i).node(), listed, 1000, 100, 5000, -1, wish, false, "test",
                    new Collation(member.collation, false), false, 0);
            var empty = new Log(new SnapshotImage(LogPosition.START, Configuration.EMPTY, ClusterState.EMPTY),
                    List.of());
            var files = new StoredFiles(Optional.empty(), new Ballot(Term.ZERO, Optional.empty()), empty,
                    InstanceRecord.EMPTY);
            take(listed.get(i).node(), member, Node.start(settings, files, i + 1, now));
            member.inbox.add(new Event.Observed(member.observation()));
        }
        for (var from : members.keySet()) {
            for (var to : members.keySet()) {
                if (!from.equals(to)) members.get(from).inbox.add(new Event.PeerConnected(to));
            }
        }
    }

    /** Whose first node serves; what was said and done until then is forgotten. */
    static SmallCluster founded(int size) {
        var cluster = new SmallCluster(size);
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId("n1"));
        cluster.done.clear();
        cluster.log.clear();
        return cluster;
    }

    void run(long millis) {
        long end = now + millis;
        while (now < end) {
            now += 5;
            for (var entry : members.entrySet()) {
                var member = entry.getValue();
                if (!member.up) continue;
                member.inbox.addAll(member.nextTick);
                member.nextTick.clear();
                stream(member);
                member.receivers = receiversOf(entry.getKey());
                var seen = member.observation();
                if (member.tellAnyway || !seen.equals(member.state.observed())) member.inbox.add(new Event.Observed(seen));
                member.tellAnyway = false;
                if (now >= member.wakeAt) member.inbox.add(new Event.TimePassed());
                while (!member.inbox.isEmpty()) {
                    take(entry.getKey(), member, Node.step(member.state, now, member.inbox.poll()));
                }
            }
        }
    }

    private List<Observation.Receiver> receiversOf(NodeId primary) {
        var receivers = new ArrayList<Observation.Receiver>();
        for (var member : members.values()) {
            boolean streams = member.up && member.upstream.equals(Optional.of(primary));
            if (streams) receivers.add(new Observation.Receiver(member.showsAs.apply(member.streamsAs),
                    member.confirms.apply(member.end)));
        }
        return List.copyOf(receivers);
    }

    private void stream(Member member) {
        if (member.upstream.isEmpty() || member.stalled) return;
        var source = members.get(member.upstream.get());
        if (!source.up || source.phase != Phase.PRIMARY) return;
        member.timeline = source.timeline;
        member.parent = source.parent;
        member.fork = source.fork;
        member.end = source.end;
    }

    void kill(String name) {
        var gone = new NodeId(name);
        members.get(gone).up = false;
        members.forEach((id, member) -> {
            if (!id.equals(gone)) member.inbox.add(new Event.PeerLost(gone, true));
        });
    }

    private void take(NodeId id, Member member, NodeStep step) {
        member.state = step.state();
        for (var action : step.actions()) {
            done.add(new Done(id, action));
            keepsTheRules(id, member, action, now);
            carryOut(id, member, action);
        }
    }

    /** What holds for every action, whatever is tried. */
    private static void keepsTheRules(NodeId id, Member member, Action action, long now) {
        var cluster = member.state.cluster();
        switch (action) {
            case Action.Promote(var timeline) -> assertThat(cluster.isAppointed(id, timeline))
                    .as("A3: the reservation of timeline %s is committed before %s is promoted", timeline, id).isTrue();
            case Action.SetLease lease -> assertThat(
                            lease.untilMillis() == 0 || cluster.latest().orElseThrow().fork().isPresent())
                    .as("A2: the fork is recorded before %s serves", id).isTrue();
            case Action.Send(_, Envelope(_, _, _, PeerMessage.Raft(Message.VoteReply vote))) -> assertThat(
                            !vote.granted() || member.sealed.equals(Optional.of(vote.term())))
                    .as("A7: %s votes in term %s, sealed in %s", id, vote.term(), member.sealed).isTrue();
            case Action.Restart _ -> assertThat(member.lease)
                    .as("P2: the fence of %s is closed before its server is asked to stop", id).isZero();
            case Action.WakeAt(var at) -> assertThat(at).as("%s asks to be woken in the past", id).isGreaterThan(now);
            default -> {}
        }
    }

    /** A node's settings but for these. */
    static Settings like(Settings had, int priority, long maxFailoverLagBytes, boolean witness, long wallClockOffsetMillis) {
        return new Settings(had.self(), had.listed(), had.electionTimeoutMillis(), priority, had.crashRestartGraceMillis(),
                maxFailoverLagBytes, had.sync(), witness, had.version(), had.collation(), had.preStart(),
                wallClockOffsetMillis);
    }

    static Settings asWitness(Settings had) {
        return like(had, had.priority(), had.maxFailoverLagBytes(), true, had.wallClockOffsetMillis());
    }

    /** One event for one node, now. */
    void give(String name, Event event) {
        var member = member(name);
        take(new NodeId(name), member, Node.step(member.state, now, event));
    }

    /** Something inside of one node, that in life another event would bring about. */
    void inside(String name, Consumer<Turn> what) {
        var turn = new Turn(member(name).state, now);
        what.accept(turn);
        take(new NodeId(name), member(name), turn.done());
    }

    Member member(String name) {
        return members.get(new NodeId(name));
    }

    /** The last action of this kind that the node asked for. */
    <A extends Action> Optional<A> last(String name, Class<A> kind) {
        return last(name, kind, action -> true);
    }

    <A extends Action> Optional<A> last(String name, Class<A> kind, Predicate<A> which) {
        return done.reversed().stream().filter(one -> one.node().name().equals(name)).map(Done::action)
                .filter(kind::isInstance).map(kind::cast).filter(which).findFirst();
    }

    private void carryOut(NodeId id, Member member, Action action) {
        if (member.ignores.test(action)) return;
        switch (action) {
            case Action.Send(var to, var envelope) -> {
                var target = members.get(to);
                boolean arrives = target.up && !loses.test(id, new Action.Send(to, envelope));
                if (arrives) target.inbox.add(new Event.MessageReceived(id, envelope));
            }
            case Action.SetLease(var until, _, _, var quorum) -> {
                // As the host does: what is seen from now on was not acknowledged before the backends knew.
                boolean another = quorum != member.quorum || until == 0 && member.lease > 0;
                member.tellAnyway |= another && member.looksAnew;
                member.lease = until;
                member.quorum = quorum;
            }
            case Action.WakeAt(var at) -> member.wakeAt = at;
            case Action.Seal(var term) -> {
                member.upstream = Optional.empty();
                member.sealed = Optional.of(term);
                // It takes its time to find that the gate cannot be closed.
                var answer = new Event.Sealed(term, !member.gateSticks, member.observation());
                (member.gateSticks ? member.nextTick : member.inbox).add(answer);
            }
            case Action.Follow follow -> {
                member.upstream = Optional.of(follow.upstream());
                member.streamsAs = follow.applicationName();
                member.sealed = Optional.empty();
            }
            case Action.Promote(var timeline) -> {
                member.parent = member.timeline;
                member.fork = member.end;
                member.timeline = timeline;
                member.phase = Phase.PRIMARY;
            }
            case Action.SetSync(var setting) -> member.syncSetting = member.keepsSyncSetting ? member.syncSetting : setting;
            case Action.FlushWal() -> {
                member.end = new Lsn(member.end.value() + member.unflushedBytes);
                member.unflushedBytes = 0;
            }
            case Action.Restart restart -> restart(member, restart);
            case Action.WriteIdentity(var identity) -> member.identity = identity;
            case Action.Log(_, var text) -> log.add(now + " " + text);
            case Action.NoteFloor _, Action.PersistBallot _, Action.PersistEntries _, Action.PersistLog _, Action.PersistInstance _,
                    Action.Checkpoint _, Action.EnsureSlots _, Action.Publish _, Action.Reply _,
                    Action.AllowReplication _, Action.AllowReads _ -> {}
        }
    }

    private void restart(Member member, Action.Restart restart) {
        member.phase = Phase.STANDBY;
        startWorker(member, restart);
    }

    private void startWorker(Member member, Action.Restart restart) {
        if (restart.work() != Event.Work.NONE) {
            var source = members.get(new NodeId(restart.source()));
            member.systemIdentifier = source.systemIdentifier;
            member.timeline = source.timeline;
            member.parent = source.parent;
            member.fork = source.fork;
            member.end = source.end;
            member.pristine = false;
            member.identity = restart.identity();
        }
        var files = new StoredFiles(Optional.of(member.state.raft().self()), member.state.raft().ballot(),
                member.state.raft().log(), member.state.instance());
        var before = member.state.settings();
        var settings = new Settings(before.self(), before.listed(), before.electionTimeoutMillis(), before.priority(),
                before.crashRestartGraceMillis(), before.maxFailoverLagBytes(), before.sync(), before.witness(),
                before.version(), new Collation(member.collation, before.collation().mismatchAllowed()),
                before.preStart(), before.wallClockOffsetMillis());
        beginLife(before.self(), member, settings, files);
    }

    private void beginLife(NodeId id, Member member, Settings settings, StoredFiles files) {
        member.sealed = Optional.empty();
        member.upstream = Optional.empty();
        member.inbox.clear();
        take(id, member, Node.start(settings, files, now, now));
        member.inbox.add(new Event.Observed(member.observation()));
        for (var other : new TreeSet<>(members.keySet())) {
            if (other.equals(id) || !members.get(other).up) continue;
            member.inbox.add(new Event.PeerConnected(other));
            members.get(other).inbox.add(new Event.PeerConnected(id));
        }
    }

    /** Its server starts anew, as after a crash, and has not come to the end of its WAL yet. */
    void crash(String name) {
        member(name).lease = 0;
        member(name).phase = Phase.STARTING;
        restartWorker(name);
    }

    /** The worker alone died, and comes back above a server that ran on. */
    void restartWorker(String name) {
        member(name).up = true;
        startWorker(member(name), new Action.Restart(true, Event.Work.NONE, "", DataIdentity.NONE, "worker"));
    }

    /** A backend was killed: the server recovers in place, and its worker is another process. */
    void crashInPlace(String name) {
        member(name).phase = Phase.CRASH_RECOVERY;
        restartWorker(name);
    }

    /** Its state directory is lost, its data is not. */
    void forget(String name) {
        var member = member(name);
        var empty = new Log(new SnapshotImage(LogPosition.START, Configuration.EMPTY, ClusterState.EMPTY), List.of());
        var files = new StoredFiles(Optional.empty(), new Ballot(Term.ZERO, Optional.empty()), empty, InstanceRecord.EMPTY);
        member.up = true;
        member.lease = 0;
        member.phase = Phase.STANDBY;
        beginLife(new NodeId(name), member, member.state.settings(), files);
    }

    /** Its machine starts again with other libraries. */
    void upgrade(String name, String collation) {
        member(name).collation = collation;
        start(name);
    }

    void start(String name) {
        var member = members.get(new NodeId(name));
        member.up = true;
        member.lease = 0;
        restart(member, new Action.Restart(true, Event.Work.NONE, "", DataIdentity.NONE, "started"));
    }

    Optional<NodeId> open() {
        Optional<NodeId> found = Optional.empty();
        for (var entry : members.entrySet()) {
            var member = entry.getValue();
            if (member.phase != Phase.PRIMARY || member.lease <= now) continue;
            if (found.isPresent()) throw new AssertionError("two open fences: " + found.get() + ", " + entry.getKey());
            found = Optional.of(entry.getKey());
        }
        return found;
    }
}
