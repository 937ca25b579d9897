package pgreplica.simulator.twin;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import pgreplica.base.NodeId;
import pgreplica.codec.HostAction;
import pgreplica.codec.HostActionCodec;
import pgreplica.codec.HostEvent;
import pgreplica.codec.HostEventCodec;
import pgreplica.codec.Session;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.Observation.Receiver;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.Event.Task;
import pgreplica.node.Event.Work;
import pgreplica.node.Settings;
import pgreplica.node.Settings.ListedNode;

/**
 * Three nodes to which many things happen, as a source of events for the twin test. What they do is not judged
 * here; both builds only have to do the same. The same seed gives the same events.
 */
final class TroubledCluster implements Iterator<Recorded> {
    private static final int NODES = 3;
    private static final int TICK_MILLIS = 5;
    private static final int STEPS_BETWEEN_STATES = 1000;

    /** What starts: the whole server, only the worker beside a running server, or the child before the server. */
    private enum Startup { SERVER, WORKER, PRE_START }

    private record Later(long atMillis, long number, Runnable what) {}

    private final SplittableRandom random;
    private final List<Member> members = new ArrayList<>();
    private final boolean[][] cut = new boolean[NODES][NODES];
    private final ArrayDeque<Recorded> recorded = new ArrayDeque<>();
    private final PriorityQueue<Later> agenda =
            new PriorityQueue<>(Comparator.comparingLong(Later::atMillis).thenComparingLong(Later::number));
    private long planned;
    private long steps;
    private long requests;
    private long now = 1_000_000;

    TroubledCluster(long seed) {
        random = new SplittableRandom(seed);
        var listed = new ArrayList<ListedNode>();
        for (int i = 0; i < NODES; i++) {
            listed.add(new ListedNode(new NodeId("n" + (i + 1)), "10.0.0." + (i + 1), 5432, 7432));
        }
        boolean founderHasData = random.nextBoolean();
        for (int i = 0; i < NODES; i++) {
            var member = new Member(i, new Settings(listed.get(i).node(), listed, 1000, random.nextInt(3) * 50,
                    random.nextInt(2) * 5000, -1, "1.0.0", false, 1_700_000_000_000L));
            member.postgres.systemIdentifier = 7_000_000 + random.nextInt(1000);
            member.postgres.pristine = i > 0 || !founderHasData;
            members.add(member);
            later(random.nextInt(300), () -> begin(member, Startup.SERVER));
        }
    }

    @Override public boolean hasNext() {
        return true;
    }

    @Override public Recorded next() {
        while (recorded.isEmpty()) tick();
        return recorded.poll();
    }

    private void tick() {
        now += TICK_MILLIS;
        while (!agenda.isEmpty() && agenda.peek().atMillis() <= now) agenda.poll().what().run();
        for (var member : members) {
            work(member);
            if (!member.up || member.frozenUntilMillis > now) continue;
            while (member.up && !member.inbox.isEmpty()) step(member, member.inbox.poll());
            observe(member);
            if (member.up && member.wakeAtMillis <= now) step(member, new HostEvent.Plain(new Event.TimePassed()));
        }
        if (random.nextInt(100) == 0) trouble(members.get(random.nextInt(NODES)));
    }

    private void later(long delayMillis, Runnable what) {
        agenda.add(new Later(now + delayMillis, planned++, what));
    }

    /** Only if the process that planned it still lives then. */
    private void laterInThisLife(Member member, long delayMillis, Runnable what) {
        int life = member.life;
        later(delayMillis, () -> {
            if (member.up && member.life == life) what.run();
        });
    }

    private void tell(Member member, Event event) {
        member.inbox.add(new HostEvent.Plain(event));
    }

    // ---- processes ---------------------------------------------------------------------------------------

    private void begin(Member member, Startup startup) {
        if (member.up) return;
        member.life++;
        member.up = true;
        member.session = new Session();
        member.inbox.clear();
        member.connected.clear();
        member.wakeAtMillis = now + 100;
        member.told = Observation.NOTHING;
        var base = member.settings;
        var settings = new Settings(base.self(), base.listed(), base.electionTimeoutMillis(), base.priority(),
                base.crashRestartGraceMillis(), base.maxFailoverLagBytes(), base.version(),
                startup == Startup.PRE_START, base.wallClockOffsetMillis());
        take(member, new HostEvent.Start(settings, random.nextLong(), member.files()), true);
        if (startup == Startup.SERVER) {
            member.postgres.phase = Phase.STARTING;
            laterInThisLife(member, 50 + random.nextInt(200), () -> member.postgres.phase = Phase.STANDBY);
        }
        for (var other : members) {
            if (other != member) later(random.nextInt(20), () -> connect(member, other));
        }
    }

    private void end(Member member, boolean seenAsGone) {
        if (!member.up) return;
        member.up = false;
        member.life++;
        for (var other : members) disconnect(member, other, seenAsGone);
    }

    private void connect(Member a, Member b) {
        if (!a.up || !b.up || cut[a.number][b.number] || a.connected.contains(b.id())) return;
        a.connected.add(b.id());
        b.connected.add(a.id());
        tell(a, new Event.PeerConnected(b.id()));
        tell(b, new Event.PeerConnected(a.id()));
    }

    private void disconnect(Member a, Member b, boolean gone) {
        if (a.connected.remove(b.id()) && a.up) tell(a, new Event.PeerLost(b.id(), false));
        if (b.connected.remove(a.id()) && b.up) tell(b, new Event.PeerLost(a.id(), gone));
    }

    // ---- trouble -----------------------------------------------------------------------------------------

    private void trouble(Member member) {
        switch (random.nextInt(12)) {
            case 0 -> {
                member.postgres.stop();
                end(member, random.nextBoolean());
                if (random.nextInt(4) == 0) member.tear(1 + random.nextInt(40));
                later(200 + random.nextInt(4000), () -> begin(member, Startup.SERVER));
            }
            case 1 -> {
                end(member, false);
                later(100, () -> begin(member, Startup.WORKER));
            }
            case 2, 3 -> member.frozenUntilMillis = now + random.nextInt(3000);
            case 4, 5, 6 -> cutLink(member, members.get(random.nextInt(NODES)), random.nextInt(4000));
            case 7 -> {
                if (member.postgres.phase != Phase.PRIMARY) return;
                member.postgres.phase = Phase.CRASH_RECOVERY;
                laterInThisLife(member, random.nextInt(7000), () -> {
                    if (member.postgres.phase == Phase.CRASH_RECOVERY) member.postgres.phase = Phase.PRIMARY;
                });
            }
            case 8, 9 -> tell(member, new Event.Requested(++requests, random.nextInt(5) == 0 ? "dance" : "failover",
                    List.of()));
            default -> {
                var garbage = new byte[random.nextInt(200)];
                random.nextBytes(garbage);
                member.inbox.add(new HostEvent.MessageReceived(members.get((member.number + 1) % NODES).id(), garbage));
            }
        }
    }

    private void cutLink(Member a, Member b, long millis) {
        if (a == b) return;
        cut[a.number][b.number] = true;
        cut[b.number][a.number] = true;
        disconnect(a, b, false);
        later(millis, () -> {
            cut[a.number][b.number] = false;
            cut[b.number][a.number] = false;
            connect(a, b);
        });
    }

    // ---- Postgres ----------------------------------------------------------------------------------------

    private void work(Member member) {
        var postgres = member.postgres;
        if (postgres.phase == Phase.PRIMARY) {
            if (member.leaseMillis > now && random.nextInt(8) == 0) postgres.write(random.nextInt(1 << 16));
            postgres.receivers = receivers(member);
        } else if (postgres.phase == Phase.STANDBY && postgres.upstream.isPresent()) {
            var source = member(postgres.upstream.get());
            boolean reachable = !cut[member.number][source.number] && source.postgres.phase == Phase.PRIMARY;
            postgres.streaming = reachable;
            if (reachable && random.nextInt(3) == 0) postgres.becomeLike(source.postgres);
        }
    }

    private List<Receiver> receivers(Member primary) {
        var list = new ArrayList<Receiver>();
        for (var member : members) {
            boolean attached = member.postgres.streaming
                    && member.postgres.upstream.equals(Optional.of(primary.id()));
            if (attached) list.add(new Receiver(member.postgres.applicationName, member.postgres.end));
        }
        return list;
    }

    private void observe(Member member) {
        var seen = member.postgres.observation();
        boolean urgent = !seen.phase().equals(member.told.phase()) || seen.streaming() != member.told.streaming();
        if (!member.up || seen.equals(member.told) || !urgent && random.nextInt(8) != 0) return;
        member.told = seen;
        step(member, new HostEvent.Plain(new Event.Observed(seen)));
    }

    // ---- the core ----------------------------------------------------------------------------------------

    private void step(Member member, HostEvent event) {
        take(member, event, false);
    }

    private void take(Member member, HostEvent event, boolean begins) {
        var bytes = HostEventCodec.encode(new HostEvent.Timed(now, event));
        var session = member.session;
        Optional<byte[]> reply;
        try {
            reply = Optional.of(session.step(bytes));
        } catch (RuntimeException refused) {
            reply = Optional.empty();
        }
        steps++;
        boolean wanted = reply.isPresent() && steps % STEPS_BETWEEN_STATES == 0;
        recorded.add(new Recorded(member.number, begins, bytes, reply,
                wanted ? Optional.of(session.state()) : Optional.empty()));
        if (reply.isEmpty()) {
            end(member, false);
            later(1000, () -> begin(member, Startup.SERVER));
            return;
        }
        int life = member.life;
        for (var action : HostActionCodec.decode(reply.get())) {
            if (member.life == life) carryOut(member, action);
        }
    }

    private void carryOut(Member member, HostAction action) {
        switch (action) {
            case HostAction.StoreReplace replace -> member.store(replace);
            case HostAction.StoreAppend append -> member.store(append);
            case HostAction.Send(var to, var payload) -> send(member, member(to), payload);
            case HostAction.Plain(var plain) -> carryOut(member, plain);
        }
    }

    private void send(Member from, Member to, byte[] payload) {
        if (!from.connected.contains(to.id())) return;
        int life = to.life;
        // Some arrive cut short, which authentication would notice; the decoder must bear it all the same.
        var arriving = random.nextInt(2000) == 0 ? Arrays.copyOf(payload, payload.length / 2) : payload;
        later(random.nextInt(50) == 0 ? random.nextInt(200) : random.nextInt(6), () -> {
            if (to.up && to.life == life) to.inbox.add(new HostEvent.MessageReceived(from.id(), arriving));
        });
    }

    private void carryOut(Member member, Action action) {
        var postgres = member.postgres;
        switch (action) {
            case Action.SetLease lease -> member.leaseMillis = lease.untilMillis();
            case Action.WakeAt(var atMillis) -> member.wakeAtMillis = atMillis;
            case Action.Seal(var term) -> {
                postgres.closeGate();
                boolean closed = random.nextInt(50) != 0;
                laterInThisLife(member, random.nextInt(10),
                        () -> tell(member, new Event.Sealed(term, closed, postgres.observation())));
            }
            case Action.Follow follow -> {
                postgres.upstream = Optional.of(follow.upstream());
                postgres.applicationName = follow.applicationName();
            }
            case Action.Unfollow() -> postgres.closeGate();
            case Action.Promote(var timeline) -> laterInThisLife(member, 50 + random.nextInt(200), () -> {
                if (random.nextInt(10) == 0) tell(member, new Event.TaskDone(Task.PROMOTE, false, "disk full"));
                else if (postgres.phase == Phase.STANDBY) postgres.promote(timeline);
            });
            case Action.Restart restart -> restart(member, restart);
            case Action.Checkpoint() -> laterInThisLife(member, random.nextInt(300), () -> {
                postgres.checkpointed = true;
                tell(member, new Event.TaskDone(Task.CHECKPOINT, true, ""));
            });
            case Action.EnsureSlots(var slots) -> laterInThisLife(member, random.nextInt(50), () -> {
                postgres.slots = slots.stream().map(Action.Slot::name).toList();
                tell(member, new Event.TaskDone(Task.SLOTS, random.nextInt(20) != 0, "a slot is in use"));
            });
            case Action.WriteIdentity(var identity) -> {
                postgres.identity = identity;
                tell(member, new Event.TaskDone(Task.IDENTITY, true, ""));
            }
            case Action.Publish _, Action.Reply _, Action.Log _, Action.EvictClients _,
                    Action.AllowReplication _ -> {} // nothing comes back from them
            case Action.PersistBallot _, Action.PersistEntries _, Action.PersistLog _, Action.PersistInstance _,
                    Action.Send _ -> throw new IllegalStateException("crosses the border as bytes: " + action);
        }
    }

    private void restart(Member member, Action.Restart restart) {
        member.postgres.stop();
        end(member, false);
        if (restart.work() == Work.NONE) {
            later(150 + random.nextInt(300), () -> begin(member, Startup.SERVER));
            return;
        }
        member.postgres.workUnfinished = true;
        later(100, () -> begin(member, Startup.PRE_START));
        for (int i = 1; i <= 4; i++) {
            int part = i;
            later(100 + i * 100, () -> {
                if (member.up) tell(member, new Event.WorkProgress(restart.work(), "copying", part * 1000, 4000));
            });
        }
        later(700 + random.nextInt(1000), () -> {
            end(member, false);
            member.postgres.becomeLike(member(new NodeId(restart.source())).postgres);
            member.postgres.identity = restart.identity();
            member.postgres.workUnfinished = false;
            later(100, () -> begin(member, Startup.SERVER));
        });
    }

    private Member member(NodeId id) {
        for (var member : members) {
            if (member.id().equals(id)) return member;
        }
        throw new IllegalArgumentException("no node is called " + id);
    }
}
