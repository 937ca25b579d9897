package pgreplica.simulator.twin;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.Observation.Receiver;

/** A server, as far as the core can see it. */
final class Postgres {
    private static final Flags WORKING = new Flags(false, false, false, true, false);

    Phase phase = Phase.STARTING;
    boolean pristine;
    boolean workUnfinished;
    boolean checkpointed = true;
    long systemIdentifier;
    Timeline timeline = new Timeline(1);
    Timeline parent = Timeline.NONE;
    Lsn fork = Lsn.ZERO;
    Lsn end = new Lsn(0x1000000);
    DataIdentity identity = DataIdentity.NONE;
    Optional<NodeId> upstream = Optional.empty();
    boolean streaming;
    String applicationName = "";
    List<String> slots = List.of();
    List<Receiver> receivers = new ArrayList<>();

    void write(long bytes) {
        end = new Lsn(end.value() + bytes);
        pristine = false;
    }

    void promote(Timeline next) {
        parent = timeline;
        fork = end;
        timeline = next;
        phase = Phase.PRIMARY;
        checkpointed = false;
        closeGate();
    }

    void closeGate() {
        upstream = Optional.empty();
        streaming = false;
    }

    void stop() {
        phase = Phase.DOWN;
        receivers = List.of();
        closeGate();
    }

    /** What streaming from it, rewinding to it or cloning it leads to. */
    void becomeLike(Postgres source) {
        systemIdentifier = source.systemIdentifier;
        timeline = source.timeline;
        parent = source.parent;
        fork = source.fork;
        end = source.end;
        checkpointed = source.checkpointed;
        pristine = false;
    }

    Observation observation() {
        if (phase == Phase.DOWN) return Observation.NOTHING;
        boolean running = phase == Phase.STANDBY || phase == Phase.PRIMARY;
        return new Observation(phase, systemIdentifier, timeline, end, end, running && !streaming, streaming,
                upstream.map(NodeId::name).orElse(""), parent, fork, checkpointed, pristine,
                workUnfinished ? WORKING : Flags.NONE, identity, slots, receivers, Lsn.ZERO);
    }
}
