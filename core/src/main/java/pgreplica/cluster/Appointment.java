package pgreplica.cluster;

import java.util.Optional;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;

/**
 * A node's right to be primary on one timeline. Committed before the promotion is asked for (safety rule A3), so a
 * timeline number belongs to one node for ever (P5), whether or not that promotion ever happened.
 *
 * @param index where it stands in the Raft log
 * @param parent the timeline the node was on when it was appointed
 * @param fork where the timeline left its parent; empty until the promotion is recorded
 * @param collation how the server of the node sorts text, in words that are equal where the libraries are
 * @param atMillis wall-clock time of the appointing leader: for people, and for how long to wait for a primary that
 *     crashed; never for anything that safety rests on
 */
public record Appointment(long index, Term term, NodeId node, Timeline timeline, Timeline parent,
                          Optional<Lsn> fork, String collation, long atMillis, String why) {

    Appointment withFork(Timeline realParent, Lsn position) {
        return new Appointment(index, term, node, timeline, realParent, Optional.of(position), collation, atMillis,
                why);
    }
}
