package pgreplica.node;

import java.util.List;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.instance.Observation;

/** Everything the core may learn, in the words of docs/host-border.md. It has no clock, no socket, no disk. */
public sealed interface Event {
    record TimePassed() implements Event {}

    record MessageReceived(NodeId from, Envelope envelope) implements Event {}

    record PeerConnected(NodeId node) implements Event {}

    /** @param processGone its Raft port and its Postgres port both refuse connections */
    record PeerLost(NodeId node, boolean processGone) implements Event {}

    record Observed(Observation observation) implements Event {}

    record Sealed(Term term, boolean closed, Observation observation) implements Event {}

    record TaskDone(Task task, boolean ok, String detail) implements Event {}

    record Requested(long requestId, String verb, List<String> arguments) implements Event {}

    record WorkProgress(Work work, String phase, long doneBytes, long totalBytes) implements Event {}

    /** The operator changed settings that may change while the server runs. */
    record Configured(SyncWish sync, boolean collationMismatchAllowed) implements Event {}

    enum Task { CHECKPOINT, SLOTS, PROMOTE, RESTART, IDENTITY, SYNC }

    /** Work on the data directory that needs Postgres down. */
    enum Work { NONE, REWIND, CLONE }
}
