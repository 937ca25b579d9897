package pgreplica.raft;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/**
 * A group of voters with a network, clocks that drift, disks and operators, all from one seed. Voters run the
 * shipped code; their hosts carry out what it asks for, and may die between any two outputs of a step.
 */
final class World {
    private record Event(long atMicros, long number, Runnable what) {}

    final TreeMap<NodeId, Host> hosts = new TreeMap<>();
    final Promisekeeper keeper = new Promisekeeper();
    final Set<List<NodeId>> blocked = new HashSet<>();
    private final PriorityQueue<Event> agenda =
            new PriorityQueue<>(Comparator.comparingLong(Event::atMicros).thenComparingLong(Event::number));
    private final Mutation mutation;
    private final Random network;
    private final Random disk;
    private long eventNumber;
    private long commandNumber;
    private boolean forging;
    private final TreeMap<NodeId, List<Runnable>> lateWrites = new TreeMap<>();

    long nowMicros = 1_000_000;
    /** Per thousand. */
    int lossRate;
    int duplicateRate;
    int crashRate;
    long slowestMicros = 3_000;

    World(int size, long seed, Mutation mutation) {
        this.mutation = mutation;
        var random = new Random(seed);
        network = new Random(random.nextLong());
        disk = new Random(random.nextLong());
        var founders = Sample.voters(size);
        for (var voter : founders.voters()) {
            int ratePerMillion = random.nextInt(10_001) - 5_000;
            var host = new Host(voter, ratePerMillion, Sample.founded(founders), Sample.foundersBallot());
            hosts.put(voter.node(), host);
            boot(host);
        }
    }

    void after(long micros, Runnable what) {
        agenda.add(new Event(nowMicros + micros, eventNumber++, what));
    }

    /** For the life of the voter that runs now. */
    void afterIfAlive(Host host, long micros, Runnable what) {
        int life = host.life;
        after(micros, () -> {
            if (host.raft != null && host.life == life) what.run();
        });
    }

    void runUntil(long micros) {
        while (!agenda.isEmpty() && agenda.peek().atMicros <= micros) {
            var event = agenda.poll();
            nowMicros = event.atMicros;
            event.what.run();
        }
        nowMicros = micros;
    }

    // ---- machines

    void boot(Host host) {
        host.bootedAtMicros = nowMicros;
        host.fenceUntilMillis = 0;
        startVoter(host);
    }

    void startVoter(Host host) {
        if (host.raft != null) return;
        host.frozen = false;
        host.inbox.clear();
        host.life++;
        host.applied = (Sample.Applied) host.diskLog.base().snapshot();
        long now = host.clockMillis(nowMicros);
        long seed = host.life * 1_000_003L + host.node.name().hashCode() + disk.nextInt();
        host.raft = mutation.started(
                Raft.start(host.self, host.diskBallot, host.diskLog, Sample.SETTINGS, now, seed));
        wakeInTime(host);
        if (host.isOpen(nowMicros)) feed(host, new Input.Campaign());
    }

    /** The voter's process ends. What is in shared memory stays, and backends go on by it. */
    void killVoter(Host host) {
        host.raft = null;
        host.inbox.clear();
        lateWrites.remove(host.node);
    }

    void killMachine(Host host) {
        killVoter(host);
        host.fenceUntilMillis = 0;
    }

    /** The disk is lost, and with it what the voter promised for ever: it comes back as somebody else. */
    void wipe(Host host) {
        killMachine(host);
        host.self = new VoterId(host.node, host.self.number() + 1);
        host.diskBallot = Ballot.START;
        host.diskLog = Log.blank(new Sample.Applied(0, 0));
    }

    void thaw(Host host) {
        if (!host.frozen) return;
        host.frozen = false;
        var missed = List.copyOf(host.inbox);
        host.inbox.clear();
        missed.forEach(Runnable::run);
        feed(host, new Input.TimePassed());
    }

    private void wakeInTime(Host host) {
        long at = host.realMicrosAt(host.raft.deadlineMillis());
        afterIfAlive(host, Math.max(0, at - nowMicros), () -> {
            if (host.raft.deadlineMillis() <= host.clockMillis(nowMicros)) feed(host, new Input.TimePassed());
        });
    }

    // ---- one step and what the host does about it

    void feed(Host host, Input input) {
        if (host.raft == null) return;
        if (host.frozen) {
            int life = host.life;
            host.inbox.add(() -> {
                if (host.life == life) feed(host, input);
            });
            return;
        }
        var before = host.raft;
        var step = stepWithMutation(before, host.clockMillis(nowMicros), input);
        host.raft = step.state();
        int dieBefore = disk.nextInt(100_000) < crashRate ? disk.nextInt(step.outputs().size() + 1) : -1;
        for (int i = 0; i < step.outputs().size(); i++) {
            if (i == dieBefore) {
                killVoter(host);
                after(disk.nextInt(600_000), () -> startVoter(host));
                return;
            }
            carryOut(host, step.outputs().get(i));
        }
        if (host.leads() && !before.isLeader()) keeper.leads(host.raft);
        if (host.raft.released() && !before.released()) keeper.count("releases");
        openFence(host);
        boolean dueChanged = host.raft.deadlineMillis() != before.deadlineMillis();
        if (dueChanged || input instanceof Input.TimePassed) wakeInTime(host);
        forge(host);
    }

    private RaftStep stepWithMutation(RaftState before, long now, Input input) {
        if (!(input instanceof Input.GrantReady)) {
            var step = Raft.step(before, now, input);
            return new RaftStep(mutation.afterStep(before, step.state()), step.outputs());
        }
        var step = Raft.step(mutation.beforeGrant(before), now, input);
        return new RaftStep(step.state().withPromises(before.promises()), step.outputs());
    }

    private void openFence(Host host) {
        long now = host.clockMillis(nowMicros);
        if (host.leads() && now >= host.raft.othersLeaseOverAtMillis()) {
            if (!host.isOpen(nowMicros) && host.raft.leaseUntilMillis() > now) keeper.count("openings");
            host.fenceUntilMillis = host.raft.leaseUntilMillis();
        }
        keeper.opened(host, hosts.values(), nowMicros);
    }

    private void forge(Host host) {
        if (forging) return;
        forging = true;
        for (var input : mutation.forged(host.raft, host.clockMillis(nowMicros))) feed(host, input);
        forging = false;
    }

    private void carryOut(Host host, Output output) {
        switch (output) {
            case Output.PersistBallot(var ballot) ->
                    write(host, mutation.ballotIsLate(), () -> host.diskBallot = ballot);
            case Output.PersistEntries(var entries) ->
                    write(host, mutation.entriesAreLate(), () -> {
                        var log = host.diskLog;
                        long first = entries.get(0).index();
                        if (log.has(first)) log = log.truncatedBefore(first);
                        for (var entry : entries) log = log.append(entry);
                        host.diskLog = log;
                        keeper.stored(log);
                    });
            case Output.PersistLog(var log) -> write(host, false, () -> host.diskLog = log);
            case Output.Send(var to, var message) -> send(host, to, message);
            case Output.PrepareGrant(var term) -> {
                long seal = network.nextInt(5) == 0 ? network.nextInt(120_000) : network.nextInt(8_000);
                var report = Optional.<Attachment>of(new Sample.Report(host.node, term));
                afterIfAlive(host, seal, () -> feed(host, new Input.GrantReady(term, report)));
            }
            case Output.CloseFence() -> host.fenceUntilMillis = 0;
            case Output.Committed(var entry) -> {
                host.applied = host.applied.after(entry);
                keeper.commits(host.raft, entry, host.applied);
            }
            case Output.SnapshotInstalled(var image) -> {
                host.applied = (Sample.Applied) image.snapshot();
                keeper.installs(host.raft, host.applied);
            }
        }
    }

    /** A late write sits in a cache for a while, and is lost if the voter dies meanwhile. */
    private void write(Host host, boolean late, Runnable write) {
        if (!late) {
            writeLate(host);
            write.run();
            return;
        }
        lateWrites.computeIfAbsent(host.node, node -> new ArrayList<>()).add(write);
        afterIfAlive(host, 200_000, () -> writeLate(host));
    }

    private void writeLate(Host host) {
        var late = lateWrites.remove(host.node);
        if (late != null) late.forEach(Runnable::run);
    }

    // ---- the network

    private void send(Host from, VoterId to, Message message) {
        if (blocked.contains(List.of(from.node, to.node()))) return;
        if (network.nextInt(1000) < lossRate) return;
        deliverLater(from.self, to, message);
        if (network.nextInt(1000) < duplicateRate) deliverLater(from.self, to, message);
    }

    private void deliverLater(VoterId from, VoterId to, Message message) {
        long delay = 100 + (long) (network.nextDouble() * network.nextDouble() * slowestMicros);
        after(delay, () -> {
            var host = hosts.get(to.node());
            if (host.raft != null && host.self.equals(to)) feed(host, new Input.Received(from, message));
        });
    }

    void tellGone(NodeId node, Host witness) {
        if (witness.node.equals(node)) return;
        afterIfAlive(witness, 500 + network.nextInt(20_000), () -> feed(witness, new Input.ProcessGone(node)));
    }

    // ---- operators

    /** What the layer above does on a leader: commands, and members that come and go one at a time. */
    void operate(Host host, int choice) {
        if (!host.leads() || host.frozen) return;
        feed(host, new Input.Propose(new Sample.Cmd(++commandNumber)));
        if (!host.leads()) return;
        var next = nextConfiguration(host, choice);
        if (next.isPresent()) feed(host, new Input.ProposeConfiguration(next.get()));
    }

    private Optional<Configuration> nextConfiguration(Host leader, int choice) {
        var configuration = leader.raft.configuration();
        for (var member : configuration.members()) {
            if (!hosts.get(member.node()).self.equals(member)) return Optional.of(configuration.without(member));
        }
        for (var host : hosts.values()) {
            if (!configuration.hasMember(host.self)) return Optional.of(configuration.withLearner(host.self));
        }
        for (var learner : configuration.learners()) return Optional.of(configuration.withVoter(learner));
        if (choice >= hosts.size() || configuration.voters().size() < 3) return Optional.empty();
        return Optional.of(configuration.without(List.copyOf(configuration.voters()).get(choice)));
    }

    void compact(Host host) {
        if (host.raft == null || host.frozen) return;
        if (host.raft.log().has(host.applied.index())) {
            feed(host, new Input.Compact(host.applied.index(), host.applied));
        }
    }

    /** The leader of the newest term, if it knows all that is committed. */
    Optional<Host> newestLeader() {
        Host newest = null;
        for (var host : hosts.values()) {
            if (!host.leads() || !host.raft.committedOwnTerm()) continue;
            if (newest == null || host.raft.term().isAfter(newest.raft.term())) newest = host;
        }
        return Optional.ofNullable(newest);
    }

    /** Whether every machine is a voter, and no disk says otherwise. */
    boolean isComplete() {
        var all = new TreeSet<VoterId>();
        for (var host : hosts.values()) all.add(host.self);
        for (var host : hosts.values()) {
            if (!host.diskLog.configuration().voters().equals(all)) return false;
        }
        return true;
    }
}
