package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.instance.Observation.Phase;
import pgreplica.node.Action;
import pgreplica.node.Envelope;
import pgreplica.node.Event.Work;
import pgreplica.node.PeerMessage;
import pgreplica.node.StoredFiles;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;
import pgreplica.raft.Message;

/** What the host does about a step's actions, strictly in their order. */
final class Actions {
    private Actions() {}

    static void carryOut(Draft draft, int index, List<Action> actions) {
        for (var action : actions) {
            if (draft.isTold()) Tale.tell(draft, index, action);
            carryOut(draft, index, action);
        }
    }

    /** Whether a fault right after these actions is another than one before them or at the next quiet moment. */
    static boolean matter(List<Action> actions) {
        for (var action : actions) {
            boolean matters = switch (action) {
                case Action.Send(_, var envelope) -> switch (envelope.message()) {
                    case PeerMessage.Raft(Message.AppendRequest request) -> !request.entries().isEmpty();
                    case PeerMessage.Raft(Message.AppendReply _), PeerMessage.Raft(Message.PreVoteRequest _),
                            PeerMessage.Raft(Message.PreVoteReply _), PeerMessage.Status _ -> false;
                    case PeerMessage.Raft _, PeerMessage.Order _, PeerMessage.Forward _,
                            PeerMessage.ForwardReply _ -> true;
                };
                case Action.Log _, Action.Reply _, Action.AllowReplication _, Action.Publish _, Action.EnsureSlots _,
                        Action.WakeAt _, Action.NoteFloor _, Action.AllowReads _, Action.FlushWal _ -> false;
                default -> true;
            };
            if (matters) return true;
        }
        return false;
    }

    private static void carryOut(Draft draft, int index, Action action) {
        var server = draft.server(index);
        switch (action) {
            case Action.PersistBallot _, Action.PersistEntries _, Action.PersistLog _, Action.PersistInstance _ ->
                    store(draft, index, action);
            case Action.Send(var to, var envelope) -> send(draft, index, draft.machine.index(to), envelope);
            case Action.SetLease lease -> lease(draft, index, lease);
            case Action.Seal(var term) -> draft.enqueue(new Item.Sealing(index, term));
            case Action.Follow follow -> {
                Watch.follows(draft, index, follow);
                draft.put(index, server.gate(Optional.of(follow)));
                draft.enqueueOnce(new Item.Flow(index));
            }
            case Action.Promote(var timeline) -> {
                Watch.promotes(draft, index);
                if (server.phase() != Phase.STANDBY || server.promotingTo() != 0) return;
                draft.put(index, server.promotingTo(timeline.number()));
                draft.enqueue(new Item.Promoting(index));
            }
            case Action.Restart restart -> {
                draft.put(index, (restart.work() == Work.NONE ? server : server.ordered(Optional.of(restart)))
                        .in(Phase.STOPPING));
                draft.queue.removeIf(item -> item.value instanceof Item.Promoting(var to) && to == index);
                draft.look(index);
                draft.enqueue(new Item.Restarting(index));
            }
            case Action.Checkpoint() -> draft.enqueue(new Item.Checkpointing(index));
            case Action.WriteIdentity(var identity) -> {
                draft.put(index, server.with(identity));
                draft.look(index);
            }
            case Action.AllowReplication(var names) -> {
                draft.put(index, server.admitting(names));
                draft.flowFrom(index);
            }
            case Action.SetSync(var setting) -> {
                draft.put(index, server.with(new Server.Sync(setting, true, server.sync().demanded())));
                draft.look(index);
            }
            case Action.EnsureSlots _, Action.NoteFloor _, Action.Publish _, Action.Reply _, Action.Log _,
                    Action.WakeAt _, Action.AllowReads _, Action.FlushWal _ -> {}
        }
    }

    /** Closes the gate of the WAL receiver. */
    static void close(Draft draft, int index) {
        var server = draft.server(index);
        draft.put(index, server.gate(Optional.empty()));
        if (!server.streaming()) return;
        draft.look(index);
        draft.look(draft.machine.index(server.gate().orElseThrow().upstream()));
    }

    /** A pre-start child has no server and therefore no fence. Without clocks a lease is there or not. */
    private static void lease(Draft draft, int index, Action.SetLease lease) {
        if (draft.member(index).preStart()) return;
        boolean timeless = draft.machine.clock == Clock.NONE && lease.untilMillis() != 0;
        var server = draft.server(index);
        boolean closes = lease.untilMillis() == 0 && server.leaseUntil() != 0;
        // What was acknowledged by the old rule is in what is seen after it (A8), or before the fence was closed (A6).
        if (closes || lease.quorum() != server.sync().demanded()) draft.enqueueOnce(new Item.Look(index, true));
        draft.put(index, server.with(server.sync().demanding(lease.quorum()))
                .leased(timeless ? Normal.NOW + 800 : lease.untilMillis(), server.orphansUntil()));
    }

    private static void store(Draft draft, int index, Action action) {
        var member = draft.member(index);
        var old = member.disk().value;
        var self = Optional.of(member.state().raft().self());
        var files = switch (action) {
            case Action.PersistBallot(var ballot) -> new StoredFiles(self, ballot, old.log(), old.instance());
            case Action.PersistEntries(var entries) ->
                    new StoredFiles(old.self(), old.ballot(), appended(old.log(), entries), old.instance());
            case Action.PersistLog(var log) -> new StoredFiles(old.self(), old.ballot(), log, old.instance());
            case Action.PersistInstance(var instance) ->
                    new StoredFiles(old.self(), old.ballot(), old.log(), instance);
            default -> throw new IllegalArgumentException("nothing to store: " + action);
        };
        draft.members.set(index, member.withDisk(draft.machine.disks.of(files)));
    }

    /** The log is cut before the first of them, then they are written behind it. */
    private static Log appended(Log log, List<Entry> entries) {
        long first = entries.getFirst().index();
        var kept = new ArrayList<Entry>();
        for (var entry : log.entries()) {
            if (entry.index() < first) kept.add(entry);
        }
        kept.addAll(entries);
        return new Log(log.base(), kept);
    }

    private static void send(Draft draft, int from, int to, Envelope envelope) {
        if (!draft.canReach(from, to) || !draft.member(to).isRunning()) return;
        if (envelope.message() instanceof PeerMessage.Status(var status) && isKnown(draft, from, to, envelope, status)) {
            return;
        }
        draft.enqueueOnce(new Item.Said(from, to, envelope));
    }

    /** A status that is known already changes nothing. */
    private static boolean isKnown(Draft draft, int from, int to, Envelope envelope, PeerMessage.NodeStatus status) {
        var peer = draft.member(to).state().peers().get(draft.machine.id(from));
        return peer != null && peer.voter().equals(Optional.of(envelope.from()))
                && peer.clusterId().equals(envelope.clusterId()) && peer.status().equals(Optional.of(status));
    }
}
