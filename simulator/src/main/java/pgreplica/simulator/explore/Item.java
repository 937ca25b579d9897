package pgreplica.simulator.explore;

import pgreplica.base.Term;
import pgreplica.node.Envelope;

/** What is under way and has not happened yet. {@code to} is the number of the node that it happens to. */
sealed interface Item {
    int to();

    record Said(int from, int to, Envelope envelope) implements Item {}

    record PeerCame(int to, int peer) implements Item {}

    record PeerWent(int to, int peer, boolean processGone) implements Item {}

    /** A node's timer. */
    record Timer(int to) implements Item {}

    /** The worker looks at its server, and tells what it sees if it is news, or anyway. */
    record Look(int to, boolean anyway) implements Item {}

    /** The gate is being closed. */
    record Sealing(int to, Term term) implements Item {}

    /** The WAL receiver connects, or takes the next record. */
    record Flow(int to) implements Item {}

    record Promoting(int to) implements Item {}

    record Checkpointing(int to) implements Item {}

    /** The server goes down to come up again. */
    record Restarting(int to) implements Item {}

    record Starting(int to) implements Item {}

    /** A rewind or clone runs. */
    record Working(int to) implements Item {}

    /** Local WAL is replayed. */
    record Recovering(int to) implements Item {}
}
