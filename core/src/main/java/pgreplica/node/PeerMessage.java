package pgreplica.node;

import java.util.List;
import java.util.Optional;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.cluster.Ancestry;
import pgreplica.instance.DataCondition;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.WalReport;
import pgreplica.raft.Message;

/** What nodes say to each other: Raft's messages, and what a failover needs beside them. */
public sealed interface PeerMessage {
    record Raft(Message message) implements PeerMessage {}

    /** How the sender is, for everybody. */
    record Status(NodeStatus status) implements PeerMessage {}

    /** What the leader of {@code term} wants a node's data to be. Repeated until the status shows that it is so. */
    record Order(Term term, Directive directive) implements PeerMessage {}

    /** An operator's request, on its way to the leader; {@code ticket} is the sender's. */
    record Forward(long ticket, String verb, List<String> arguments) implements PeerMessage {}

    record ForwardReply(long ticket, boolean ok, String text) implements PeerMessage {}

    sealed interface Directive {
        /** Stream from {@code upstream}: the node's WAL was found to be a prefix of this history (A1). */
        record Follow(NodeId upstream, Timeline timeline, Ancestry ancestry) implements Directive {}

        /** The node's WAL went past a fork: go back to it, then follow. */
        record Rewind(NodeId source, Timeline timeline, Ancestry ancestry) implements Directive {}

        /** The node's data cannot be brought back: take a copy. */
        record Clone(NodeId source, Timeline timeline, Ancestry ancestry, String why) implements Directive {}

        /** Stay as you are. */
        record Hold(String why) implements Directive {}
    }

    /**
     * A node as it sees itself.
     *
     * @param listText its {@code pg_replica.nodes}, compared before a founding
     * @param sealedTerm the term in which {@code report} was made after sealing; empty if it has not sealed in one
     * @param following the timeline the gate is open for; {@link Timeline#NONE} if closed
     */
    record NodeStatus(Term term, String listText, Phase phase, long systemIdentifier, DataCondition data,
                      Timeline timeline, Lsn replayed, Lsn flushed, boolean endProven, boolean streaming,
                      boolean checkpointOnTimeline, Timeline following, long incarnation,
                      Optional<Term> sealedTerm, Optional<WalReport> report,
                      int priority, Collation collation, String version, String address, String state, String reason) {}
}
