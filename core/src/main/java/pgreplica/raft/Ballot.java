package pgreplica.raft;

import java.util.Optional;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** What a voter must remember for ever: the newest term it knows, and whom it voted for in it. */
public record Ballot(Term term, Optional<VoterId> votedFor) {
    /** Of a node that nobody has admitted yet. */
    public static final Ballot START = new Ballot(Term.ZERO, Optional.empty());
}
