package pgreplica.instance;

/** How a node's data relates to the cluster. */
public enum DataCondition {
    /** Not looked at yet. */
    UNKNOWN,
    /** The cluster's data, on a timeline that an appointment explains. */
    OURS,
    /** A freshly initdb'ed directory: may be replaced by a clone without asking. */
    PRISTINE,
    /** The cluster's system, but not known to be on its history: only a clone makes it sure. */
    UNEXPLAINED,
    /** User data of another system or another cluster: never touched without an operator's word (P8). */
    STRANGER,
    /** User data, and this node belongs to no cluster yet. */
    UNCLAIMED,
    /** A rewind or clone is under way. */
    WORKING,
    /** This node only votes: whatever is in its data directory is nobody's. */
    WITNESS
}
