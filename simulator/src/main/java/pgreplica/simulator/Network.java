package pgreplica.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import pgreplica.base.NodeId;
import pgreplica.codec.HostEvent;
import pgreplica.node.Event;

/** Who can reach whom: connections that come and go, messages that are late, overtaken or lost. */
final class Network {
    private static final long LOOK_EVERY_MILLIS = 50;
    private static final long SILENCE_MILLIS = 3000;

    /** A message on its way that somebody holds back. */
    private record Late(Host to, int life, HostEvent.MessageReceived message) {}

    private final World world;
    private final Dice dice;
    private final boolean[][] cut;
    private final boolean[][] dataCut;
    private final boolean[][] connected;
    private final int[][] lifeSeen;
    private final long[][] unreachableSince;
    private final boolean[][] held;
    private final List<Late> late = new ArrayList<>();
    double loss;
    boolean slow;

    Network(World world) {
        this.world = world;
        int size = world.listed.size();
        dice = new Dice(world.seed, "network");
        cut = new boolean[size][size];
        dataCut = new boolean[size][size];
        connected = new boolean[size][size];
        lifeSeen = new int[size][size];
        unreachableSince = new long[size][size];
        held = new boolean[size][size];
    }

    void start() {
        world.in(LOOK_EVERY_MILLIS, this::look);
    }

    void cut(int from, int to, boolean now) {
        cut[from][to] = now;
    }

    /** Only the Postgres port: control messages still pass (B9). */
    void cutData(int a, int b, boolean now) {
        dataCut[a][b] = now;
        dataCut[b][a] = now;
    }

    boolean dataFlows(Host a, Host b) {
        return !dataCut[a.index][b.index] && !cut[a.index][b.index] && !cut[b.index][a.index]
                && a.powered && b.powered && !a.frozen && !b.frozen;
    }

    /** Both directions pass, and both cores hold a connection. */
    boolean isWhole(Host a, Host b) {
        return connected[a.index][b.index] && connected[b.index][a.index]
                && !cut[a.index][b.index] && !cut[b.index][a.index];
    }

    void heal() {
        for (int i = 0; i < cut.length; i++) {
            for (int j = 0; j < cut.length; j++) {
                cut[i][j] = false;
                dataCut[i][j] = false;
            }
        }
        loss = 0;
        slow = false;
    }

    void send(Host from, NodeId to, byte[] payload) {
        var target = world.host(to);
        if (!connected[from.index][target.index] || cut[from.index][target.index] || dice.chance(loss)) return;
        long delay = slow && dice.chance(0.3) ? dice.between(10, 700) : dice.between(0, 3);
        int life = target.life;
        world.in(delay, () -> {
            if (cut[from.index][target.index] || target.life != life) return;
            var message = new HostEvent.MessageReceived(from.id, payload);
            if (held[from.index][target.index]) late.add(new Late(target, life, message));
            else target.give(message);
        });
    }

    /** What is sent from now on arrives only when {@link #letGo} is called. */
    void hold(Host from, Host to) {
        held[from.index][to.index] = true;
    }

    void letGo() {
        for (var row : held) Arrays.fill(row, false);
        var all = List.copyOf(late);
        late.clear();
        for (var message : all) {
            if (message.to().life == message.life()) message.to().give(message.message());
        }
    }

    /** A process that ends resets its connections, if anybody can hear it. */
    void look() {
        for (var host : world.hosts) {
            for (var other : world.hosts) {
                if (host == other) continue;
                if (connected[host.index][other.index]) lookForLoss(host, other);
                else connect(host, other);
            }
        }
        world.in(LOOK_EVERY_MILLIS, this::look);
    }

    private void lookForLoss(Host host, Host other) {
        int i = host.index;
        int j = other.index;
        if (!host.isRunning()) {
            connected[i][j] = false;
            return;
        }
        boolean hears = other.powered && !cut[i][j] && !cut[j][i];
        if (hears) {
            unreachableSince[i][j] = 0;
            boolean sameProcess = other.isRunning() && other.life == lifeSeen[i][j] && connected[j][i];
            if (!sameProcess) lose(host, other, !other.isRunning() && other.postgres.isGone());
            return;
        }
        if (unreachableSince[i][j] == 0) unreachableSince[i][j] = world.nowMillis;
        if (world.nowMillis - unreachableSince[i][j] > SILENCE_MILLIS) lose(host, other, false);
    }

    private void lose(Host host, Host other, boolean gone) {
        connected[host.index][other.index] = false;
        unreachableSince[host.index][other.index] = 0;
        host.give(new HostEvent.Plain(new Event.PeerLost(other.id, gone)));
    }

    private void connect(Host host, Host other) {
        int i = host.index;
        int j = other.index;
        boolean possible = host.isRunning() && other.isRunning() && !cut[i][j] && !cut[j][i]
                && !host.isStuck() && !other.isStuck() && !connected[j][i] && host.lists(other) && other.lists(host);
        if (!possible) return;
        connected[i][j] = true;
        connected[j][i] = true;
        lifeSeen[i][j] = other.life;
        lifeSeen[j][i] = host.life;
        unreachableSince[i][j] = 0;
        unreachableSince[j][i] = 0;
        host.give(new HostEvent.Plain(new Event.PeerConnected(other.id)));
        other.give(new HostEvent.Plain(new Event.PeerConnected(host.id)));
    }
}
