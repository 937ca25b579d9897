package pgreplica.simulator;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import pgreplica.node.SyncWish;

/** What goes wrong: one fault after the other, until the world is healed. */
final class Faults {
    /** More than happen in one round. */
    private static final int NUMBERS = 10_000;

    private final World world;
    private final Optional<Set<Integer>> only;
    private final Dice pace;
    /** Of the fault that happens now: leaving one out changes no other. */
    private Dice dice;
    private int number;
    private boolean active = true;
    private boolean lostState;
    private boolean lostData;

    /** @param only the faults that happen, by their numbers; empty for all of them */
    Faults(World world, int round, Optional<Set<Integer>> only) {
        this.world = world;
        this.only = only;
        number = round * NUMBERS;
        pace = new Dice(world.seed, "faults of round " + round);
    }

    void start() {
        if (happens() && dice.chance(0.3)) world.network.loss = dice.between(0, 100) / 1000.0;
        if (happens() && dice.chance(0.3)) world.network.slow = true;
        for (var host : world.hosts) allowMismatch(host, false);
        for (var host : world.hosts) {
            if (happens() && dice.chance(0.3)) host.crashesBetweenActions = dice.between(0, 20) / 10_000.0;
            if (happens() && dice.chance(0.3)) host.disk.slowestMillis = dice.between(1, 40);
        }
        if (happens() && world.present() < world.hosts.size()) enlarge();
        world.in(pace.between(100, 2000), this::next);
    }

    /** Takes the next number, and says whether it is left out. */
    private boolean happens() {
        number++;
        dice = new Dice(world.seed, "fault " + number);
        boolean happens = only.isEmpty() || only.get().contains(number);
        if (happens) world.faults.add(number);
        return happens;
    }

    private void next() {
        if (!active) return;
        if (happens()) {
            world.say(null, "FAULT " + number);
            happen(world.hosts.get(dice.below(world.hosts.size())));
        }
        world.in(pace.chance(0.3) ? pace.between(1, 100) : pace.between(100, 4000), this::next);
    }

    private void happen(Host host) {
        var other = world.hosts.get(dice.below(world.hosts.size()));
        switch (dice.below(27)) {
            case 0, 1 -> loseHost(host);
            case 2, 3 -> host.postgres.killPostmaster();
            case 4, 5 -> host.postgres.crash();
            case 6 -> host.postgres.killWorker();
            case 7, 8 -> host.freeze(dice.chance(0.5) ? dice.between(5, 900) : dice.between(900, 6000));
            case 9 -> isolate(host);
            case 10 -> cutOneWay(host, other);
            case 11 -> cutData(host, other);
            case 12, 13 -> ask(host);
            case 14 -> loseStateOnce(host);
            case 15 -> loseDataOnce(host);
            case 16 -> configure();
            case 17 -> failDisk(host);
            case 18 -> stall(host);
            case 19 -> slowDisk(host);
            case 20 -> failSync(host);
            case 21 -> fillDisk(host);
            case 22 -> blackOut(host);
            case 23 -> drift(host);
            case 24, 25 -> host.freezeWorker(dice.between(5, 1500), dice.chance(0.3));
            case 26 -> prioritise(host);
            default -> throw new IllegalStateException("no such fault");
        }
    }

    /** An operator changes the sync mode on every node, one after the other. */
    private void configure() {
        if (dice.chance(0.5)) return;
        world.sync = Run.anySync(dice, world.hosts.size());
        world.say(null, "CONFIGURED " + world.sync);
        for (var host : world.hosts) {
            world.in(dice.between(1, 2000), host::configure);
        }
    }

    private void loseHost(Host host) {
        long back = dice.between(100, 6000);
        inAWriteOrNow(host, () -> {
            host.losePower();
            world.in(back, host::boot);
        });
    }

    /** What is written and not synced is what a loss of power takes away. */
    private void inAWriteOrNow(Host host, Runnable loss) {
        if (dice.chance(0.6)) loss.run();
        else host.inNextWrite(dice.chance(0.7), loss);
    }

    private void isolate(Host host) {
        world.say(host, "IS CUT OFF");
        for (var other : world.hosts) {
            world.network.cut(host.index, other.index, true);
            world.network.cut(other.index, host.index, true);
        }
        world.in(dice.between(50, 5000), () -> {
            world.say(host, "IS BACK ON THE NETWORK");
            for (var other : world.hosts) {
                world.network.cut(host.index, other.index, false);
                world.network.cut(other.index, host.index, false);
            }
        });
    }

    private void cutOneWay(Host host, Host other) {
        world.say(host, "CANNOT REACH " + other.id);
        world.network.cut(host.index, other.index, true);
        world.in(dice.between(50, 5000), () -> world.network.cut(host.index, other.index, false));
    }

    private void cutData(Host host, Host other) {
        world.say(host, "CANNOT STREAM with " + other.id);
        world.network.cutData(host.index, other.index, true);
        world.in(dice.between(50, 5000), () -> world.network.cutData(host.index, other.index, false));
    }

    private void stall(Host host) {
        host.postgres.receiver.stall(true);
        world.in(dice.between(50, 9000), () -> host.postgres.receiver.stall(false));
    }

    private void failDisk(Host host) {
        host.postgres.failDisk(true);
        world.in(dice.between(50, 8000), () -> host.postgres.failDisk(false));
    }

    private void slowDisk(Host host) {
        var disk = host.disk;
        disk.slowestMillis = dice.chance(0.5) ? dice.between(5, 300) : dice.between(300, 8000);
        world.say(host, "SYNCS within " + disk.slowestMillis + " ms");
        world.in(dice.between(50, 8000), () -> disk.slowestMillis = 0);
    }

    private void failSync(Host host) {
        host.disk.failing = dice.chance(0.5) ? 1 : 0.3;
        world.say(host, "FAILS TO SYNC, of 10 times " + (long) (host.disk.failing * 10));
        world.in(dice.between(50, 6000), () -> host.disk.failing = 0);
    }

    /** The state directory's disk, which may be the data directory's. */
    private void fillDisk(Host host) {
        boolean same = dice.chance(0.5);
        world.say(host, "STATE DIRECTORY IS FULL");
        host.disk.full = true;
        if (same) host.postgres.failDisk(true);
        world.in(dice.between(50, 8000), () -> {
            host.disk.full = false;
            if (same) host.postgres.failDisk(false);
        });
    }

    /** All that was written and not synced is lost at once, everywhere. */
    private void blackOut(Host writing) {
        var back = new TreeMap<Host, Long>(Comparator.comparing(host -> host.index));
        for (var host : world.hosts) back.put(host, dice.between(100, 6000));
        inAWriteOrNow(writing, () -> {
            world.say(null, "BLACKOUT");
            back.forEach((host, millis) -> {
                host.losePower();
                world.in(millis, host::boot);
            });
        });
    }

    private void drift(Host host) {
        long millionths = dice.between(-world.driftBound, world.driftBound);
        world.say(host, "CLOCK DRIFTS by " + millionths + " millionths");
        host.drift(millionths);
    }

    private void prioritise(Host host) {
        host.priority = dice.below(4) * 50;
        world.say(host, "GETS PRIORITY " + host.priority);
        host.restartForSettings();
    }

    /** An operator adds the host that is not there yet: it starts, and all others are restarted with the longer list. */
    private void enlarge() {
        long begins = dice.between(0, 8000);
        for (var host : world.hosts) {
            long delay = begins + dice.between(1, 4000);
            world.in(delay, () -> {
                host.listed = List.copyOf(world.listed);
                if (!host.present) world.say(host, "IS ADDED");
                host.present = true;
                host.boot();
                host.restartForSettings();
            });
        }
    }

    private void ask(Host host) {
        boolean allowLoss = dice.chance(0.2);
        world.say(host, "IS ASKED for a failover" + (allowLoss ? ", whatever is lost" : ""));
        host.ask(number, "failover", allowLoss ? List.of("allow_loss") : List.of());
    }

    /** Once in a run: a second lost voter of three could not be told from the first one's return. */
    private void loseStateOnce(Host host) {
        if (lostState || world.present() < 3 || !world.everyHostVotes() || !founded()) return;
        // Whoever forgets what its data is has lost a copy; a quorum commit survives one such loss at a time.
        boolean quorum = world.sync.mode() != SyncWish.Mode.OFF || world.promises.durable > 0;
        // With a witness two such losses can be all the copies there are.
        boolean fewCopies = world.hosts.stream().anyMatch(other -> other.witness);
        if ((quorum || fewCopies) && !world.promises.unwell().isEmpty()) return;
        // Nobody but an operator can say that the last copy is one.
        boolean another = world.hosts.stream().anyMatch(other ->
                other != host && (other.postgres.isPrimary() || other.postgres.isStreaming()));
        if (!another) return;
        lostState = true;
        host.losePower();
        world.say(host, "STATE DIRECTORY LOST");
        host.loseStateDirectory();
        world.in(dice.between(100, 3000), host::boot);
    }

    /** Only while every other node has good data: two losses at once are more than P11 survives. */
    private void loseDataOnce(Host host) {
        if (lostData || world.present() < 2 || !world.promises.unwell().isEmpty()) return;
        lostData = true;
        host.losePower();
        host.postgres.loseData();
        // An operator who wants the node afresh, or a machine that was replaced.
        boolean all = !lostState && world.present() >= 3 && world.everyHostVotes() && founded() && dice.chance(0.3);
        if (all) {
            lostState = true;
            world.say(host, "STATE DIRECTORY LOST as well");
            host.loseStateDirectory();
        }
        world.in(dice.between(100, 3000), host::boot);
    }

    /** Before every node has the cluster's data there is nothing that could be restored from another one. */
    private boolean founded() {
        return world.promises.promotions > 1;
    }

    private static void allowMismatch(Host host, boolean allowed) {
        if (host.upgradesAtBoot == 0) return;
        host.mismatchAllowed = allowed;
        host.configure();
    }

    void heal() {
        active = false;
        world.slowPromotions = 0;
        world.slowWrites = 0;
        world.network.heal();
        for (var host : world.hosts) {
            host.crashesBetweenActions = 0;
            host.disk.heal();
            host.forgetNextWrite();
            host.postgres.failDisk(false);
            host.postgres.receiver.stall(false);
            host.thaw();
            host.priority = 100;
            // An addition that has begun is finished.
            if (world.present() == world.hosts.size()) host.listed = List.copyOf(world.listed);
            host.boot();
            host.restartForSettings();
            // Where no node is left that sorts as the data is sorted, an operator has to say what then.
            allowMismatch(host, true);
        }
        world.say(null, "ALL IS HEALED");
    }
}
