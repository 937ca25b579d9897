package pgreplica.instance;

import java.util.Optional;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;

/**
 * The gate in this node's WAL receiver (safety rule A7).
 *
 * @param requested the term the last Seal was asked for
 * @param sealed the term in which it was found closed: what is reported in it is final until a Follow
 * @param stuck it could not be closed in that term, so reports are void (B6)
 * @param following the timeline it is open for; {@link Timeline#NONE} if it is closed
 */
public record Gate(Optional<Term> requested, Optional<Term> sealed, boolean stuck, Timeline following,
                   Term followingTerm, Optional<NodeId> upstream) {
    public static final Gate CLOSED =
            new Gate(Optional.empty(), Optional.empty(), false, Timeline.NONE, Term.ZERO, Optional.empty());

    public Gate closing(Term term) {
        return new Gate(Optional.of(term), Optional.empty(), false, Timeline.NONE, Term.ZERO, Optional.empty());
    }

    public Gate closed(Term term, boolean inTime) {
        return new Gate(requested, Optional.of(term), !inTime, Timeline.NONE, Term.ZERO, Optional.empty());
    }

    public Gate openTo(NodeId node, Timeline timeline, Term term) {
        return new Gate(requested, sealed, false, timeline, term, Optional.of(node));
    }

    public boolean isSealedIn(Term term) {
        return sealed.isPresent() && sealed.get().equals(term);
    }

    public boolean isOpenTo(NodeId node, Timeline timeline, Term term) {
        return upstream.isPresent() && upstream.get().equals(node) && following.equals(timeline)
                && followingTerm.equals(term);
    }
}
