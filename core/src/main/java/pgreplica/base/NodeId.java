package pgreplica.base;

import static pgreplica.base.Invariant.check;

/** The name of one Postgres server of the cluster, as in {@code pg_replica.node_name}. */
public record NodeId(String name) implements Comparable<NodeId> {
    public NodeId {
        check(!name.isEmpty(), "a node has a name");
    }

    @Override public int compareTo(NodeId other) {
        return name.compareTo(other.name);
    }

    @Override public String toString() {
        return name;
    }
}
