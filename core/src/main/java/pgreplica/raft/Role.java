package pgreplica.raft;

import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import pgreplica.base.FrozenMap;
import pgreplica.base.FrozenSet;
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

    /**
     * @param votes the grants so far; its own is among them only after it was prepared like any other
     * @param refused who said no in this term
     * @param release of the leader that asked for this election, if it gave its lease up
     */
    record Candidate(
            SortedMap<VoterId, Grant> votes,
            SortedSet<VoterId> refused,
            Optional<Release> release,
            long askAgainAtMillis)
            implements Role {
        public Candidate {
            votes = FrozenMap.of(votes);
            refused = FrozenSet.of(refused);
        }
    }

    /**
     * @param progress per peer, voters and learners, itself left out
     * @param grants of the election that made it leader, late ones included
     * @param sinceMillis when it was elected
     * @param firstIndex of its NoOp: when this is committed, it knows all that is committed
     * @param leaseUntilMillis 0 when there is none; only grows within the term, until it is released
     * @param othersLeaseOverAtMillis from then on no other node can hold a lease of an earlier term
     * @param released the lease was given up for the rest of this term (A6)
     */
    record Leader(
            SortedMap<VoterId, Progress> progress,
            SortedMap<VoterId, Grant> grants,
            long sinceMillis,
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

        Leader withProgress(SortedMap<VoterId, Progress> progress) {
            return new Leader(
                    progress, grants, sinceMillis, firstIndex, leaseUntilMillis,
                    othersLeaseOverAtMillis, released, handover);
        }

        Leader withGrants(SortedMap<VoterId, Grant> grants, long othersLeaseOverAtMillis) {
            return new Leader(
                    progress, grants, sinceMillis, firstIndex, leaseUntilMillis,
                    othersLeaseOverAtMillis, released, handover);
        }

        Leader withLease(long leaseUntilMillis) {
            return new Leader(
                    progress, grants, sinceMillis, firstIndex, leaseUntilMillis,
                    othersLeaseOverAtMillis, released, handover);
        }

        Leader withHandover(Optional<Handover> handover) {
            return new Leader(
                    progress, grants, sinceMillis, firstIndex, leaseUntilMillis,
                    othersLeaseOverAtMillis, released, handover);
        }

        /** Without a lease for the rest of the term. */
        Leader releasing() {
            return new Leader(
                    progress, grants, sinceMillis, firstIndex, 0,
                    othersLeaseOverAtMillis, true, handover);
        }
    }
}
