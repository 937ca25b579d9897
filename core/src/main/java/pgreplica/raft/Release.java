package pgreplica.raft;

import pgreplica.base.Term;
import pgreplica.base.VoterId;

/**
 * A leader's word that it has no lease in {@code term} and takes none again in it. It cancels the promises
 * made to that node in terms up to this one, and only for the election of the next term.
 */
public record Release(VoterId releasedBy, Term term) {
    /** Whether an election in {@code campaign} may count on this release. */
    public boolean holdsFor(Term campaign) {
        return term.next().equals(campaign);
    }
}
