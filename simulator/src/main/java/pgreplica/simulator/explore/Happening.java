package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.Observation.Receiver;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.Event.Task;

/** What each item does when its time has come. */
final class Happening {
    private Happening() {}

    static void of(Draft draft, Item item) {
        int index = item.to();
        if (draft.member(index).frozen()) {
            if (!(item instanceof Item.Said)) draft.park(item);
            return;
        }
        switch (item) {
            case Item.Said _, Item.PeerCame _, Item.PeerWent _, Item.Timer _, Item.Look _, Item.Sealing _ -> {
                var event = event(draft, item);
                if (event.isEmpty()) return;
                if (item instanceof Item.Sealing) {
                    Actions.close(draft, index);
                    event = event(draft, item);
                }
                if (draft.isTold()) Tale.tell(draft, item);
                draft.step(index, event.get(), 0);
            }
            case Item.Flow _ -> flow(draft, index);
            case Item.Promoting _ -> promoted(draft, index);
            case Item.Checkpointing _ -> {
                draft.put(index, draft.server(index).afterCheckpoint());
                draft.look(index);
                draft.step(index, new Event.TaskDone(Task.CHECKPOINT, true, ""), 0);
            }
            case Item.Restarting _ -> {
                draft.stopServer(index);
                draft.enqueue(new Item.Starting(index));
            }
            case Item.Starting _ -> draft.startServer(index);
            case Item.Working _ -> worked(draft, index);
            case Item.Recovering _ -> {
                draft.put(index, draft.server(index).in(Phase.STANDBY));
                draft.look(index);
                draft.flowFrom(index);
            }
        }
    }

    /** What the core is told; nothing if nobody hears it or it is no news. */
    static Optional<Event> event(Draft draft, Item item) {
        int index = item.to();
        if (!draft.member(index).isRunning()) return Optional.empty();
        return switch (item) {
            case Item.Said(var from, _, var envelope) -> draft.canReach(from, index)
                    ? Optional.of(new Event.MessageReceived(draft.machine.id(from), envelope))
                    : Optional.empty();
            case Item.PeerCame(_, var peer) -> Optional.of(new Event.PeerConnected(draft.machine.id(peer)));
            case Item.PeerWent(_, var peer, var gone) ->
                    Optional.of(new Event.PeerLost(draft.machine.id(peer), gone));
            case Item.Timer _ -> Optional.of(new Event.TimePassed());
            case Item.Look(_, var anyway) -> {
                var seen = observed(draft, index);
                var state = draft.member(index).state();
                yield !anyway && state.seen() && seen.equals(state.observed()) ? Optional.empty()
                        : Optional.of(new Event.Observed(seen));
            }
            case Item.Sealing(_, var term) -> Optional.of(new Event.Sealed(term, true, observed(draft, index)));
            case Item.Flow _, Item.Promoting _, Item.Checkpointing _, Item.Restarting _, Item.Starting _,
                    Item.Working _, Item.Recovering _ -> Optional.empty();
        };
    }

    private static Observation observed(Draft draft, int index) {
        var server = draft.server(index);
        return server.observed(server.isPrimary() ? receivers(draft, index) : List.of());
    }

    /** The standbys that this primary counts, as it sees them: a name and a number (A1). */
    static List<Receiver> receivers(Draft draft, int primary) {
        var found = new ArrayList<Receiver>();
        for (int i = 0; i < draft.members.size(); i++) {
            var server = draft.server(i);
            boolean here = server.streaming() && server.gate().isPresent()
                    && server.gate().get().upstream().equals(draft.machine.id(primary));
            if (here) found.add(new Receiver(server.gate().get().applicationName(), Wal.lsn(server.wal().end())));
        }
        return found;
    }

    /** A WAL receiver connects, or receives one record and says that it is flushed. */
    private static void flow(Draft draft, int index) {
        var server = draft.server(index);
        var gate = server.gate();
        int upstream = gate.isPresent() ? draft.machine.index(gate.get().upstream()) : index;
        boolean flows = server.phase() == Phase.STANDBY && server.promotingTo() == 0 && gate.isPresent()
                && draft.dataFlows(index, upstream)
                && draft.server(upstream).admits(gate.get().applicationName());
        if (!flows) {
            if (server.streaming()) stream(draft, index, upstream, server.streaming(false));
            return;
        }
        var source = draft.server(upstream).wal();
        if (!server.wal().isPrefixOf(source)) {
            draft.breaks("P7: " + draft.machine.id(index) + " with " + server.wal() + " streams from "
                    + gate.get().upstream() + " with " + source + ", which does not contain it");
            return;
        }
        if (!server.streaming()) {
            if (draft.isTold()) draft.say("  " + draft.machine.id(index) + " streams from " + gate.get().upstream());
            stream(draft, index, upstream, server.streaming(true));
        } else if (!server.wal().equals(source)) {
            var received = server.wal().receivedFrom(source);
            if (draft.isTold()) draft.say("  " + draft.machine.id(index) + " has WAL on " + received);
            stream(draft, index, upstream, server.with(received));
        }
        if (!draft.server(index).wal().equals(source)) draft.enqueueOnce(new Item.Flow(index));
    }

    private static void stream(Draft draft, int index, int upstream, Server next) {
        draft.put(index, next);
        draft.look(index);
        if (upstream != index) draft.look(upstream);
    }

    private static void promoted(Draft draft, int index) {
        if (draft.server(index).promotingTo() == 0) return;
        draft.put(index, draft.server(index).promoted(draft.machine.id(index)));
        var branch = draft.server(index).wal().branch();
        if (draft.isTold()) draft.say("  " + draft.machine.id(index) + " IS PRIMARY on timeline " + branch.timeline());
        Watch.promoted(draft, index, branch);
        draft.look(index);
        draft.flowFrom(index);
    }

    /** A rewind or clone makes the data that of its source; without a source the old data stays as it is. */
    private static void worked(Draft draft, int index) {
        var ordered = draft.server(index).work();
        if (ordered.isEmpty()) return;
        int source = sourceOf(draft, ordered.get());
        boolean reachable = draft.dataFlows(index, source) && draft.server(source).isPrimary()
                && !draft.server(source).admitted().isEmpty();
        draft.put(index, reachable
                ? draft.server(index).replacedBy(draft.server(source), ordered.get().identity())
                : draft.server(index).ordered(Optional.empty()));
        if (draft.isTold()) {
            draft.say("  " + draft.machine.id(index) + (reachable ? " is as " + ordered.get().source() : " finds no source")
                    + ", " + draft.server(index).wal());
        }
        draft.endProcess(index);
        draft.startServer(index);
    }

    private static int sourceOf(Draft draft, Action.Restart ordered) {
        return draft.machine.index(new pgreplica.base.NodeId(ordered.source()));
    }
}
