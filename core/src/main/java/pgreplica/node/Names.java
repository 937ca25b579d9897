package pgreplica.node;

import pgreplica.base.NodeId;
import pgreplica.base.Timeline;

/** The names under which nodes appear in Postgres. */
final class Names {
    private Names() {}

    /** Node, incarnation and timeline, so that Postgres cannot count a standby that was not admitted (A1). */
    static String replication(NodeId node, long incarnation, Timeline timeline) {
        return node + "_i" + incarnation + "_t" + timeline;
    }

    static String slot(NodeId node) {
        return "pg_replica_" + node;
    }
}
