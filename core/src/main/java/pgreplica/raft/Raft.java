package pgreplica.raft;

import java.util.Optional;
import java.util.TreeSet;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.base.Xorshift;

/**
 * One voter of the Raft group: a pure function of its state, the time and one input. It has no clock, no
 * socket and no disk of its own. Here is what comes in; Election, Replication, Membership and Lease decide.
 */
public final class Raft {
    private Raft() {}

    /** A voter with what it finds on disk. It counts as having just promised everybody not to change sides (A4). */
    public static RaftState start(
            VoterId self, Ballot ballot, Log log, RaftSettings settings, long nowMillis, long seed) {
        var state = new RaftState(
                self,
                settings,
                ballot,
                log,
                log.base().last().index(),
                new Role.Follower(Optional.empty(), nowMillis),
                Promises.toEveryoneUntil(nowMillis + settings.promiseMillis()),
                new TreeSet<>(),
                Optional.empty(),
                nowMillis,
                Xorshift.of(seed));
        var turn = new Turn(state, nowMillis);
        Election.waitAnew(turn);
        return turn.state;
    }

    public static RaftStep step(RaftState state, long nowMillis, Input input) {
        var turn = new Turn(state, nowMillis);
        switch (input) {
            case Input.TimePassed() -> onTime(turn);
            case Input.Received(var from, var message) -> onReceived(turn, from, message);
            case Input.Reached(var node) -> Replication.onReached(turn, node);
            case Input.ProcessGone(var node) -> Election.onProcessGone(turn, node);
            case Input.GrantReady ready -> Election.onGrantReady(turn, ready);
            case Input.Propose(var command) -> Replication.onPropose(turn, command);
            case Input.ProposeConfiguration(var configuration) -> Membership.onPropose(turn, configuration);
            case Input.Transfer transfer -> Transfer.onTransfer(turn, transfer);
            case Input.Campaign() -> Election.onCampaign(turn);
            case Input.Compact(var index, var snapshot) -> Replication.onCompact(turn, index, snapshot);
        }
        return turn.finish();
    }

    private static void onTime(Turn turn) {
        switch (turn.state.role()) {
            case Role.Leader _ -> Replication.onLeaderTime(turn);
            case Role.Follower _, Role.PreCandidate _, Role.Candidate _ -> Election.onTime(turn);
        }
    }

    private static void onReceived(Turn turn, VoterId from, Message message) {
        if (from.equals(turn.state.self())) return; // our own words, sent back by a mistaken address
        if (!concernsUs(turn.state, from, message)) return;
        heard(turn, from);
        if (raisesTerm(message) && message.term().isAfter(turn.state.term())) joinTerm(turn, message.term());
        switch (message) {
            case Message.PreVoteRequest request -> Election.onPreVoteRequest(turn, from, request);
            case Message.PreVoteReply reply -> Election.onPreVoteReply(turn, from, reply);
            case Message.VoteRequest request -> Election.onVoteRequest(turn, from, request);
            case Message.VoteReply reply -> Election.onVoteReply(turn, from, reply);
            case Message.AppendRequest request -> Replication.onAppendRequest(turn, from, request);
            case Message.AppendReply reply -> Replication.onAppendReply(turn, from, reply);
            case Message.InstallSnapshot install -> Replication.onInstallSnapshot(turn, from, install);
            case Message.TimeoutNow request -> Transfer.onTimeoutNow(turn, from, request);
        }
    }

    /**
     * Members are heard. A stranger may be a leader that was admitted in entries we do not have, so its log
     * is taken; and a candidate of a configuration that we do not have, so it may ask for votes if its log is
     * newer than ours. A voter that was removed has nothing newer, and stays unheard.
     */
    private static boolean concernsUs(RaftState state, VoterId from, Message message) {
        boolean voter = state.configuration().voters().contains(from);
        return switch (message) {
            case Message.AppendRequest request -> Replication.isWellFormed(request);
            case Message.InstallSnapshot install -> !install.image().last().term().isAfter(install.term());
            case Message.PreVoteRequest request -> voter || request.lastEntry().compareTo(state.lastPosition()) > 0;
            case Message.VoteRequest request -> voter || request.lastEntry().compareTo(state.lastPosition()) > 0;
            case Message.PreVoteReply _, Message.VoteReply _ -> voter;
            case Message.AppendReply _ -> state.configuration().hasMember(from) || isPeer(state, from);
            case Message.TimeoutNow _ -> state.leader().equals(Optional.of(from));
        };
    }

    private static boolean isPeer(RaftState state, VoterId from) {
        return state.role() instanceof Role.Leader leader && leader.progress().containsKey(from);
    }

    /** A node that speaks has a process. */
    private static void heard(Turn turn, VoterId from) {
        if (!turn.state.gone().contains(from.node())) return;
        var gone = new TreeSet<>(turn.state.gone());
        gone.remove(from.node());
        turn.state = turn.state.withGone(gone);
    }

    /** Pre-votes speak of a term that nobody has entered; only a refusal names the refusing voter's own. */
    private static boolean raisesTerm(Message message) {
        return switch (message) {
            case Message.PreVoteRequest _ -> false;
            case Message.PreVoteReply reply -> !reply.granted();
            case Message.VoteRequest _, Message.VoteReply _, Message.AppendRequest _, Message.AppendReply _,
                    Message.InstallSnapshot _ -> true;
            // Only a leader of our own term may ask us to campaign.
            case Message.TimeoutNow _ -> false;
        };
    }

    private static void joinTerm(Turn turn, Term term) {
        boolean waited = turn.state.role() instanceof Role.Follower;
        turn.state = turn.state
                .withBallot(new Ballot(term, Optional.empty()), new Role.Follower(Optional.empty(), turn.nowMillis))
                .withPreparing(Optional.empty());
        // A follower's timeout runs on: otherwise a candidate that cannot win keeps those that could from trying.
        if (!waited) Election.waitAnew(turn);
    }
}
