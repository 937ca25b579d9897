package pgreplica.simulator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import pgreplica.base.NodeId;
import pgreplica.codec.HostAction;
import pgreplica.codec.HostActionCodec;
import pgreplica.codec.HostEvent;
import pgreplica.codec.HostEventCodec;
import pgreplica.codec.Session;
import pgreplica.node.Action;
import pgreplica.node.Collation;
import pgreplica.node.Event;
import pgreplica.node.NodeState;
import pgreplica.node.Settings;
import pgreplica.raft.RaftState;

/** One machine: its clock, its disk, and the process in which the core runs. */
final class Host {
    private static final String UPGRADED = "libc 2.41";

    final World world;
    final int index;
    final NodeId id;
    final Dice dice;
    private final Dice libraries;
    final Postgres postgres;
    private TreeMap<String, byte[]> disk = new TreeMap<>();
    private final ArrayDeque<HostEvent> backlog = new ArrayDeque<>();
    private final long driftMillionths;
    private long bootedAtMillis;
    private long clockAtBoot;
    private Optional<Session> session = Optional.empty();
    private boolean preStart;
    /** When the core wants to be woken, by true time, and when it will be, which may be too early. */
    private long wakeDueMillis;
    private long wakeSetMillis = Long.MAX_VALUE;
    boolean powered;
    boolean witness;
    String collation = "libc 2.36";
    boolean mismatchAllowed;
    /** Chance that the machine was given other libraries while it was off. */
    double upgradesAtBoot;
    boolean frozen;
    /** Counts the processes in which the core ran. */
    int life;
    /** What the promises were last checked on. */
    RaftState checked;
    /** Chance that the power fails in the middle of a list of actions. */
    double crashesBetweenActions;

    Host(World world, int index) {
        this.world = world;
        this.index = index;
        id = world.listed.get(index).node();
        dice = new Dice(world.seed, "host " + id);
        libraries = new Dice(world.seed, "libraries of " + id);
        // Two clocks differ by at most 0.8 %; the stated bound is 1 %.
        driftMillionths = dice.between(-4000, 4000);
        postgres = new Postgres(this);
    }

    // ---- clock -------------------------------------------------------------------------------

    long clock() {
        long elapsed = world.nowMillis - bootedAtMillis;
        return clockAtBoot + elapsed + elapsed * driftMillionths / 1_000_000;
    }

    /** True milliseconds until this host's clock shows {@code clockMillis}. */
    private long until(long clockMillis) {
        long local = Math.max(0, clockMillis - clock());
        return Math.max(0, local - local * driftMillionths / 1_000_000);
    }

    // ---- power and processes -----------------------------------------------------------------

    void boot() {
        if (powered) return;
        powered = true;
        bootedAtMillis = world.nowMillis;
        clockAtBoot = dice.between(1, 5000);
        if (upgradesAtBoot > 0 && libraries.chance(upgradesAtBoot)) upgrade();
        world.say(this, "BOOTS");
        postgres.start();
    }

    Collation collation() {
        return new Collation(collation, mismatchAllowed);
    }

    /** Its next processes sort text as a later Debian does. */
    void upgrade() {
        if (collation.equals(UPGRADED)) return;
        collation = UPGRADED;
        world.say(this, "HAS OTHER LIBRARIES: " + collation);
    }

    void losePower() {
        if (!powered) return;
        world.say(this, "LOSES POWER");
        powered = false;
        frozen = false;
        backlog.clear();
        endProcess();
        postgres.losePower();
    }

    void freeze(long millis) {
        if (!powered || frozen) return;
        frozen = true;
        world.say(this, "FREEZES for " + millis + " ms");
        world.in(millis, this::thaw);
    }

    void thaw() {
        if (!frozen) return;
        frozen = false;
        world.say(this, "THAWS");
        while (!backlog.isEmpty() && !frozen) give(backlog.poll());
    }

    void endProcess() {
        session = Optional.empty();
        life++;
        wakeSetMillis = Long.MAX_VALUE;
    }

    boolean isRunning() {
        return session.isPresent();
    }

    Optional<NodeState> state() {
        return session.isPresent() ? session.get().node() : Optional.empty();
    }

    /** The Raft state is gone: the node comes back as another voter (A11). */
    void loseStateDirectory() {
        disk = new TreeMap<>();
    }

    void startProcess(boolean asPreStartChild) {
        if (!powered) return;
        endProcess();
        preStart = asPreStartChild;
        session = Optional.of(new Session());
        var settings = new Settings(id, List.copyOf(world.listed), 1000, 100, 5000, -1, world.sync, witness, "15.1",
                collation(), preStart, 1_700_000_000_000L);
        var files = new ArrayList<HostEvent.File>();
        disk.forEach((name, content) -> files.add(new HostEvent.File(name, content)));
        give(new HostEvent.Start(settings, dice.any(), files));
    }

    // ---- events and actions ------------------------------------------------------------------

    /** An operator reloads the configuration. */
    void configure() {
        give(new Event.Configured(world.sync, mismatchAllowed));
    }

    void give(Event event) {
        give(new HostEvent.Plain(event));
    }

    void give(HostEvent event) {
        if (session.isEmpty()) return;
        if (frozen) {
            if (backlog.size() < 10_000) backlog.add(event);
            return;
        }
        world.events++;
        var timed = new HostEvent.Timed(clock(), event);
        if (world.traces) world.say(this, "<- " + Words.of(event));
        carryOut(step(timed), life);
        world.promises.check(this);
    }

    private List<HostAction> step(HostEvent.Timed timed) {
        try {
            if (world.recorder.isPresent()) world.recorder.get().given(index, HostEventCodec.encode(timed));
            else if (world.crossesBorder) {
                return HostActionCodec.decode(session.get().step(HostEventCodec.encode(timed)));
            }
            return session.get().step(timed);
        } catch (RuntimeException broken) {
            throw new Promises.Broken("the core of " + id + " failed on " + Words.of(timed.event()), broken);
        }
    }

    private void carryOut(List<HostAction> actions, int sameLife) {
        for (var action : actions) {
            if (crashesBetweenActions > 0 && dice.chance(crashesBetweenActions)) {
                if (action instanceof HostAction.StoreAppend torn) tear(torn);
                losePower();
                world.in(dice.between(300, 4000), this::boot);
            }
            if (life != sameLife) return;
            if (world.traces) Words.of(action).ifPresent(text -> world.say(this, "-> " + text));
            switch (action) {
                case HostAction.StoreReplace(var name, var content) -> disk.put(name, content);
                case HostAction.StoreLater(var name, var content) -> disk.put(name, content);
                case HostAction.StoreAppend append -> append(append);
                case HostAction.Send(var to, var payload) -> {
                    world.promises.bounded(this, "message", payload.length, 256 * 1024);
                    world.network.send(this, to, payload);
                }
                case HostAction.Plain(var plain) -> carryOut(plain);
            }
        }
    }

    private void append(HostAction.StoreAppend append) {
        var old = disk.get(append.name());
        if (old == null || old.length != append.offset()) {
            throw new Promises.Broken("P9: " + id + " appends at " + append.offset() + " to " + append.name()
                    + " of " + (old == null ? "no" : old.length) + " bytes");
        }
        var longer = Arrays.copyOf(old, old.length + append.content().length);
        System.arraycopy(append.content(), 0, longer, old.length, append.content().length);
        world.promises.bounded(this, append.name(), longer.length, 512 * 1024);
        disk.put(append.name(), longer);
    }

    /** The power fails while the disk writes: some of it is there. */
    private void tear(HostAction.StoreAppend append) {
        var old = disk.get(append.name());
        int written = dice.below(append.content().length);
        var longer = Arrays.copyOf(old, old.length + written);
        System.arraycopy(append.content(), 0, longer, old.length, written);
        disk.put(append.name(), longer);
    }

    private void carryOut(Action action) {
        switch (action) {
            case Action.WakeAt(var at) -> wakeAt(at);
            case Action.Log(var level, var text) -> world.promises.logged(this, text);
            case Action.Reply(var request, var ok, var text) -> {}
            case Action.Publish(var tables) -> {}
            case Action.SetLease lease -> postgres.setLease(lease, preStart);
            case Action.Seal(var term) -> postgres.seal(term, preStart);
            case Action.Follow follow -> postgres.follow(follow);
            case Action.Promote(var timeline) -> postgres.promote(timeline.number());
            case Action.Restart restart -> postgres.restart(restart);
            case Action.Checkpoint() -> postgres.checkpoint();
            case Action.EnsureSlots(var slots) -> postgres.ensureSlots(slots);
            case Action.WriteIdentity(var identity) -> postgres.writeIdentity(identity);
            case Action.AllowReplication(var names) -> postgres.admit(names);
            case Action.SetSync(var setting) -> postgres.sync.set(setting);
            case Action.AllowReads _ -> {}
            case Action.PersistBallot _, Action.PersistEntries _, Action.PersistLog _, Action.PersistInstance _,
                    Action.NoteFloor _, Action.Send _ -> throw new IllegalStateException("these cross the border as bytes");
        }
    }

    private void wakeAt(long clockMillis) {
        wakeDueMillis = world.nowMillis + until(clockMillis) + dice.between(0, 2);
        if (wakeSetMillis > wakeDueMillis) setWake();
    }

    /** One wake at a time is waited for: most events only put it off. */
    private void setWake() {
        long at = wakeDueMillis;
        wakeSetMillis = at;
        int sameLife = life;
        world.in(at - world.nowMillis, () -> {
            if (life != sameLife || wakeSetMillis != at) return;
            wakeSetMillis = Long.MAX_VALUE;
            if (wakeDueMillis > at) setWake();
            else give(new Event.TimePassed());
        });
    }
}
