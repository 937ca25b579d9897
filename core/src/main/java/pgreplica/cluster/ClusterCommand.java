package pgreplica.cluster;

import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.raft.Command;

/** What a leader may write into the replicated state. One record per decision that must survive it. */
public sealed interface ClusterCommand extends Command {

    /** Every node of the founding list has become a voter; from now on a majority means a majority of them. */
    record CompleteFounding() implements ClusterCommand {}

    /** Reserves {@code timeline} for {@code node} and makes it the one node that may be primary. */
    record Appoint(NodeId node, Timeline timeline, Timeline parent, String collation, long atMillis, String why)
            implements ClusterCommand {}

    /** The promotion to {@code timeline} happened, and this is where it left {@code parent}. */
    record RecordFork(Timeline timeline, Timeline parent, Lsn fork) implements ClusterCommand {}

    /** From now on this is where acknowledged commits may be, and how many reports an election needs (A8). */
    record SetSync(SyncSet sync) implements ClusterCommand {}
}
