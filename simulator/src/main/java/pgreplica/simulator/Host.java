package pgreplica.simulator;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
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
import pgreplica.node.Settings.ListedNode;
import pgreplica.raft.RaftState;

/** One machine: its clock, its disk, and the process in which the core runs. */
final class Host {
    private static final long QUICK_FAILURE_MILLIS = 10_000;
    private static final long BACK_OFF_MILLIS = 100;
    private static final long LONGEST_BACK_OFF_MILLIS = 30_000;
    private static final long REFORK_MILLIS = 1000;
    private static final String UPGRADED = "libc 2.41";

    final World world;
    final int index;
    final NodeId id;
    final Dice dice;
    private final Dice libraries;
    private final Dice wallClock;
    final Postgres postgres;
    final Disk disk;
    private final ArrayDeque<HostEvent> backlog = new ArrayDeque<>();
    private long driftMillionths;
    /** A moment, and what the clock showed then. */
    private long setAtMillis;
    private long clockWhenSet;
    private Optional<Session> session = Optional.empty();
    private boolean preStart;
    /** A write whose end is waited for; the process does nothing else meanwhile. */
    private Optional<HostAction> storing = Optional.empty();
    private boolean workerFrozen;
    /** What happens in the middle of the next write, or of the next one to the log. */
    private Optional<Runnable> inNextWrite = Optional.empty();
    private boolean inNextAppend;
    private long startedMillis;
    private int failures;
    /** When the core wants to be woken, by true time, and when it will be, which may be too early. */
    private long wakeDueMillis;
    private long wakeSetMillis = Long.MAX_VALUE;
    boolean powered;
    /** It is part of the cluster, or an operator has begun to add it. */
    boolean present = true;
    /** In its configuration; the server knows what was there when it started. */
    List<ListedNode> listed;
    private List<ListedNode> known = List.of();
    int priority = 100;
    private int knownPriority = 100;
    /** When it last read what the operators want. */
    long wishedMillis;
    boolean witness;
    String collation = "libc 2.36";
    boolean mismatchAllowed;
    /** Chance that the machine was given other libraries while it was off. */
    double upgradesAtBoot;
    boolean frozen;
    /** Counts the processes in which the core ran. */
    int life;
    /** Whether the log asked for a quorum when its core was last alive. */
    boolean waitsByLog;
    /** What the promises were last checked on. */
    RaftState checked;
    /** Chance that the power fails in the middle of a list of actions. */
    double crashesBetweenActions;

    Host(World world, int index) {
        this.world = world;
        this.index = index;
        id = world.listed.get(index).node();
        dice = new Dice(world.seed, "host " + id);
        listed = List.copyOf(world.listed);
        libraries = new Dice(world.seed, "libraries of " + id);
        wallClock = new Dice(world.seed, "wall clock of " + id);
        // Two clocks differ by at most 0.8 %; the stated bound is 1 %.
        driftMillionths = dice.between(-4000, 4000);
        disk = new Disk(world.seed, id.name());
        postgres = new Postgres(this);
    }

    // ---- clock -------------------------------------------------------------------------------

    long clock() {
        long elapsed = world.nowMillis - setAtMillis;
        return clockWhenSet + elapsed + elapsed * driftMillionths / 1_000_000;
    }

    /** From now on the clock runs at another rate. */
    void drift(long millionths) {
        clockWhenSet = clock();
        setAtMillis = world.nowMillis;
        driftMillionths = millionths;
    }

    /** True milliseconds until this host's clock shows {@code clockMillis}. */
    private long until(long clockMillis) {
        long local = Math.max(0, clockMillis - clock());
        return Math.max(0, local - local * driftMillionths / 1_000_000);
    }

    // ---- power and processes -----------------------------------------------------------------

    void boot() {
        if (powered || !present) return;
        powered = true;
        setAtMillis = world.nowMillis;
        clockWhenSet = dice.between(1, 5000);
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
        failures = 0;
        endProcess();
        disk.losePower();
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
        catchUp();
    }

    private void catchUp() {
        while (!backlog.isEmpty() && !isStuck()) give(backlog.poll());
    }

    /** Nothing that happens is noticed now. */
    boolean isStuck() {
        return frozen || workerFrozen || storing.isPresent();
    }

    /** The core has decided, and what it decided on is not on disk. */
    boolean isStoring() {
        return storing.isPresent();
    }

    /** Only the process in which the core runs; the server goes on, and its watchdog thaws or ends it (watchdog.c). */
    void freezeWorker(long millis, boolean ends) {
        if (session.isEmpty() || isStuck()) return;
        workerFrozen = true;
        world.say(this, "WORKER FREEZES for " + millis + " ms");
        int sameLife = life;
        world.in(millis, () -> {
            if (life != sameLife) return;
            workerFrozen = false;
            if (ends) postgres.killWorker();
            else catchUp();
        });
    }

    /** As a server does that starts. */
    void readSettings() {
        known = listed;
        knownPriority = priority;
    }

    /** An operator's change of the settings that need a restart takes effect. */
    void restartForSettings() {
        if (!known.equals(listed) || knownPriority != priority) postgres.restartByOperator();
    }

    boolean lists(Host other) {
        return known.stream().anyMatch(node -> node.node().equals(other.id));
    }

    void endProcess() {
        storing.ifPresent(disk::abandon);
        storing = Optional.empty();
        workerFrozen = false;
        backlog.clear();
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
        disk.clear();
    }

    void startProcess(boolean asPreStartChild) {
        if (!powered) return;
        endProcess();
        preStart = asPreStartChild;
        startedMillis = world.nowMillis;
        wishedMillis = world.nowMillis;
        if (!disk.open()) {
            leave();
            return;
        }
        session = Optional.of(new Session());
        // Wall clocks may show anything: they are for people's eyes only.
        var settings = new Settings(id, known, 1000, knownPriority, 5000, world.maxFailoverLagBytes, world.sync, witness, "15.1",
                collation(), preStart, 1_700_000_000_000L + wallClock.between(-10_000_000, 10_000_000));
        give(new HostEvent.Start(settings, dice.any(), disk.read()));
    }

    /** As a worker does whose disk failed it: what was to follow does not happen, and it comes back later and later. */
    private void leave() {
        world.say(this, "WORKER LEAVES: its disk failed");
        failures = world.nowMillis - startedMillis >= QUICK_FAILURE_MILLIS ? 1 : failures + 1;
        long pause = failures <= 1 ? 0 : Math.min(BACK_OFF_MILLIS << Math.min(failures - 2, 20), LONGEST_BACK_OFF_MILLIS);
        endProcess();
        boolean child = preStart;
        postgres.later(dice.between(5, 100) + (child ? REFORK_MILLIS : pause), () -> startProcess(child));
    }

    // ---- events and actions ------------------------------------------------------------------

    /** An operator calls a function of the extension. */
    void ask(long request, String verb, List<String> arguments) {
        if (!isRunning()) return;
        world.answers.asked(this, request, arguments.contains("allow_loss"));
        give(new Event.Requested(request, verb, arguments));
    }

    /** An operator reloads the configuration. */
    void configure() {
        wishedMillis = world.nowMillis;
        give(new Event.Configured(world.sync, mismatchAllowed));
    }

    void give(Event event) {
        give(new HostEvent.Plain(event));
    }

    void give(HostEvent event) {
        if (session.isEmpty()) return;
        if (isStuck()) {
            if (backlog.size() < 10_000) backlog.add(event);
            return;
        }
        world.events++;
        var timed = new HostEvent.Timed(clock(), event);
        if (world.traces) world.say(this, "<- " + Words.of(event));
        var before = state().map(NodeState::raft);
        var actions = step(timed);
        if (before.isPresent()) world.promises.durableFirst(this, before.get(), actions);
        carryOut(actions, 0, life);
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

    private void carryOut(List<HostAction> actions, int first, int sameLife) {
        for (int i = first; i < actions.size(); i++) {
            var action = actions.get(i);
            if (crashesBetweenActions > 0 && dice.chance(crashesBetweenActions)) loseItDuring(action);
            if (life == sameLife) strike(action);
            if (life != sameLife) return;
            if (world.traces) Words.of(action).ifPresent(text -> world.say(this, "-> " + text));
            switch (action) {
                case HostAction.StoreReplace _, HostAction.StoreAppend _ -> {
                    if (!store(action, actions, i + 1)) return;
                }
                case HostAction.StoreLater(var name, var content) -> storeLater(name, content);
                case HostAction.Send(var to, var payload) -> {
                    world.promises.bounded(this, "message", payload.length, 256 * 1024);
                    world.network.send(this, to, payload);
                }
                case HostAction.Plain(var plain) -> carryOut(plain);
            }
        }
    }

    void inNextWrite(boolean append, Runnable what) {
        inNextAppend = append;
        inNextWrite = Optional.of(what);
    }

    void forgetNextWrite() {
        inNextWrite = Optional.empty();
    }

    private void strike(HostAction action) {
        boolean struck = inNextWrite.isPresent() && Disk.isWrite(action)
                && (!inNextAppend || action instanceof HostAction.StoreAppend);
        if (!struck) return;
        var what = inNextWrite.get();
        inNextWrite = Optional.empty();
        if (disk.begin(action)) storing = Optional.of(action);
        what.run();
    }

    private void loseItDuring(HostAction action) {
        if (Disk.isWrite(action) && disk.begin(action)) storing = Optional.of(action);
        losePower();
        world.in(dice.between(300, 4000), this::boot);
    }

    /** Durable before the next action starts (P9). False if what follows has to wait, or does not happen. */
    private boolean store(HostAction action, List<HostAction> actions, int next) {
        if (action instanceof HostAction.StoreAppend append) {
            world.promises.bounded(this, append.name(), append.offset() + append.content().length, 512 * 1024);
        }
        long millis = disk.millis();
        boolean begun = disk.begin(action);
        if (begun && millis > 0) {
            int sameLife = life;
            storing = Optional.of(action);
            world.in(millis, () -> stored(actions, next, sameLife));
            return false;
        }
        if (begun && disk.finish(action)) return true;
        leave();
        return false;
    }

    private void stored(List<HostAction> actions, int next, int sameLife) {
        if (life != sameLife) return;
        if (frozen || workerFrozen) {
            world.in(dice.between(1, 20), () -> stored(actions, next, sameLife));
            return;
        }
        var action = storing.orElseThrow();
        storing = Optional.empty();
        if (!disk.finish(action)) {
            leave();
            return;
        }
        carryOut(actions, next, sameLife);
        world.promises.check(this);
        catchUp();
    }

    /** By the assistant, in its own time. */
    private void storeLater(String name, byte[] content) {
        if (!preStart) postgres.later(disk.laterMillis(), () -> disk.replaceIfPossible(name, content));
    }

    private void carryOut(Action action) {
        switch (action) {
            case Action.WakeAt(var at) -> wakeAt(at);
            case Action.Log(var level, var text) -> world.promises.logged(this, text);
            case Action.Reply(var request, var ok, var text) -> world.answers.answered(this, request, ok, text);
            case Action.Publish _ -> {}
            case Action.SetLease lease -> postgres.setLease(lease, preStart);
            case Action.Seal(var term) -> postgres.seal(term, preStart);
            case Action.Follow follow -> postgres.receiver.follow(follow);
            case Action.Promote(var timeline) -> postgres.promote(timeline.number());
            case Action.Restart restart -> postgres.restart(restart);
            case Action.Checkpoint() -> postgres.checkpoint();
            case Action.EnsureSlots(var slots) -> postgres.ensureSlots(slots);
            case Action.WriteIdentity(var identity) -> postgres.writeIdentity(identity);
            case Action.AllowReplication(var names) -> postgres.admit(names);
            case Action.SetSync(var setting) -> postgres.sync.set(setting);
            case Action.AllowReads _ -> {}
            case Action.FlushWal() -> postgres.flushWal();
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
