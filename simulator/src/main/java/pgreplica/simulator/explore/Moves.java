package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import pgreplica.instance.Observation.Phase;
import pgreplica.node.Action;
import pgreplica.node.PeerMessage;
import pgreplica.raft.Message;
import pgreplica.simulator.explore.Choice.Kind;

/** What may happen next in a cluster, and which of it counts as a deviation. */
final class Moves {
    private static final int MOST_LATE = 2;

    private final Machine machine;
    private final Bounds bounds;
    private final Cluster cluster;
    private final boolean deviates;
    private final List<Choice> moves = new ArrayList<>();
    private final boolean oneMoreMayFail;

    private Moves(Machine machine, Bounds bounds, Cluster cluster, int cost) {
        deviates = cost > 0;
        this.machine = machine;
        this.bounds = bounds;
        this.cluster = cluster;
        int down = 0;
        for (int i = 0; i < cluster.size(); i++) {
            if (isDown(i)) down++;
        }
        oneMoreMayFail = down < bounds.down();
    }

    /** @param cost 1: only the deviations, 0: only the others */
    static List<Choice> of(Machine machine, Bounds bounds, Cluster cluster, int cost) {
        var moves = new Moves(machine, bounds, cluster, cost);
        if (cluster.isQuiet()) moves.quiet();
        else moves.busy();
        return moves.moves;
    }

    private boolean isDown(int index) {
        var member = cluster.member(index);
        return !member.isRunning() || member.frozen() || member.postgres().phase() == Phase.DOWN;
    }

    private void free(Kind kind, int a) {
        add(Choice.of(kind, a), false);
    }

    private void deviation(Kind kind, int a) {
        add(Choice.of(kind, a), true);
    }

    private void add(Choice choice, boolean deviation) {
        if (deviation == deviates) moves.add(choice);
    }

    // ---- while something is under way --------------------------------------------------------

    /** A fault at a node that did nothing that matters could as well come after its next step, or its last one. */
    private void busy() {
        free(Kind.NEXT, 0);
        var item = cluster.queue().getFirst().value;
        if (item instanceof Item.Said said && matters(said)) {
            deviation(Kind.LOSE, 0);
            if (cluster.held().size() < MOST_LATE) {
                deviation(Kind.DELAY, 0);
                deviation(Kind.REPEAT, 0);
            }
        }
        if (item instanceof Item.Flow) deviation(Kind.STALL, 0);
        if (isSlow(item)) deviation(Kind.DELAY, 0);
        for (int i = 0; i < cluster.size(); i++) {
            if (mayWrite(i)) deviation(Kind.WRITE, i);
        }
        if (cluster.last() >= 0) faults(cluster.last());
        failWithin(item);
    }

    /** What Postgres may take its time for. */
    private static boolean isSlow(Item item) {
        return item instanceof Item.Recovering || item instanceof Item.Promoting || item instanceof Item.Sealing;
    }

    /** Those that ask for something, answer, or carry an entry; the rest is repeated all the time. */
    private boolean matters(Item.Said said) {
        if (!(said.envelope().message() instanceof PeerMessage.Raft(var message))) {
            return said.envelope().message() instanceof PeerMessage.Order(_, var directive)
                    && !(directive instanceof PeerMessage.Directive.Hold);
        }
        return switch (message) {
            case Message.PreVoteRequest _, Message.PreVoteReply _ -> false;
            case Message.VoteRequest _, Message.VoteReply _, Message.TimeoutNow _, Message.InstallSnapshot _ -> true;
            case Message.AppendRequest request -> !request.entries().isEmpty();
            case Message.AppendReply reply -> cluster.member(said.to()).isRunning()
                    && cluster.member(said.to()).state().raft().commitIndex() < reply.matchIndex();
        };
    }

    /** The power fails between two actions: a difference only where something is stored after something was said. */
    private void failWithin(Item item) {
        if (!deviates || !oneMoreMayFail || cluster.member(item.to()).frozen()) return;
        var event = Happening.event(machine.draft(cluster), item);
        if (event.isEmpty()) return;
        var actions = machine.steps.step(cluster.member(item.to()).core().orElseThrow(), event.get(), 0).actions();
        boolean stored = false;
        for (int i = actions.size() - 1; i >= 0; i--) {
            boolean stores = actions.get(i) instanceof Action.PersistBallot
                    || actions.get(i) instanceof Action.PersistEntries || actions.get(i) instanceof Action.PersistLog
                    || actions.get(i) instanceof Action.PersistInstance;
            if (stores) stored = true;
            else if (stored && actions.get(i) instanceof Action.Send) {
                add(new Choice(Kind.FAIL_WITHIN, item.to(), i + 1), true);
                stored = false;
            }
        }
    }

    private void faults(int index) {
        var member = cluster.member(index);
        if (member.isRunning() && !member.frozen() && reachesAll(index)) deviation(Kind.ISOLATE, index);
        if (!oneMoreMayFail || isDown(index)) return;
        deviation(Kind.FREEZE, index);
        deviation(Kind.POWER_OFF, index);
        deviation(Kind.KILL_WORKER, index);
        boolean primary = member.postgres().isPrimary();
        if (primary) deviation(Kind.CRASH_BACKEND, index);
        if (primary && machine.clock == Clock.SHARED) deviation(Kind.KILL_POSTMASTER, index);
        if (cluster.losses() < bounds.losses()) {
            deviation(Kind.LOSE_DATA, index);
            deviation(Kind.LOSE_STATE, index);
        }
    }

    private boolean reachesAll(int index) {
        for (int i = 0; i < cluster.size(); i++) {
            if (i != index && cluster.isCut(i, index)) return false;
        }
        return true;
    }

    // ---- while nothing is --------------------------------------------------------------------

    private void quiet() {
        if (machine.clock == Clock.SHARED) time();
        else timeouts();
        if (cluster.cuts() != 0) free(Kind.JOIN, 0);
        for (int i = 0; i < cluster.held().size(); i++) {
            var item = cluster.held().get(i).value;
            if (item instanceof Item.Said || !cluster.member(item.to()).frozen()) free(Kind.ARRIVE, i);
        }
        for (int i = 0; i < cluster.size(); i++) {
            recoveries(i);
            faults(i);
            clients(i);
            for (int j = i + 1; j < cluster.size(); j++) {
                if (!cluster.isCut(i, j)) add(new Choice(Kind.CUT, i, j), true);
            }
        }
    }

    /** Nodes that want to be woken at the same moment: each of them may be the first. */
    private void time() {
        long next = Long.MAX_VALUE;
        for (var member : cluster.members()) {
            if (member.isRunning() && !member.frozen()) next = Math.min(next, member.wakeAt());
        }
        for (int i = 0; i < cluster.size(); i++) {
            var member = cluster.member(i);
            if (member.isRunning() && !member.frozen() && member.wakeAt() == next) free(Kind.TIME, i);
        }
        if (next == Long.MAX_VALUE) free(Kind.TIME, 0);
    }

    private void timeouts() {
        for (int i = 0; i < cluster.size(); i++) {
            var member = cluster.member(i);
            if (!member.isRunning() || member.frozen()) continue;
            free(Kind.TICK, i);
            if (member.state().raft().isLeader()) continue;
            add(Choice.of(Kind.TIMEOUT, i), hearsLeader(i));
        }
    }

    private boolean hearsLeader(int index) {
        var term = cluster.member(index).state().raft().term();
        for (int i = 0; i < cluster.size(); i++) {
            var other = cluster.member(i);
            boolean leads = other.isRunning() && !other.frozen() && other.state().raft().isLeader()
                    && !term.isAfter(other.state().raft().term());
            if (leads && !cluster.isCut(i, index)) return true;
        }
        return false;
    }

    private void recoveries(int index) {
        var member = cluster.member(index);
        if (member.frozen()) free(Kind.THAW, index);
        else if (!member.powered() || member.postgres().phase() == Phase.DOWN && !member.isRunning()) {
            // A server does not start while orphans of the one before are attached to its memory.
            if (member.postgres().orphansUntil() == 0) free(Kind.BOOT, index);
        } else if (!member.isRunning()) free(Kind.START_WORKER, index);
    }

    private void clients(int index) {
        var member = cluster.member(index);
        if (!member.powered() || member.frozen()) return;
        if (mayWrite(index)) free(Kind.WRITE, index);
        if (member.isRunning() && member.state().raft().isLeader() && member.postgres().isPrimary()
                && member.state().leadership().leaving().isEmpty()) {
            deviation(Kind.REQUEST, index);
            for (int wish = 0; wish < Machine.WISHES.size(); wish++) {
                boolean another = !member.state().settings().sync().equals(Machine.WISHES.get(wish));
                if (another && bounds.writes() > 0) add(new Choice(Kind.CONFIGURE, index, wish), true);
            }
        }
        if (mayFlow(index)) free(Kind.FLOW, index);
    }

    private boolean mayWrite(int index) {
        var member = cluster.member(index);
        return member.powered() && !member.frozen() && member.postgres().isPrimary() && member.postgres().isOpen()
                && cluster.ledger().value.written().size() < bounds.writes();
    }

    private boolean mayFlow(int index) {
        var member = cluster.member(index);
        var gate = member.postgres().gate();
        if (gate.isEmpty() || member.postgres().phase() != Phase.STANDBY) return false;
        int upstream = machine.index(gate.get().upstream());
        var source = cluster.member(upstream);
        boolean there = !cluster.isCut(index, upstream) && source.powered() && !source.frozen()
                && source.postgres().admits(gate.get().applicationName());
        return there && (!member.postgres().streaming() || !member.postgres().wal().equals(source.postgres().wal()));
    }
}
