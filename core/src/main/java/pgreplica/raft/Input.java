package pgreplica.raft;

import java.util.Optional;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** Everything Raft may learn. */
public sealed interface Input {
    record TimePassed() implements Input {}

    record Received(VoterId from, Message message) implements Input {}

    /** The node can be spoken to, for the first time or again. */
    record Reached(NodeId node) implements Input {}

    /** Nothing listens on the node any more, neither its voter nor its Postgres. */
    record ProcessGone(NodeId node) implements Input {}

    /** The answer to PrepareGrant: the node is sealed in this term, and this goes with its vote. */
    record GrantReady(Term term, Optional<Attachment> attachment) implements Input {}

    record Propose(Command command) implements Input {}

    record ProposeConfiguration(Configuration configuration) implements Input {}

    /** Hand leadership to {@code target}; with {@code release} the lease is given up for good in this term. */
    record Transfer(VoterId target, boolean release) implements Input {}

    /** Stand for election now, without waiting for a timeout. */
    record Campaign() implements Input {}

    /** The application's state after the committed entry {@code index}: the entries up to it may go. */
    record Compact(long index, Snapshot snapshot) implements Input {}
}
