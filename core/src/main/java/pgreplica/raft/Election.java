package pgreplica.raft;

import java.util.ArrayList;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.Division;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/** Who becomes leader: timeouts, pre-vote, votes in two phases, and what a voter says about its promises. */
final class Election {
    /** After a process was seen to end. The spread lets one of those who saw it come first. */
    private static final long GONE_DELAY_MILLIS = 5;
    private static final long GONE_SPREAD_MILLIS = 56;

    private Election() {}

    /** A new election timeout, in [T, 1.3 T): never shorter, for a lease may run until just before it. */
    static void waitAnew(Turn turn) {
        long timeout = turn.state.settings().electionTimeoutMillis();
        long spread = turn.randomBelow(Division.quotient(timeout * 3, 10));
        turn.state = turn.state.withDeadline(turn.nowMillis + timeout + spread);
    }

    private static void hurry(Turn turn, long delayMillis) {
        long at = turn.nowMillis + delayMillis;
        if (at < turn.state.nextDeadlineMillis()) turn.state = turn.state.withDeadline(at);
    }

    static void onTime(Turn turn) {
        if (turn.nowMillis >= turn.state.nextDeadlineMillis()) {
            askForPreVotes(turn);
            return;
        }
        switch (turn.state.role()) {
            case Role.PreCandidate asking -> {
                if (turn.nowMillis >= asking.askAgainAtMillis()) askPreVotersAgain(turn, asking);
            }
            case Role.Candidate asking -> {
                if (turn.nowMillis >= asking.askAgainAtMillis()) askVotersAgain(turn, asking);
            }
            case Role.Follower _, Role.Leader _ -> {}
        }
    }

    static void onCampaign(Turn turn) {
        if (turn.state.role() instanceof Role.Follower) askForPreVotes(turn);
    }

    static void onProcessGone(Turn turn, NodeId node) {
        if (!isMember(turn.state, node)) return;
        var gone = new TreeSet<>(turn.state.gone());
        gone.add(node);
        turn.state = turn.state.withGone(gone);
        boolean followed = turn.state.role() instanceof Role.Follower follower
                && follower.leader().isPresent()
                && follower.leader().get().node().equals(node);
        if (followed) hurry(turn, GONE_DELAY_MILLIS + turn.randomBelow(GONE_SPREAD_MILLIS));
    }

    private static boolean isMember(RaftState state, NodeId node) {
        for (var member : state.configuration().members()) {
            if (member.node().equals(node)) return true;
        }
        return false;
    }

    /**
     * Voters campaign. So does a leader whose own removal is in its log and perhaps not committed: it may be
     * the only one that has the entry (dissertation 4.2.2).
     */
    static boolean mayCampaign(RaftState state) {
        if (state.configuration().voters().contains(state.self())) return true;
        long index = state.log().configurationIndex();
        return index > state.commitIndex()
                && state.log().configurationAt(index - 1).voters().contains(state.self());
    }

    private static void askForPreVotes(Turn turn) {
        waitAnew(turn);
        if (!mayCampaign(turn.state)) {
            turn.state = turn.state.withRole(new Role.Follower(Optional.empty(), turn.nowMillis));
            return;
        }
        turn.state = turn.state.withRole(new Role.PreCandidate(new TreeSet<>(), askAgainAt(turn)));
        sendPreVoteRequests(turn);
        countPreVote(turn, turn.state.self());
    }

    private static long askAgainAt(Turn turn) {
        return turn.nowMillis + Math.max(1, Division.quotient(turn.state.settings().heartbeatMillis(), 4));
    }

    private static void sendPreVoteRequests(Turn turn) {
        turn.sendToOtherVoters(new Message.PreVoteRequest(turn.state.term().next(), turn.state.lastPosition()));
    }

    private static void askPreVotersAgain(Turn turn, Role.PreCandidate asking) {
        turn.state = turn.state.withRole(new Role.PreCandidate(asking.granted(), askAgainAt(turn)));
        sendPreVoteRequests(turn);
    }

    static void onPreVoteRequest(Turn turn, VoterId candidate, Message.PreVoteRequest request) {
        boolean granted = request.term().isAfter(turn.state.term())
                && request.lastEntry().compareTo(turn.state.lastPosition()) >= 0
                && !isLoyalToAnother(turn, candidate);
        turn.send(candidate, new Message.PreVoteReply(granted ? request.term() : turn.state.term(), granted));
    }

    /**
     * Whoever heard its leader lately wants no other, so that a node that was cut off disturbs nobody
     * (dissertation 4.2.3). Not so if that leader's process is gone, or if it is the leader itself that
     * campaigns: its worker was restarted above a primary that runs on (B3).
     */
    private static boolean isLoyalToAnother(Turn turn, VoterId candidate) {
        var state = turn.state;
        return switch (state.role()) {
            case Role.Leader leader -> Lease.hearsMajority(turn, leader);
            case Role.Follower follower -> follower.leader().isPresent()
                    && !follower.leader().get().equals(candidate)
                    && !state.gone().contains(follower.leader().get().node())
                    && turn.nowMillis < follower.heardAtMillis() + state.settings().electionTimeoutMillis();
            case Role.PreCandidate _, Role.Candidate _ -> false;
        };
    }

    static void onPreVoteReply(Turn turn, VoterId from, Message.PreVoteReply reply) {
        if (reply.granted() && reply.term().equals(turn.state.term().next())) countPreVote(turn, from);
    }

    private static void countPreVote(Turn turn, VoterId from) {
        if (!(turn.state.role() instanceof Role.PreCandidate asking)) return;
        var granted = new TreeSet<>(asking.granted());
        if (turn.state.configuration().voters().contains(from)) granted.add(from);
        turn.state = turn.state.withRole(new Role.PreCandidate(granted, asking.askAgainAtMillis()));
        if (granted.size() >= turn.state.configuration().majority()) campaign(turn, Optional.empty());
    }

    /** Enters the next term with a vote for itself. The vote counts when it was prepared like any other. */
    static void campaign(Turn turn, Optional<Release> release) {
        var term = turn.state.term().next();
        var role = new Role.Candidate(new TreeMap<>(), new TreeSet<>(), release, askAgainAt(turn));
        turn.state = turn.state
                .withBallot(new Ballot(term, Optional.of(turn.state.self())), role)
                .withPreparing(Optional.empty());
        waitAnew(turn);
        prepareGrant(turn, release);
        turn.sendToOtherVoters(new Message.VoteRequest(term, turn.state.lastPosition(), release));
    }

    private static void askVotersAgain(Turn turn, Role.Candidate asking) {
        turn.state = turn.state.withRole(
                new Role.Candidate(asking.votes(), asking.refused(), asking.release(), askAgainAt(turn)));
        var request = new Message.VoteRequest(turn.state.term(), turn.state.lastPosition(), asking.release());
        for (var voter : turn.state.configuration().voters()) {
            boolean answered = asking.votes().containsKey(voter) || asking.refused().contains(voter);
            if (!answered && !voter.equals(turn.state.self())) turn.send(voter, request);
        }
    }

    static void onVoteRequest(Turn turn, VoterId candidate, Message.VoteRequest request) {
        var ballot = turn.state.ballot();
        boolean current = request.term().equals(ballot.term());
        boolean voteIsFree = ballot.votedFor().isEmpty() || ballot.votedFor().get().equals(candidate);
        boolean upToDate = request.lastEntry().compareTo(turn.state.lastPosition()) >= 0;
        if (!current || !voteIsFree || !upToDate) {
            turn.send(candidate, new Message.VoteReply(ballot.term(), false, 0, Optional.empty()));
            return;
        }
        if (ballot.votedFor().isEmpty()) {
            turn.state = turn.state.withBallot(new Ballot(ballot.term(), Optional.of(candidate)), turn.state.role());
            waitAnew(turn);
        }
        prepareGrant(turn, request.release());
    }

    /** Asked once at a time: a candidate that repeats its request finds the answer on its way. */
    private static void prepareGrant(Turn turn, Optional<Release> release) {
        if (turn.state.preparing().isPresent()) return;
        var term = turn.state.term();
        var valid = release.isPresent() && release.get().holdsFor(term) ? release : Optional.<Release>empty();
        turn.state = turn.state.withPreparing(Optional.of(new Preparation(term, valid)));
        turn.put(new Output.PrepareGrant(term));
    }

    /** The node is sealed: only now the vote is said, with what is promised to others at this moment (A5). */
    static void onGrantReady(Turn turn, Input.GrantReady ready) {
        var preparing = turn.state.preparing();
        if (preparing.isEmpty() || !preparing.get().term().equals(ready.term())) return; // of an older term
        turn.state = turn.state.withPreparing(Optional.empty());
        var candidate = turn.state.ballot().votedFor().get();
        long until = turn.state.promises().toOthersUntilMillis(candidate.node(), preparing.get().release());
        if (candidate.equals(turn.state.self())) {
            countVote(turn, candidate, new Grant(ready.attachment(), until));
            return;
        }
        long left = Math.max(0, until - turn.nowMillis);
        turn.send(candidate, new Message.VoteReply(turn.state.term(), true, left, ready.attachment()));
    }

    static void onVoteReply(Turn turn, VoterId from, Message.VoteReply reply) {
        if (!reply.term().equals(turn.state.term())) return; // from an older term
        if (!reply.granted()) {
            onRefusal(turn, from);
            return;
        }
        // Counted from the receipt, the time left is never too short.
        long until = turn.nowMillis + Math.max(0, reply.promisedToOthersMillis());
        countVote(turn, from, new Grant(reply.attachment(), until));
    }

    /** Pre-votes were won, so a refusal means that votes are split: the next round need not wait for a timeout. */
    private static void onRefusal(Turn turn, VoterId from) {
        if (!(turn.state.role() instanceof Role.Candidate asking)) return;
        var refused = new TreeSet<>(asking.refused());
        refused.add(from);
        turn.state = turn.state.withRole(
                new Role.Candidate(asking.votes(), refused, asking.release(), asking.askAgainAtMillis()));
        int possible = 0;
        for (var voter : turn.state.configuration().voters()) {
            if (!refused.contains(voter) && !turn.state.gone().contains(voter.node())) possible++;
        }
        long heartbeat = turn.state.settings().heartbeatMillis();
        boolean lost = possible < turn.state.configuration().majority();
        // While it can still win, voters that are sealing themselves get the time for it.
        hurry(turn, (lost ? 0 : heartbeat) + turn.randomBelow(Math.max(1, Division.quotient(heartbeat, 2))));
    }

    private static void countVote(Turn turn, VoterId from, Grant grant) {
        switch (turn.state.role()) {
            case Role.Candidate asking -> {
                var votes = new TreeMap<>(asking.votes());
                votes.put(from, grant);
                turn.state = turn.state.withRole(
                        new Role.Candidate(votes, asking.refused(), asking.release(), asking.askAgainAtMillis()));
                if (isElected(turn.state, votes)) lead(turn, votes);
            }
            case Role.Leader leader -> {
                var grants = new TreeMap<>(leader.grants());
                grants.put(from, grant);
                // A majority of later members need not share a voter with those that renewed the old leases.
                boolean sameMembers = turn.state.log().configurationIndex() < leader.firstIndex();
                long over = sameMembers ? othersLeaseOverAt(turn.state, grants) : leader.othersLeaseOverAtMillis();
                turn.state = turn.state.withRole(leader.withGrants(grants, over));
            }
            case Role.Follower _, Role.PreCandidate _ -> {} // given up meanwhile
        }
    }

    /** The own vote may come last: nobody leads who could not seal itself. */
    private static boolean isElected(RaftState state, SortedMap<VoterId, Grant> votes) {
        int counted = 0;
        for (var voter : votes.keySet()) {
            if (state.configuration().voters().contains(voter)) counted++;
        }
        return votes.containsKey(state.self()) && counted >= state.configuration().majority();
    }

    /**
     * When the leases of all earlier leaders have run out. Each of them was renewed by a majority, and any
     * majority of grants holds one of those voters; so the majority with the shortest promises decides, and a
     * grant that arrives late can only bring the moment forward.
     */
    private static long othersLeaseOverAt(RaftState state, SortedMap<VoterId, Grant> grants) {
        var ends = new ArrayList<Long>();
        for (var grant : grants.entrySet()) {
            if (state.configuration().voters().contains(grant.getKey())) {
                ends.add(grant.getValue().othersPromiseOverAtMillis());
            }
        }
        ends.sort(null);
        int majority = state.configuration().majority();
        return ends.size() < majority ? Long.MAX_VALUE : ends.get(majority - 1);
    }

    private static void lead(Turn turn, SortedMap<VoterId, Grant> votes) {
        long firstIndex = turn.state.lastPosition().index() + 1;
        var progress = new TreeMap<VoterId, Progress>();
        for (var member : turn.state.configuration().members()) {
            if (!member.equals(turn.state.self())) progress.put(member, Progress.unknown(firstIndex));
        }
        long over = othersLeaseOverAt(turn.state, votes);
        turn.state = turn.state.withRole(new Role.Leader(
                progress, votes, turn.nowMillis, firstIndex, 0, over, false, Optional.empty()));
        Replication.append(turn, new Payload.NoOp());
    }

    /** Leadership ends without a new term: a majority is not heard, or a hand-over with a release failed. */
    static void stepDown(Turn turn) {
        turn.state = turn.state.withRole(new Role.Follower(Optional.empty(), turn.nowMillis));
        waitAnew(turn);
    }
}
