package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** States that cannot be: a voter that finds itself in one stops, and does not vote. Guards P1 and P2. */
class RaftStateTest {
    private static final Term TWO = new Term(2);
    private static final Grant GRANT = new Grant(Optional.empty(), 0);

    private static void impossible(Runnable what, String rule) {
        assertThatThrownBy(what::run).isInstanceOf(InvariantViolation.class).hasMessageContaining(rule);
    }

    private static Ballot voteFor(int node) {
        return new Ballot(TWO, Optional.of(Sample.voter(node)));
    }

    private static Role.Candidate candidate(int... votes) {
        var grants = new TreeMap<VoterId, Grant>();
        for (int vote : votes) grants.put(Sample.voter(vote), GRANT);
        return new Role.Candidate(grants, new TreeSet<>(), Optional.empty(), 0);
    }

    private static Role.Leader leader(int grantedBy, int peer, long leaseUntil, boolean released) {
        var progress = new TreeMap<>(Map.of(Sample.voter(peer), Progress.unknown(2)));
        var grants = new TreeMap<>(Map.of(Sample.voter(grantedBy), GRANT));
        return new Role.Leader(progress, grants, 0, 2, leaseUntil, 0, released, Optional.empty());
    }

    @Test
    void theTermIsNotOlderThanTheLog() {
        var state = Voter.following(3).state;
        impossible(() -> state.withBallot(new Ballot(new Term(1), Optional.empty()), state.role()), "no entry is newer");
    }

    @Test
    void whatIsCommittedIsInTheLogOrItsImage() {
        var state = Voter.following(3).state;
        impossible(() -> state.withCommitIndex(0), "what an image stands for is committed");
        impossible(() -> state.withCommitIndex(3), "what is committed is in the log");
    }

    @Test
    void aCandidateVotedForItself() {
        var state = Voter.settled(3).state;
        impossible(() -> state.withBallot(voteFor(2), candidate()), "a candidate voted for itself");
        assertThatCode(() -> state.withBallot(voteFor(1), candidate(1, 2))).doesNotThrowAnyException();
    }

    @Test
    void onlyVotersGrant() {
        var state = Voter.settled(3).state;
        impossible(() -> state.withBallot(voteFor(1), candidate(1, 9)), "only voters grant");
    }

    @Test
    void aLeaderWasElectedAndIsNotItsOwnPeer() {
        var state = Voter.settled(3).state;
        impossible(() -> state.withBallot(voteFor(2), leader(1, 2, 0, false)), "a leader voted for itself");
        impossible(() -> state.withBallot(voteFor(1), leader(3, 2, 0, false)), "own grant was prepared");
        impossible(() -> state.withBallot(voteFor(1), leader(1, 1, 0, false)), "not its own peer");
        assertThatCode(() -> state.withBallot(voteFor(1), leader(1, 2, 0, true))).doesNotThrowAnyException();
    }

    /** A6. */
    @Test
    void aReleasedLeaseIsNotTakenBack() {
        var state = Voter.settled(3).state;
        impossible(() -> state.withBallot(voteFor(1), leader(1, 2, 5, true)), "a released lease is not taken back");
    }
}
