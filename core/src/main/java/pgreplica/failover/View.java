package pgreplica.failover;

import java.util.Optional;
import pgreplica.base.NodeId;

/** What a leader sees when it asks whether and whom to promote. Facts only, each worth one question. */
public interface View {
    /** Nodes of the founding list that are not voters yet, in words; empty if none. */
    String missingFounders();

    /** An entry of this term is committed, so everything that was ever committed is known here. */
    boolean ownTermCommitted();

    /** The node that leadership is on its way to. */
    Optional<NodeId> handingOverTo();

    /** A primary appointed for its timeline runs here, and no later timeline was reserved. */
    boolean servesHere();

    /** Who should be primary instead of one whose synchronous standbys have been unable to stream for long (B9). */
    Optional<NodeId> relief();

    /** Why this server has not been able to serve clients for a while although it runs; empty if it can. */
    String ailment();

    /** The healthy standby that is to take over from the primary here, not tried yet. */
    Optional<NodeId> heir();

    /** A primary runs here, but a later timeline was reserved. */
    boolean outdatedPrimaryHere();

    /** A promotion that this node was appointed for is under way. */
    boolean promoting();

    /** It has taken longer than anyone should wait. */
    boolean promotionOverdue();

    /** Connected nodes that have not reported in this term, while patience lasts; in words. */
    String awaitedReports();

    /** The last primary is coming back by itself and its grace is not used up. */
    Optional<NodeId> recoveringPrimary();

    /** How many more valid reports of sync set members that hold no more WAL than this node are needed. */
    int reportsMissing();

    /** Why this node may not become primary itself; empty if it may. */
    String selfObstacle();

    /** A node not tried yet whose WAL reaches further, or as far and whose priority is higher. */
    Optional<NodeId> better();

    /** The best node not tried yet that may become primary. */
    Optional<NodeId> successor();

    /** Whether a node that may be primary has reported more WAL than this one holds. */
    boolean ahead();

    /** Nodes that hold good data and are not promoted because they sort text otherwise, with the way out. */
    String heldBack();

    /** How much of the last primary's known WAL would be given up. */
    long lossBytes();

    /** Whether {@code pg_replica.max_failover_lag} allows it. */
    boolean lossAllowed();
}
