package pgreplica.raft;

import java.util.List;
import java.util.Optional;
import java.util.Random;

/** What goes wrong in a simulated group, and what its operators do meanwhile: one run is one seed. */
final class Faults {
    private static final long SECOND = 1_000_000;

    private final World world;
    private final Random random;
    private final List<Host> hosts;
    private final long endMicros;
    private boolean over;

    Faults(World world, long seed, long seconds) {
        this.world = world;
        this.random = new Random(seed ^ 0x5EED);
        this.hosts = List.copyOf(world.hosts.values());
        this.endMicros = world.nowMicros + seconds * SECOND;
    }

    /** Faults for a while, then none: a leader must appear, be followed by all, commit, and serve. */
    void run() {
        world.lossRate = random.nextInt(3) == 0 ? random.nextInt(200) : random.nextInt(10);
        world.duplicateRate = random.nextInt(100);
        world.crashRate = random.nextInt(2) * random.nextInt(300);
        world.slowestMicros = random.nextInt(3) == 0 ? 150_000 : 4_000;
        world.after(2 * SECOND, this::fault);
        world.after(SECOND, this::operate);
        world.runUntil(endMicros);
        heal();
        world.runUntil(endMicros + 3 * Sample.SETTINGS.electionTimeoutMillis() * 1000);
        Promisekeeper.Broken broken = stuck();
        if (broken != null) throw broken;
    }

    private Host anyHost() {
        return hosts.get(random.nextInt(hosts.size()));
    }

    /** Half of the time the leader, which is where it hurts. */
    private Host victim() {
        var leader = world.newestLeader();
        return leader.isPresent() && random.nextBoolean() ? leader.get() : anyHost();
    }

    private void operate() {
        if (over) return;
        for (var host : hosts) world.operate(host, random.nextInt(100));
        if (random.nextInt(10) == 0) world.compact(anyHost());
        world.after(10_000 + random.nextInt(150_000), this::operate);
    }

    private void fault() {
        if (over) return;
        var host = victim();
        switch (random.nextInt(15)) {
            case 0, 1 -> killVoter(host);
            case 2, 3 -> killMachine(host);
            case 4, 5 -> freeze(host);
            case 6 -> isolate(host);
            case 7 -> blockSomeLinks();
            case 8, 9 -> handOver();
            case 10 -> looksGone(host);
            case 11, 12 -> deposeUnnoticed(host);
            case 13 -> restartLoyalVoters(host);
            default -> loseDisk();
        }
        world.after(1_000 + random.nextInt(pause()), this::fault);
    }

    /** Faults come in bursts, for two within one lease do what neither does alone. */
    private int pause() {
        return switch (random.nextInt(5)) {
            case 0, 1 -> 60_000;
            case 2, 3 -> 600_000;
            default -> 5_000_000;
        };
    }

    /** The leader goes on alone while the others believe that it is gone. */
    private void deposeUnnoticed(Host host) {
        isolate(host);
        looksGone(host);
    }

    /** One node asks for votes for a while; then the leader is cut off, and those who kept to it start again. */
    private void restartLoyalVoters(Host leader) {
        var asking = anyHost();
        block(leader, asking, true);
        world.after(900_000 + random.nextInt(900_000), () -> {
            if (over) return;
            isolate(leader);
            for (var other : hosts) {
                if (other != leader && other != asking) killVoter(other);
            }
        });
    }

    private void killVoter(Host host) {
        world.killVoter(host);
        world.after(2_000 + random.nextInt(random.nextBoolean() ? 30_000 : 800_000), () -> world.startVoter(host));
    }

    private void killMachine(Host host) {
        world.killMachine(host);
        if (random.nextInt(3) > 0) looksGone(host);
        world.after(20_000 + random.nextInt(3_000_000), () -> {
            if (host.raft == null) world.boot(host);
        });
    }

    private void freeze(Host host) {
        host.frozen = true;
        world.after(20_000 + random.nextInt(2_500_000), () -> world.thaw(host));
    }

    private void looksGone(Host host) {
        for (var other : hosts) {
            if (random.nextInt(4) > 0) world.tellGone(host.node, other);
        }
    }

    private void isolate(Host host) {
        for (var other : hosts) {
            if (other != host) block(host, other, true);
        }
    }

    private void blockSomeLinks() {
        for (int i = 0; i < hosts.size(); i++) block(anyHost(), anyHost(), random.nextBoolean());
    }

    private void block(Host from, Host to, boolean bothWays) {
        if (from == to) return;
        var there = List.of(from.node, to.node);
        var back = List.of(to.node, from.node);
        world.blocked.add(there);
        if (bothWays) world.blocked.add(back);
        world.after(50_000 + random.nextInt(3_000_000), () -> {
            world.blocked.remove(there);
            world.blocked.remove(back);
        });
    }

    private void handOver() {
        var leader = world.newestLeader();
        if (leader.isEmpty()) return;
        world.feed(leader.get(), new Input.Transfer(anyHost().self, random.nextInt(3) > 0));
    }

    /** One at a time, and only while all the others have their disks. */
    private void loseDisk() {
        if (!world.isComplete()) return;
        var host = anyHost();
        world.wipe(host);
        world.after(20_000 + random.nextInt(1_000_000), () -> {
            if (host.raft == null) world.boot(host);
        });
    }

    private void heal() {
        over = true;
        world.lossRate = 0;
        world.crashRate = 0;
        world.slowestMicros = 4_000;
        world.blocked.clear();
        for (var host : hosts) {
            if (host.raft == null) world.boot(host);
            world.thaw(host);
        }
    }

    private Promisekeeper.Broken stuck() {
        var leader = world.newestLeader();
        if (leader.isEmpty()) {
            return new Promisekeeper.Broken("P11: no leader 3 election timeouts after the last fault" + roles());
        }
        if (!leader.get().isOpen(world.nowMicros)) {
            return new Promisekeeper.Broken("P11: the leader does not serve" + roles());
        }
        for (var host : hosts) {
            boolean member = leader.get().raft.configuration().hasMember(host.self);
            boolean follows = host.raft.leader().equals(Optional.of(leader.get().self));
            if (member && !follows) {
                return new Promisekeeper.Broken("P11: " + host + " does not follow the leader" + roles());
            }
        }
        return null;
    }

    private String roles() {
        var text = new StringBuilder();
        for (var host : hosts) {
            text.append("\n  ").append(host).append(' ').append(host.raft.ballot()).append(' ')
                    .append(host.raft.lastPosition()).append(' ').append(host.raft.configuration()).append(' ')
                    .append(host.raft.role());
        }
        return text.toString();
    }
}
