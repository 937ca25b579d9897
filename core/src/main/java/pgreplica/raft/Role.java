package pgreplica.raft;

import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import pgreplica.base.VoterId;

/** A role carries the data that exists only in it, so stale data has nowhere to live. */
public sealed interface Role {
    /**
     * @param leader whom this node follows in the current term, once it was heard
     * @param heardAtMillis when that leader was last heard
     */
    record Follower(Optional<VoterId> leader, long heardAtMillis) implements Role {}

    /** Asks whether an election could be won, without a new term (dissertation 9.6). */
    record PreCandidate(SortedSet<VoterId> granted, long askAgainAtMillis) implements Role {
        public PreCandidate {
            granted = FrozenSet.of(granted);
        }
    }

    /** @param votes the grants so far; its own is among them only after it was prepared like any other */
    record Candidate(SortedMap<VoterId, Grant> votes, Optional<Release> release, long askAgainAtMillis)
            implements Role {
        public Candidate {
            votes = FrozenMap.of(votes);
        }
    }

    /**
     * @param progress per peer, voters and learners, itself left out
     * @param grants of the election that made it leader, late ones included
     * @param firstIndex of its NoOp: when this is committed, it knows all that is committed
     * @param leaseUntilMillis 0 when there is none; only grows within the term, until it is released
     * @param othersLeaseOverAtMillis from then on no other node can hold a lease of an earlier term
     * @param released the lease was given up for the rest of this term (A6)
     */
    record Leader(
            SortedMap<VoterId, Progress> progress,
            SortedMap<VoterId, Grant> grants,
            long firstIndex,
            long leaseUntilMillis,
            long othersLeaseOverAtMillis,
            boolean released,
            Optional<Handover> handover)
            implements Role {
        public Leader {
            progress = FrozenMap.of(progress);
            grants = FrozenMap.of(grants);
        }
    }
}
