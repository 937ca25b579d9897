package pgreplica.cluster;

import java.util.SortedSet;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;

/**
 * What is fixed once for the life of a cluster.
 *
 * @param primary the node whose data becomes the cluster's
 * @param timeline the timeline that node was on
 * @param highestTimeline the highest number seen on any node: none up to it is ever given to a promotion (B13)
 * @param nodes the nodes that found the cluster together
 */
public record Founding(String clusterId, long systemIdentifier, NodeId primary, Timeline timeline,
                       Timeline highestTimeline, SortedSet<NodeId> nodes) {}
