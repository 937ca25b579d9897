package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.Observation.Receiver;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.Event.Task;
import pgreplica.node.Event.Work;

/** The Postgres server of one host: abstract in what it stores, faithful in how it starts, streams, is promoted and dies. */
final class Postgres {
    private final Host host;
    private final World world;
    private final Dice dice;
    private final Dice promotions;
    final SyncRep sync;
    final WalReceiver receiver;
    private final WalBuffers buffers;

    // What survives a loss of power.
    private DataDirectory data;

    private boolean diskFails;
    /** A promotion that begins does not end. */
    private boolean promotionsHang;

    // What does not.
    private Phase phase = Phase.DOWN;
    private int start;
    private long leaseUntil;
    private long orphansUntil;
    private boolean replaying;
    private boolean minimumRecoveryPending;
    private boolean promoting;
    private List<String> admitted = List.of();
    private Observation lastSeen = Observation.NOTHING;
    private boolean lookDue;

    Postgres(Host host) {
        this.host = host;
        this.world = host.world;
        dice = new Dice(world.seed, "postgres " + host.id);
        promotions = new Dice(world.seed, "promotions of " + host.id);
        sync = new SyncRep(this, host);
        receiver = new WalReceiver(this, host, dice);
        buffers = new WalBuffers(host);
        data = DataDirectory.fresh(world, dice);
    }

    void holdUserData() {
        data.pristine = false;
        for (int i = 0; i < 20; i++) data.wal.write((int) dice.between(50, 5000));
    }

    /** The disk takes no trial writes any more, as when it fills up; what was preallocated can still be written. */
    void failDisk(boolean now) {
        if (diskFails == now) return;
        world.say(host, now ? "DISK TAKES NO WRITES" : "DISK TAKES WRITES");
        diskFails = now;
        look();
    }

    /** An operator removes the file that says which cluster the data belongs to. */
    void loseIdentity() {
        data.identity = DataIdentity.NONE;
    }

    void hangPromotions(boolean now) {
        world.say(host, now ? "WILL NOT END A PROMOTION" : "ENDS PROMOTIONS");
        promotionsHang = now;
    }

    void loseData() {
        world.say(host, "DATA DIRECTORY LOST, initdb again");
        data = DataDirectory.fresh(world, dice);
    }

    // ---- what others ask ---------------------------------------------------------------------

    Wal wal() {
        return data.wal;
    }

    /** Whether it wrote this as a primary that still runs, or has it on its disk. */
    boolean hasWritten(Wal.Branch branch, long lsn) {
        boolean buffered = phase == Phase.PRIMARY && branch == data.wal.branch() && lsn <= buffers.endBehind(data.wal);
        return buffered || data.wal.contains(branch, lsn);
    }

    boolean isPrimary() {
        return phase == Phase.PRIMARY;
    }

    boolean isStreaming() {
        return phase == Phase.STANDBY && receiver.isStreaming();
    }

    boolean isPromoting() {
        return promoting;
    }

    /** How often it was started or stopped. */
    int startNumber() {
        return start;
    }

    boolean isGone() {
        return phase == Phase.DOWN;
    }

    Phase phase() {
        return phase;
    }

    long systemIdentifier() {
        return data.systemIdentifier;
    }

    /** Of its data, as it would say it. */
    long incarnation() {
        return data.identity.incarnation();
    }

    boolean hasUnfinishedWork() {
        return data.unfinishedWork.isPresent();
    }

    /** Whether a backend here would let a commit through: of this server, or an orphan of a killed one. */
    boolean isOpen() {
        long now = host.clock();
        return host.powered && (phase == Phase.PRIMARY && now < leaseUntil || now < orphansUntil);
    }

    /** Up to where {@code name} has told this primary that it has flushed: a bare number, as in Postgres. */
    long flushedBy(String name) {
        for (var receiver : receivers()) {
            if (receiver.applicationName().equals(name)) return receiver.flushed().value();
        }
        return 0;
    }

    boolean admits(String applicationName) {
        return phase == Phase.PRIMARY && admitted.contains(applicationName);
    }

    // ---- life --------------------------------------------------------------------------------

    void start() {
        start(0);
    }

    /**
     * The server starts; unfinished work comes first, with the core in a child of its own.
     *
     * @param later milliseconds for which it has more to recover than usual
     */
    private void start(long later) {
        int mine = ++start;
        host.readSettings();
        phase = Phase.DOWN;
        leaseUntil = 0;
        promoting = false;
        receiver.forget();
        admitted = List.of();
        sync.forget();
        if (data.unfinishedWork.isPresent()) {
            after(dice.between(10, 60), mine, () -> work(mine));
            return;
        }
        phase = Phase.STARTING;
        replaying = true;
        minimumRecoveryPending = dice.chance(0.3);
        after(dice.between(5, 40), mine, () -> host.startProcess(false));
        after(later + dice.between(50, 400), mine, () -> become(Phase.STANDBY));
        after(later + dice.between(400, 700), mine, () -> {
            replaying = false;
            minimumRecoveryPending = false;
            look();
        });
    }

    private void work(int mine) {
        host.startProcess(true);
        long millis = dice.between(200, 2500);
        var ordered = data.unfinishedWork.get();
        after(millis / 2, mine, () -> host.give(new Event.WorkProgress(ordered.work(), "copying", 500, 1000)));
        after(millis, mine, () -> finishWork(ordered, mine));
    }

    private void finishWork(Action.Restart ordered, int mine) {
        var source = world.host(new NodeId(ordered.source()));
        boolean reachable = world.network.dataFlows(host, source) && source.postgres.isPrimary()
                && !source.postgres.admitted.isEmpty();
        if (!reachable) {
            // Without a source the old data stays as it is, and the node comes up to be told something better.
            world.say(host, "WORK FAILED: no source");
            if (dice.chance(0.5)) {
                after(dice.between(200, 1000), mine, () -> work(mine));
                return;
            }
            data.unfinishedWork = Optional.empty();
        } else {
            world.say(host, "WORK DONE from " + source.id);
            data.becomeCopyOf(source.postgres.data, ordered.identity());
        }
        host.endProcess();
        start();
    }

    void stop() {
        endIn(Phase.DOWN);
        host.endProcess();
    }

    void losePower() {
        endIn(Phase.DOWN);
        leaseUntil = 0;
        orphansUntil = 0;
    }

    /** What its processes did and knew is gone; the lease is its backends', which may outlive the postmaster. */
    private void endIn(Phase next) {
        start++;
        phase = next;
        promoting = false;
        buffers.lose();
        receiver.disconnect();
        sync.forget();
    }

    /** kill -9 of the postmaster: its backends go on as orphans, and their fence is the lease they know. */
    void killPostmaster() {
        if (phase == Phase.DOWN || !host.powered) return;
        world.say(host, "POSTMASTER KILLED");
        if (phase == Phase.PRIMARY) orphansUntil = Math.max(orphansUntil, leaseUntil);
        stop();
        later(dice.between(200, 5000), this::start);
    }

    /** A backend dies, so the postmaster ends all others and executes itself anew: a start like any other (decision 4). */
    void crash() {
        crash(dice.chance(0.25) ? dice.between(1000, 4000) : dice.between(5, 100));
    }

    /** @param away until the postmaster starts again; a primary's worker has said why it goes */
    void crash(long away) {
        if (phase != Phase.PRIMARY && phase != Phase.STANDBY || host.frozen) return;
        world.say(host, "BACKEND CRASHES");
        if (phase == Phase.PRIMARY) {
            endIn(Phase.CRASH_RECOVERY);
            lookNow();
        }
        stop();
        later(away, () -> start(dice.chance(0.2) ? dice.between(3000, 9000) : dice.between(0, 1000)));
    }

    /** Only the worker dies; server, gate and fence are as they were. */
    void killWorker() {
        if (phase == Phase.DOWN || !host.isRunning()) return;
        world.say(host, "WORKER DIES");
        host.endProcess();
        later(dice.between(5, 300), () -> host.startProcess(false));
    }

    /** What another process of the server does in its own time. */
    void later(long millis, Runnable what) {
        after(millis, start, what);
    }

    void restartByOperator() {
        if (phase == Phase.DOWN || phase == Phase.STOPPING || host.frozen) return;
        world.say(host, "IS RESTARTED by an operator");
        restart(new Action.Restart(false, Work.NONE, "", DataIdentity.NONE, "an operator restarts it"));
    }

    void restart(Action.Restart ordered) {
        if (phase == Phase.DOWN) return;
        if (ordered.work() != Work.NONE) data.unfinishedWork = Optional.of(ordered);
        int mine = ++start;
        promoting = false;
        long stopping = ordered.immediate() ? dice.between(1, 30) : dice.between(20, 300);
        phase = Phase.STOPPING;
        look();
        after(stopping, mine, () -> {
            stop();
            later(dice.between(50, 300), this::start);
        });
    }

    private void become(Phase next) {
        phase = next;
        look();
    }

    private void after(long millis, int sameStart, Runnable what) {
        world.in(millis, () -> {
            if (start == sameStart && host.powered) whenThawed(sameStart, what);
        });
    }

    private void whenThawed(int sameStart, Runnable what) {
        if (host.frozen) after(20, sameStart, what);
        else what.run();
    }

    // ---- what the core asks ------------------------------------------------------------------

    /** A pre-start child has no server and therefore no fence. */
    void setLease(Action.SetLease lease, boolean preStart) {
        if (preStart) return;
        boolean wasOpen = leaseUntil > 0;
        leaseUntil = lease.untilMillis();
        if (sync.demand(lease.quorum()) || wasOpen && leaseUntil == 0) {
            lastSeen = Observation.NOTHING; // It is looked at again in any case.
            look();
        }
        if (!wasOpen && isOpen()) world.promises.opens(host);
    }

    void seal(Term term, boolean preStart) {
        receiver.close();
        int sameLife = host.life;
        boolean stuck = !preStart && dice.chance(0.005);
        world.in(stuck ? 100 : dice.between(0, 3), () -> tellSealed(term, !stuck, sameLife));
    }

    /** The look is taken when it is told. */
    private void tellSealed(Term term, boolean closed, int sameLife) {
        if (host.life != sameLife) return;
        if (host.isStuck()) {
            world.in(5, () -> tellSealed(term, closed, sameLife));
            return;
        }
        lastSeen = observe();
        host.give(new Event.Sealed(term, closed, lastSeen));
    }

    void admit(List<String> names) {
        admitted = names;
    }

    void promote(int timeline) {
        if (phase != Phase.STANDBY || promoting || dice.chance(0.02)) {
            done(dice.between(1, 50), Task.PROMOTE, false);
            return;
        }
        world.promises.promotes(host, timeline);
        promoting = true;
        int mine = start;
        long usual = dice.between(50, 200);
        long millis = promotions.chance(world.slowPromotions) ? promotions.between(200, 40_000) : usual;
        after(millis, mine, () -> {
            if (promotionsHang) return;
            promoting = false;
            receiver.close();
            receiver.endWrite();
            data.wal.cutIncompleteRecord();
            var branch = new Wal.Branch(world.nextBranch(), timeline, data.wal.timeline(), data.wal.end(), new TreeSet<>());
            data.wal.fork(branch);
            data.wal.write(100);
            data.pristine = false;
            phase = Phase.PRIMARY;
            world.promises.promoted(host, branch);
            look();
        });
    }

    void checkpoint() {
        later(dice.between(20, 800), () -> {
            data.checkpointBranch = data.wal.branch().id();
            look();
            host.give(new Event.TaskDone(Task.CHECKPOINT, true, ""));
        });
    }

    void ensureSlots(List<Action.Slot> wanted) {
        var names = new ArrayList<String>();
        for (var slot : wanted) names.add(slot.name());
        data.slots = List.copyOf(names);
        done(dice.between(1, 30), Task.SLOTS, true);
    }

    void writeIdentity(DataIdentity written) {
        data.identity = written;
        done(dice.between(0, 5), Task.IDENTITY, true);
        look();
    }

    private void done(long millis, Task task, boolean ok) {
        int sameLife = host.life;
        world.in(millis, () -> {
            if (host.life == sameLife) host.give(new Event.TaskDone(task, ok, ok ? "" : "it did not work"));
        });
    }

    // ---- WAL ---------------------------------------------------------------------------------

    /** Called every few milliseconds of true time while the host runs. */
    void tick() {
        if (!host.powered || host.frozen) return;
        if (phase == Phase.PRIMARY) {
            write();
            sync.release();
        }
        if (phase == Phase.STANDBY) receiver.stream();
    }

    private void write() {
        buffers.flushSometimes(data.wal);
        // The server writes some WAL of its own even when clients may not, and nobody waits for it.
        if (dice.chance(0.02)) buffers.write((int) dice.between(30, 200));
        if (!isOpen() || !dice.chance(0.7)) return;
        buffers.write((int) dice.between(40, 3000));
        if (!sync.isDemanded() && buffers.isNotWaitedFor()) {
            world.promises.acknowledged(host, data.wal.branch(), buffers.endBehind(data.wal), false);
            return;
        }
        buffers.flush(data.wal);
        sync.committed(data.wal.branch(), data.wal.end());
    }

    void flushWal() {
        later(buffers.flushMillis(), () -> {
            if (phase != Phase.PRIMARY) return;
            buffers.flush(data.wal);
            look();
        });
    }

    // ---- observation -------------------------------------------------------------------------

    /** Something changed that the host sees within a few milliseconds. */
    void look() {
        if (lookDue) return;
        lookDue = true;
        world.in(dice.between(1, 5), () -> {
            lookDue = false;
            lookNow();
        });
    }

    void lookNow() {
        if (!host.isRunning()) {
            lastSeen = Observation.NOTHING;
            return;
        }
        if (host.isStuck()) return;
        var seen = observe();
        if (seen.equals(lastSeen)) return;
        lastSeen = seen;
        host.give(new Event.Observed(seen));
    }

    private Observation observe() {
        var flags = new Flags(false, minimumRecoveryPending, false, data.unfinishedWork.isPresent(), diskFails, false);
        if (phase == Phase.DOWN) {
            return new Observation(Phase.DOWN, 0, Timeline.NONE, Lsn.ZERO, Lsn.ZERO, false, false, "", Timeline.NONE,
                    Lsn.ZERO, false, false, flags, DataIdentity.NONE, List.of(), List.of(), Lsn.ZERO, Observation.SYNC_UNKNOWN);
        }
        boolean primary = phase == Phase.PRIMARY;
        var branch = data.wal.branch();
        return new Observation(phase, data.systemIdentifier, new Timeline(branch.timeline()),
                new Lsn(primary ? buffers.endBehind(data.wal) : data.wal.completeEnd()), new Lsn(data.wal.end()),
                primary || !replaying, isStreaming(),
                receiver.upstream(), new Timeline(branch.parentTimeline()),
                branch.parentTimeline() == 0 ? Lsn.ZERO : new Lsn(branch.start()), data.checkpointBranch == branch.id(),
                data.pristine, flags, data.identity, data.slots, primary ? receivers() : List.of(), Lsn.ZERO,
                sync.inForce());
    }

    private List<Receiver> receivers() {
        var found = new ArrayList<Receiver>();
        for (var other : world.hosts) {
            if (other.postgres.isStreaming()) other.postgres.receiver.connectedTo(host).ifPresent(found::add);
        }
        return found;
    }
}
