package pgreplica.simulator;

import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import pgreplica.node.SyncWish;

/** One seed from the founding of a cluster through its troubles to its recovery. */
final class Run {
    private static final long FOUNDING_MILLIS = 60_000;
    /** What P11 allows after the last fault: clones that fail and are tried again are the longest part of it. */
    static final long RECOVERY_MILLIS = 60_000;

    private final World world;
    private final Dice dice;
    private final Optional<Set<Integer>> only;

    Run(long seed, boolean traces, Consumer<String> trace) {
        this(seed, Optional.empty(), traces, trace);
    }

    /** @param only the faults that happen, by their numbers; empty for all of them */
    Run(long seed, Optional<Set<Integer>> only, boolean traces, Consumer<String> trace) {
        this.only = only;
        dice = new Dice(seed, "run");
        int nodes = switch (dice.below(20)) {
            case 0 -> 1;
            case 1, 2 -> 2;
            case 3, 4 -> 4;
            case 5, 6 -> 5;
            case 7 -> 6;
            case 8 -> 7;
            default -> 3;
        };
        world = new World(seed, nodes, traces, trace);
        var sync = new Dice(seed, "sync");
        world.sync = anySync(sync, nodes);
        for (var host : world.hosts) {
            boolean enough = host.index > 0 && nodes >= 3 && host.index % 2 == 0;
            host.witness = enough && sync.chance(0.15);
        }
        if (nodes > 1 && new Dice(seed, "members").chance(0.15)) world.leaveOutTheLast();
        world.slowPromotions = 0.05;
        world.slowWrites = 0.001;
        var libraries = new Dice(seed, "libraries");
        if (libraries.chance(0.3)) world.hosts.forEach(host -> host.upgradesAtBoot = 0.3);
    }

    static SyncWish anySync(Dice dice, int nodes) {
        int standbys = nodes > 2 && dice.chance(0.1) ? nodes - 2 : 0;
        return switch (dice.below(5)) {
            case 0, 1 -> SyncWish.OFF;
            case 2 -> new SyncWish(SyncWish.Mode.QUORUM_AVAILABLE, standbys);
            default -> new SyncWish(SyncWish.Mode.QUORUM, standbys);
        };
    }

    World world() {
        return world;
    }

    /** @throws Promises.Broken when a promise does not hold */
    void go() {
        if (dice.chance(0.5)) {
            var owner = world.hosts.get(dice.below(world.hosts.size()));
            if (!owner.witness && owner.present) owner.postgres.holdUserData();
        }
        for (var host : world.hosts) {
            world.in(dice.between(0, 2000), host::boot);
        }
        world.start();
        recoverWithin(FOUNDING_MILLIS, "after the start");
        for (int round = 1; round <= 2; round++) {
            var faults = new Faults(world, round, only);
            faults.start();
            world.runUntil(world.nowMillis + dice.between(2000, 20_000));
            faults.heal();
            recoverWithin(RECOVERY_MILLIS, "after the last fault");
        }
    }

    private void recoverWithin(long millis, String when) {
        long end = world.nowMillis + millis;
        // Well for a whole second: a moment between two elections is not recovery.
        long wellSince = -1;
        while (world.nowMillis < end) {
            world.runUntil(world.nowMillis + 100);
            if (!world.promises.unwell().isEmpty()) wellSince = -1;
            else if (wellSince < 0) wellSince = world.nowMillis;
            if (wellSince >= 0 && world.nowMillis - wellSince >= 1000) return;
        }
        throw new Promises.Broken("P11: " + millis / 1000 + " s " + when + ": " + world.promises.unwell());
    }
}
