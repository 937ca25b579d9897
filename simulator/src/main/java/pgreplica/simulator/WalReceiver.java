package pgreplica.simulator;

import java.util.Optional;
import pgreplica.base.Lsn;
import pgreplica.instance.Observation.Receiver;
import pgreplica.node.Action;

/** The WAL receiver of one host's server, and the gate in it. */
final class WalReceiver {
    private final Postgres postgres;
    private final Host host;
    private final World world;
    private final Dice dice;
    private final Dice writes;

    private Optional<Action.Follow> gate = Optional.empty();
    private boolean streaming;
    /** The connection is there and brings nothing: its process is frozen, or the network lost it without a word. */
    private boolean stalled;
    private int upstreamStart;
    /** What the WAL will be when the write that it is in has ended, and for whom it was let in. */
    private Optional<Wal> writing = Optional.empty();
    private Optional<Action.Follow> writesFor = Optional.empty();
    private boolean wroteLate;

    WalReceiver(Postgres postgres, Host host, Dice dice) {
        this.postgres = postgres;
        this.host = host;
        this.dice = dice;
        world = host.world;
        writes = new Dice(world.seed, "slow writes of " + host.id);
    }

    boolean isStreaming() {
        return streaming;
    }

    String upstream() {
        return gate.map(open -> open.upstream().name()).orElse("");
    }

    /** As the primary {@code upstream} sees it. */
    Optional<Receiver> connectedTo(Host upstream) {
        return gate.filter(open -> streaming && open.upstream().equals(upstream.id))
                .map(open -> new Receiver(open.applicationName(), new Lsn(postgres.wal().end())));
    }

    /** Its process has ended, with whatever it held. */
    void forget() {
        gate = Optional.empty();
        streaming = false;
        writing = Optional.empty();
        wroteLate = false;
    }

    void disconnect() {
        streaming = false;
    }

    void follow(Action.Follow follow) {
        world.promises.follows(host, follow);
        gate = Optional.of(follow);
    }

    void close() {
        gate = Optional.empty();
        if (streaming) {
            streaming = false;
            postgres.look();
        }
    }

    void stall(boolean now) {
        if (stalled == now) return;
        world.say(host, now ? "RECEIVES nothing more on its stream" : "RECEIVES again");
        stalled = now;
    }

    void stream() {
        boolean was = streaming;
        streaming = gate.isPresent() && receive(gate.get());
        if (was != streaming) postgres.look();
        if (streaming && writes.chance(world.slowWrites)) {
            beginWrite();
            postgres.later(writes.between(20, 2000), this::endWrite);
        }
    }

    private boolean receive(Action.Follow follow) {
        var upstream = world.host(follow.upstream());
        boolean admitted = !postgres.isPromoting() && upstream.postgres.admits(follow.applicationName());
        if (stalled || writing.isPresent()) return streaming && admitted && upstream.postgres.startNumber() == upstreamStart;
        if (!admitted || !world.network.dataFlows(host, upstream)) return false;
        // It looks itself, since nobody else can have known when it was told to follow (A1).
        if (wroteLate && !postgres.wal().isPrefixOf(upstream.postgres.wal())) return false;
        if (!streaming) postgres.wal().cutIncompleteRecord();
        upstreamStart = upstream.postgres.startNumber();
        world.promises.streams(host, upstream);
        long missing = upstream.postgres.wal().end() - postgres.wal().end();
        postgres.wal().receive(upstream.postgres.wal(),
                dice.chance(0.3) ? dice.between(0, Math.max(1, missing)) : Math.max(1, missing));
        return true;
    }

    /** It takes what comes next, and is long in writing it: that is told to nobody before, and no closed gate stops it. */
    void beginWrite() {
        if (!streaming || writing.isPresent()) return;
        var source = world.host(gate.get().upstream()).postgres.wal();
        var next = postgres.wal().copy();
        next.receive(source, writes.between(100, 20_000));
        if (next.branch().id() != postgres.wal().branch().id() || next.end() == postgres.wal().end()) return;
        writing = Optional.of(next);
        writesFor = gate;
    }

    void endWrite() {
        if (writing.isEmpty()) return;
        postgres.wal().receive(writing.get(), Long.MAX_VALUE);
        writing = Optional.empty();
        wroteLate |= !gate.equals(writesFor);
        postgres.look();
    }
}
