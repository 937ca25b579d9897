package pgreplica.raft;

import static pgreplica.base.Invariant.check;

import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import pgreplica.base.FrozenSet;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.base.Xorshift;

/**
 * All that one voter knows. Ballot and log are on disk before anything that follows from them is said;
 * everything else is lost with the process.
 *
 * @param gone nodes that were seen to have no process left, and were not heard since
 * @param preparing the vote that is given and not answered yet, while the node seals itself for it
 * @param nextDeadlineMillis of the role: the election timeout, or a leader's next heartbeat
 */
public record RaftState(
        VoterId self,
        RaftSettings settings,
        Ballot ballot,
        Log log,
        long commitIndex,
        Role role,
        Promises promises,
        SortedSet<NodeId> gone,
        Optional<Preparation> preparing,
        long nextDeadlineMillis,
        Xorshift random) {
    public RaftState {
        gone = FrozenSet.of(gone);
        check(!log.last().term().isAfter(ballot.term()), "no entry is newer than the current term");
        check(commitIndex >= log.base().last().index(), "what an image stands for is committed");
        check(commitIndex <= log.last().index(), "what is committed is in the log");
        switch (role) {
            case Role.Follower _, Role.PreCandidate _ -> {}
            case Role.Candidate candidate -> {
                check(ballot.votedFor().equals(Optional.of(self)), "a candidate voted for itself");
                for (var voter : candidate.votes().keySet()) {
                    check(voter.equals(self) || log.configuration().voters().contains(voter), "only voters grant");
                }
            }
            case Role.Leader leader -> {
                check(ballot.votedFor().equals(Optional.of(self)), "a leader voted for itself");
                check(leader.grants().containsKey(self), "a leader's own grant was prepared like any other");
                check(!leader.released() || leader.leaseUntilMillis() == 0, "a released lease is not taken back");
                check(!leader.progress().containsKey(self), "a leader is not its own peer");
            }
        }
    }

    public Term term() {
        return ballot.term();
    }

    public boolean isLeader() {
        return role instanceof Role.Leader;
    }

    /** Whom this node takes for the leader of its current term; itself if it leads. */
    public Optional<VoterId> leader() {
        return switch (role) {
            case Role.Follower follower -> follower.leader();
            case Role.PreCandidate _, Role.Candidate _ -> Optional.empty();
            case Role.Leader _ -> Optional.of(self);
        };
    }

    /** The newest in the log, from the moment it is appended. */
    public Configuration configuration() {
        return log.configuration();
    }

    public LogPosition lastPosition() {
        return log.last();
    }

    /** A leader that has committed an entry of its own term knows everything that was ever committed. */
    public boolean committedOwnTerm() {
        return role instanceof Role.Leader leader && commitIndex >= leader.firstIndex();
    }

    /** Until when a leader may let its node serve; 0 if it has no lease, or does not lead. */
    public long leaseUntilMillis() {
        return role instanceof Role.Leader leader ? leader.leaseUntilMillis() : 0;
    }

    /** From when no lease of an earlier term can be running any more; only a leader knows. */
    public long othersLeaseOverAtMillis() {
        return role instanceof Role.Leader leader ? leader.othersLeaseOverAtMillis() : Long.MAX_VALUE;
    }

    /** The votes that made this node leader, late ones included; empty if it does not lead. */
    public SortedMap<VoterId, Grant> grants() {
        return role instanceof Role.Leader leader ? leader.grants() : new TreeMap<>();
    }

    /** Whether this leader has given up its lease for the rest of its term. */
    public boolean released() {
        return role instanceof Role.Leader leader && leader.released();
    }

    /** The hand-over under way, if this node leads. */
    public Optional<Handover> handover() {
        return role instanceof Role.Leader leader ? leader.handover() : Optional.empty();
    }

    /** Whether a command that is proposed now gets into the log. */
    public boolean mayPropose() {
        return role instanceof Role.Leader leader && leader.handover().isEmpty();
    }

    /** Why this configuration cannot be proposed now; empty if it can. */
    public Optional<String> configurationRefusal(Configuration proposed) {
        return Membership.refusal(this, proposed);
    }

    /** When TimePassed is needed next. */
    public long deadlineMillis() {
        return switch (role) {
            case Role.Follower _, Role.Leader _ -> nextDeadlineMillis;
            case Role.PreCandidate asking -> Math.min(nextDeadlineMillis, asking.askAgainAtMillis());
            case Role.Candidate asking -> Math.min(nextDeadlineMillis, asking.askAgainAtMillis());
        };
    }

    RaftState withBallot(Ballot ballot, Role role) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withLog(Log log) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withLog(Log log, long commitIndex) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withCommitIndex(long commitIndex) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withRole(Role role) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withPromises(Promises promises) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withGone(SortedSet<NodeId> gone) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withPreparing(Optional<Preparation> preparing) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withDeadline(long nextDeadlineMillis) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }

    RaftState withRandom(Xorshift random) {
        return new RaftState(
                self, settings, ballot, log, commitIndex, role, promises, gone, preparing, nextDeadlineMillis, random);
    }
}
