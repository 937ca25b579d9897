package pgreplica.base;

/**
 * One life of a node as a voter. The number is drawn when the state directory is made, so a node that
 * lost its Raft state comes back as somebody else and cannot break a promise of its former self.
 */
public record VoterId(NodeId node, long number) implements Comparable<VoterId> {
    @Override public int compareTo(VoterId other) {
        int byNode = node.compareTo(other.node);
        return byNode != 0 ? byNode : Long.compare(number, other.number);
    }

    @Override public String toString() {
        return node.name();
    }
}
