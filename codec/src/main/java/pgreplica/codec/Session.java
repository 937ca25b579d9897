package pgreplica.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.node.Action;
import pgreplica.node.Envelope;
import pgreplica.node.Event;
import pgreplica.node.Node;
import pgreplica.node.NodeState;
import pgreplica.node.NodeStep;

/**
 * The core of one process, from its Start on: events as bytes in, actions as bytes out. Holds the only references
 * that live from one step to the next. Another Start begins anew and remembers nothing, as a new process would.
 */
public final class Session {
    private static final long MILLIS_BETWEEN_COMPLAINTS = 10_000;

    private Optional<NodeState> node = Optional.empty();
    private Optional<StateDirectory> directory = Optional.empty();
    private long malformedMessages;
    private long complainedAtMillis = -MILLIS_BETWEEN_COMPLAINTS;

    /**
     * One event.
     *
     * @throws Malformed the host sent what docs/host-border.md does not allow
     * @throws DamagedState the state directory cannot be used
     */
    public byte[] step(byte[] event) {
        return HostActionCodec.encode(step(HostEventCodec.decode(event)));
    }

    /** The same without bytes, for the simulator. */
    public List<HostAction> step(HostEvent.Timed timed) {
        long now = timed.nowMillis();
        return switch (timed.event()) {
            case HostEvent.Start start -> start(start, now);
            case HostEvent.MessageReceived message -> receive(message, now);
            case HostEvent.Plain(var event) -> apply(Node.step(started(), now, event));
        };
    }

    /** What the node knows, once it was started. */
    public Optional<NodeState> node() {
        return node;
    }

    /** Equal bytes exactly if everything that matters is equal. */
    public byte[] state() {
        var out = new ByteWriter(4096);
        out.optional(node, StateCodec::writeNode);
        out.bool(directory.isPresent());
        if (directory.isPresent()) directory.get().writeTo(out);
        out.i64(malformedMessages);
        out.i64(complainedAtMillis);
        return out.toBytes();
    }

    private List<HostAction> start(HostEvent.Start start, long now) {
        var opened = StateDirectory.open(start.settings().self(), start.files());
        directory = Optional.of(opened.directory());
        malformedMessages = 0;
        complainedAtMillis = -MILLIS_BETWEEN_COMPLAINTS;
        var step = Node.start(start.settings(), opened.files(), start.seed(), now);

        var actions = new ArrayList<HostAction>();
        if (opened.isFirstStart()) actions.addAll(opened.directory().create(step.state().raft().self()));
        if (opened.isLogTorn()) {
            actions.add(opened.directory().rewriteLog());
            actions.add(complaint("the last write to the log was torn by a crash and is cut off; "
                    + "the log ends at " + opened.files().log().last()));
        }
        actions.addAll(apply(step));
        return actions;
    }

    private List<HostAction> receive(HostEvent.MessageReceived message, long now) {
        var state = started();
        Envelope envelope;
        try {
            envelope = EnvelopeCodec.decode(message.payload());
        } catch (Malformed malformed) {
            return drop(message, malformed, now);
        }
        return apply(Node.step(state, now, new Event.MessageReceived(message.from(), envelope)));
    }

    /** A peer of another release, or with a fault, must not be able to fill the log. */
    private List<HostAction> drop(HostEvent.MessageReceived message, Malformed malformed, long now) {
        malformedMessages++;
        if (now - complainedAtMillis < MILLIS_BETWEEN_COMPLAINTS) return List.of();
        complainedAtMillis = now;
        return List.of(complaint("dropped a message of " + message.payload().length + " bytes from node "
                + message.from() + ": " + malformed.getMessage() + " (" + malformedMessages
                + " dropped since the start)"));
    }

    private List<HostAction> apply(NodeStep step) {
        node = Optional.of(step.state());
        var files = directory.orElseThrow();
        var self = step.state().raft().self();
        var actions = new ArrayList<HostAction>();
        for (var action : step.actions()) {
            actions.add(switch (action) {
                case Action.PersistBallot(var ballot) -> files.storeBallot(self, ballot);
                case Action.PersistEntries(var entries) -> files.storeEntries(entries);
                case Action.PersistLog(var log) -> files.replaceLog(log);
                case Action.PersistInstance(var record) -> files.storeInstance(record);
                case Action.NoteFloor floor -> files.storeFloor(floor);
                case Action.Send(var to, var envelope) -> new HostAction.Send(to, EnvelopeCodec.encode(envelope));
                case Action.SetLease _, Action.Seal _, Action.Follow _, Action.Promote _,
                        Action.Restart _, Action.Checkpoint _, Action.EnsureSlots _, Action.Publish _,
                        Action.Reply _, Action.Log _, Action.WakeAt _,
                        Action.WriteIdentity _, Action.AllowReplication _, Action.SetSync _, Action.AllowReads _,
                        Action.FlushWal _ ->
                        new HostAction.Plain(action);
            });
        }
        return actions;
    }

    private NodeState started() {
        if (node.isEmpty()) throw new Malformed("an event before the start");
        return node.get();
    }

    private static HostAction complaint(String text) {
        return new HostAction.Plain(new Action.Log(Action.Level.WARNING, text));
    }
}
