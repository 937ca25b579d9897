package pgreplica.failover;

import java.util.Optional;
import pgreplica.base.NodeId;

/**
 * What a leader sees when it asks whether and whom to promote. Facts only, each worth one question.
 *
 * @param missingFounders nodes of the founding list that are not voters yet, in words; empty if none
 * @param ownTermCommitted an entry of this term is committed, so everything that was ever committed is known here
 * @param servesHere a primary appointed for its timeline runs here, and no later timeline was reserved
 * @param outdatedPrimaryHere a primary runs here, but a later timeline was reserved
 * @param promoting a promotion that this node was appointed for is under way
 * @param promotionOverdue it has taken longer than anyone should wait
 * @param awaitedReports connected nodes that have not reported in this term, while patience lasts; in words
 * @param recoveringPrimary the last primary is coming back by itself and its grace is not used up
 * @param reportsMissing how many more valid reports of the sync set are needed
 * @param selfObstacle why this node may not become primary itself; empty if it may
 * @param better a node not tried yet whose WAL reaches further, or as far and whose priority is higher
 * @param successor the best node not tried yet that may become primary
 * @param summoned this node was told to take over
 * @param lossBytes how much of the last primary's known WAL would be given up
 * @param lossAllowed whether {@code pg_replica.max_failover_lag} allows it
 */
public record View(
        String missingFounders,
        boolean ownTermCommitted,
        boolean servesHere,
        boolean outdatedPrimaryHere,
        boolean promoting,
        boolean promotionOverdue,
        String awaitedReports,
        Optional<NodeId> recoveringPrimary,
        int reportsMissing,
        String selfObstacle,
        Optional<NodeId> better,
        Optional<NodeId> successor,
        boolean summoned,
        long lossBytes,
        boolean lossAllowed) {}
