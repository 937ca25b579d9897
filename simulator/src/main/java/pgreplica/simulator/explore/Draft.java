package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import pgreplica.instance.Observation.Phase;
import pgreplica.node.Event;
import pgreplica.simulator.explore.Interner.Unique;

/** A cluster in the making: one choice is carried out, and what must hold is checked on the way. */
final class Draft {
    final Machine machine;
    private final Optional<Consumer<String>> said;
    final List<Member> members;
    final List<Unique<Item>> queue;
    private final List<Unique<Item>> held;
    private long cuts;
    Ledger ledger;
    private final Ledger ledgerBefore;
    private final Unique<Ledger> uniqueBefore;
    private int last;
    private int losses;
    /** The promise that does not hold any more; empty if all do. */
    String broken = "";

    Draft(Machine machine, Cluster before, Optional<Consumer<String>> said) {
        this.machine = machine;
        this.said = said;
        members = new ArrayList<>(before.members());
        queue = new ArrayList<>(before.queue());
        held = new ArrayList<>(before.held());
        cuts = before.cuts();
        uniqueBefore = before.ledger();
        ledgerBefore = uniqueBefore.value;
        ledger = ledgerBefore;
        last = -1;
        losses = before.losses();
    }

    Cluster done() {
        return new Cluster(unique(members), List.copyOf(queue), List.copyOf(held), cuts,
                ledger == ledgerBefore ? uniqueBefore : machine.ledgers.of(ledger), queue.isEmpty() ? -1 : last,
                losses);
    }

    private List<Member> unique(List<Member> members) {
        var unique = new ArrayList<Member>(members.size());
        for (var member : members) unique.add(machine.members.of(member).value);
        return List.copyOf(unique);
    }

    Draft take(Choice choice) {
        if (choice.kind() != Choice.Kind.NEXT) say(choice.text());
        int a = choice.a();
        switch (choice.kind()) {
            case NEXT -> Happening.of(this, queue.removeFirst().value);
            case LOSE, STALL -> lose();
            case DELAY -> held.add(queue.removeFirst());
            case REPEAT -> {
                held.add(queue.getFirst());
                Happening.of(this, queue.removeFirst().value);
            }
            case FAIL_WITHIN -> failWithin(choice.b());
            case ARRIVE -> Happening.of(this, held.remove(a).value);
            case TIME -> passTime(a);
            case TICK -> step(a, new Event.TimePassed(), Clock.TICK + (isLeader(a) ? Clock.TIMEOUT - Clock.TICK : 0));
            case TIMEOUT -> step(a, new Event.TimePassed(), Clock.TIMEOUT);
            case FREEZE -> freeze(a);
            case THAW -> thaw(a);
            case POWER_OFF -> powerOff(a);
            case BOOT -> boot(a);
            case KILL_POSTMASTER -> killPostmaster(a);
            case CRASH_BACKEND -> crashBackend(a);
            case KILL_WORKER -> endProcess(a);
            case START_WORKER -> startProcess(a, false);
            case CUT -> cut(a, choice.b());
            case ISOLATE -> {
                for (int i = 0; i < members.size(); i++) {
                    if (i != a && canReach(a, i)) cut(a, i);
                }
            }
            case JOIN -> join();
            case WRITE -> write(a);
            case FLOW -> enqueue(new Item.Flow(a));
            case REQUEST -> step(a, new Event.Requested(1, "failover", List.of()), 0);
            case CONFIGURE -> step(a, new Event.Configured(Machine.WISHES.get(choice.b()), false), 0);
            case LOSE_DATA -> loseData(a);
            case LOSE_STATE -> loseState(a);
        }
        acknowledge();
        Watch.check(this);
        return this;
    }

    void say(String text) {
        if (said.isPresent()) said.get().accept(text);
    }

    boolean isTold() {
        return said.isPresent();
    }

    void breaks(String promise) {
        if (broken.isEmpty()) broken = promise;
    }

    // ---- what the parts ask ------------------------------------------------------------------

    Member member(int index) {
        return members.get(index);
    }

    Server server(int index) {
        return members.get(index).postgres();
    }

    void put(int index, Server server) {
        members.set(index, member(index).withServer(machine.servers.of(server)));
    }

    boolean canReach(int a, int b) {
        return (cuts & Cluster.cut(a, b)) == 0;
    }

    /** Data passes between two servers that run. */
    boolean dataFlows(int a, int b) {
        return canReach(a, b) && isAwake(a) && isAwake(b);
    }

    boolean isAwake(int index) {
        return member(index).powered() && !member(index).frozen();
    }

    boolean isLeader(int index) {
        return member(index).isRunning() && member(index).state().raft().isLeader();
    }

    void enqueue(Item item) {
        queue.add(machine.items.of(item));
    }

    /** One that waits already is enough. */
    void enqueueOnce(Item item) {
        var unique = machine.items.of(item);
        if (!queue.contains(unique)) queue.add(unique);
    }

    /** Frozen with its node, it happens when the node thaws. */
    void park(Item item) {
        held.add(machine.items.of(item));
    }

    void look(int index) {
        if (member(index).isRunning()) enqueueOnce(new Item.Look(index, false));
    }

    /** The WAL receivers that may have something to do now. */
    void flowFrom(int upstream) {
        for (int i = 0; i < members.size(); i++) {
            var gate = server(i).gate();
            if (gate.isPresent() && gate.get().upstream().equals(machine.id(upstream))) {
                enqueueOnce(new Item.Flow(i));
            }
        }
    }

    void step(int index, Event event, long elapsed) {
        var member = member(index);
        if (!member.isRunning()) return;
        var result = machine.steps.step(member.core().get(), event, elapsed);
        take(index, result, result.actions().size());
    }

    private void take(int index, Steps.Result result, int count) {
        if (!result.broken().isEmpty()) {
            breaks("the core of " + machine.id(index) + " failed: " + result.broken());
            return;
        }
        members.set(index, member(index).with(result.state(), machine.clock == Clock.NONE ? 0 : result.wakeAt()));
        if (Actions.matter(result.actions())) last = index;
        Actions.carryOut(this, index, result.actions().subList(0, count));
    }

    // ---- the network -------------------------------------------------------------------------

    private void lose() {
        var item = queue.removeFirst();
        if (isTold()) say("  lost: " + Tale.of(this, item.value));
    }

    /** Both see their connection end: a silent one counts as gone long before anything depends on it. */
    private void cut(int a, int b) {
        cuts |= Cluster.cut(a, b);
        if (member(a).isRunning()) enqueue(new Item.PeerWent(a, b, false));
        if (member(b).isRunning()) enqueue(new Item.PeerWent(b, a, false));
        flowFrom(a);
        flowFrom(b);
    }

    /** The network is whole again. */
    private void join() {
        long healed = cuts;
        cuts = 0;
        for (int a = 0; a < members.size(); a++) {
            for (int b = a + 1; b < members.size(); b++) {
                if ((healed & Cluster.cut(a, b)) != 0) meet(a, b);
            }
        }
    }

    private void meet(int a, int b) {
        if (!member(a).isRunning() || !member(b).isRunning()) return;
        enqueue(new Item.PeerCame(a, b));
        enqueue(new Item.PeerCame(b, a));
        flowFrom(a);
        flowFrom(b);
    }

    // ---- time --------------------------------------------------------------------------------

    /** To the next moment at which a node that can act wants to be woken. Node {@code first} is woken first. */
    private void passTime(int first) {
        long next = Long.MAX_VALUE;
        for (var member : members) {
            if (member.isRunning() && !member.frozen()) next = Math.min(next, member.wakeAt());
        }
        if (next == Long.MAX_VALUE) next = Normal.NOW + 100;
        long elapsed = Math.max(0, next - Normal.NOW);
        for (int i = 0; i < members.size(); i++) age(i, elapsed);
        for (int i = 0; i < held.size(); i++) {
            if (held.get(i).value instanceof Item.Said(var from, var to, var envelope)) {
                held.set(i, machine.items.of(new Item.Said(from, to, machine.steps.normal().of(envelope, elapsed))));
            }
        }
        for (int i = 0; i < members.size(); i++) {
            int index = (first + i) % members.size();
            if (isDue(index)) enqueue(new Item.Timer(index));
        }
    }

    private boolean isDue(int index) {
        var member = member(index);
        return member.isRunning() && !member.frozen() && member.wakeAt() <= Normal.NOW;
    }

    private void age(int index, long elapsed) {
        var member = member(index);
        if (member.isRunning()) {
            members.set(index, member.with(machine.steps.later(member.core().get(), elapsed),
                    Math.max(Normal.NOW, member.wakeAt() - elapsed)));
        }
        var server = server(index);
        long lease = ends(server.leaseUntil(), elapsed);
        long orphans = ends(server.orphansUntil(), elapsed);
        if (lease != server.leaseUntil() || orphans != server.orphansUntil()) put(index, server.leased(lease, orphans));
    }

    private static long ends(long until, long elapsed) {
        return until - elapsed <= Normal.NOW ? 0 : until - elapsed;
    }

    // ---- processes and power -----------------------------------------------------------------

    void startProcess(int index, boolean asPreStartChild) {
        var member = member(index);
        if (!member.powered()) return;
        if (member.isRunning()) endProcess(index);
        members.set(index, member(index).ofProcess(asPreStartChild));
        var begun = machine.steps.start(machine.settings(index, asPreStartChild), member.disk(), member.lostStates());
        take(index, begun, begun.actions().size());
        for (int i = 0; i < members.size(); i++) {
            if (i == index || !member(i).isRunning() || !canReach(i, index)) continue;
            enqueue(new Item.PeerCame(index, i));
            enqueue(new Item.PeerCame(i, index));
        }
        if (!asPreStartChild) look(index);
    }

    void endProcess(int index) {
        if (!member(index).isRunning()) return;
        members.set(index, member(index).ofProcess(false));
        forget(queue, index);
        forget(held, index);
        boolean gone = server(index).phase() == Phase.DOWN;
        for (int i = 0; i < members.size(); i++) {
            if (i != index && member(i).isRunning() && canReach(i, index)) {
                enqueue(new Item.PeerWent(i, index, gone));
            }
        }
    }

    /** What was for the ended process reaches nobody. What goes on in its server goes on. */
    private static void forget(List<Unique<Item>> items, int index) {
        items.removeIf(item -> item.value.to() == index && switch (item.value) {
            case Item.Said _, Item.PeerCame _, Item.PeerWent _, Item.Timer _, Item.Look _, Item.Sealing _ -> true;
            case Item.Flow _, Item.Promoting _, Item.Checkpointing _, Item.Restarting _, Item.Starting _,
                    Item.Working _, Item.Recovering _ -> false;
        });
    }

    void stopServer(int index) {
        queue.removeIf(item -> item.value.to() == index && !(item.value instanceof Item.Said));
        held.removeIf(item -> item.value.to() == index);
        put(index, server(index).stopped());
        endProcess(index);
        flowFrom(index);
    }

    void startServer(int index) {
        if (server(index).work().isPresent()) {
            startProcess(index, true);
            enqueue(new Item.Working(index));
            return;
        }
        put(index, server(index).in(Phase.STARTING));
        startProcess(index, false);
        enqueue(new Item.Recovering(index));
    }

    private void freeze(int index) {
        members.set(index, member(index).frozen(true));
        flowFrom(index);
        enqueueOnce(new Item.Flow(index));
    }

    private void thaw(int index) {
        members.set(index, member(index).frozen(false));
        for (var item : List.copyOf(held)) {
            if (item.value.to() != index || item.value instanceof Item.Said) continue;
            held.remove(item);
            queue.add(item);
        }
        if (machine.clock == Clock.SHARED) enqueueOnce(new Item.Timer(index));
        look(index);
        flowFrom(index);
        enqueueOnce(new Item.Flow(index));
    }

    private void powerOff(int index) {
        stopServer(index);
        put(index, server(index).leased(0, 0));
        members.set(index, member(index).powered(false));
    }

    private void boot(int index) {
        members.set(index, member(index).powered(true));
        startServer(index);
    }

    /** Its backends go on as orphans; their fence is the lease they know. */
    private void killPostmaster(int index) {
        var server = server(index);
        long orphans = server.isPrimary() ? Math.max(server.orphansUntil(), server.leaseUntil())
                : server.orphansUntil();
        stopServer(index);
        put(index, server(index).leased(0, orphans));
    }

    /** The worker's last word is why it goes; then the postmaster executes itself anew (decision 4). */
    private void crashBackend(int index) {
        put(index, server(index).stopped().in(Phase.CRASH_RECOVERY));
        Happening.event(this, new Item.Look(index, true)).ifPresent(word -> step(index, word, 0));
        stopServer(index);
        startServer(index);
    }

    private void failWithin(int count) {
        var item = queue.removeFirst().value;
        var event = Happening.event(this, item);
        if (event.isEmpty()) return;
        int index = item.to();
        var result = machine.steps.step(member(index).core().get(), event.get(), 0);
        take(index, result, Math.min(count, result.actions().size()));
        powerOff(index);
    }

    // ---- losses and clients ------------------------------------------------------------------

    private void loseData(int index) {
        losses++;
        powerOff(index);
        var fresh = Server.initial(machine.id(index), index + 100);
        put(index, fresh);
    }

    private void loseState(int index) {
        losses++;
        powerOff(index);
        members.set(index, member(index).withoutState(machine.blankDisk()));
    }

    private void write(int index) {
        var server = server(index);
        put(index, server.with(server.wal().written()));
        ledger = ledger.written(new Wal.Commit(server(index).wal().branch(), server(index).wal().end()));
        look(index);
        // Data does not queue up behind words.
        var others = List.copyOf(queue);
        queue.clear();
        flowFrom(index);
        for (var item : others) {
            if (!queue.contains(item)) queue.add(item);
        }
    }

    /** At once: a client that is told later is told the same, and may be told of less. */
    private void acknowledge() {
        if (ledger.written().size() == ledger.acknowledged().size()) return;
        for (int i = 0; i < members.size(); i++) {
            var server = server(i);
            if (!isAwake(i) || !server.isPrimary() || !server.isOpen()) continue;
            var receivers = Happening.receivers(this, i);
            for (var commit : ledger.written()) {
                boolean own = commit.branch().equals(server.wal().branch()) && commit.end() <= server.wal().end();
                if (!own || ledger.acknowledged().contains(commit)) continue;
                if (machine.promises(server) && server.sync().releases(Wal.lsn(commit.end()), receivers)) {
                    say("  " + machine.id(i) + " ACKNOWLEDGES " + commit);
                    ledger = ledger.acknowledged(commit);
                    Watch.acknowledged(this, i, commit);
                }
            }
        }
    }
}
