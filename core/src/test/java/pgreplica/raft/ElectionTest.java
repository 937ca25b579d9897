package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;

/** Timeouts, pre-vote and votes in two phases. Guards P1, P9 and P11. */
class ElectionTest {
    private static final Term TWO = new Term(2);
    private static final Term THREE = new Term(3);
    private static final Optional<Attachment> REPORT = Optional.of(new Sample.Report(Sample.voter(1).node(), TWO));

    private static Message.PreVoteRequest asks(long term, LogPosition last) {
        return new Message.PreVoteRequest(new Term(term), last);
    }

    private static Message.VoteRequest wants(long term, LogPosition last) {
        return new Message.VoteRequest(new Term(term), last, Optional.empty());
    }

    private static boolean preVoteOf(Voter voter) {
        return ((Message.PreVoteReply) voter.sent().get(0)).granted();
    }

    @Test
    void asksBeforeItEntersATerm() {
        var voter = Voter.started(3).pass(1300);

        assertThat(voter.state.role()).isInstanceOf(Role.PreCandidate.class);
        assertThat(voter.state.term()).isEqualTo(new Term(1));
        assertThat(voter.outputs).containsExactly(
                new Output.Send(Sample.voter(2), asks(2, Sample.FOUNDING)),
                new Output.Send(Sample.voter(3), asks(2, Sample.FOUNDING)));
    }

    @Test
    void timeoutIsNeverShorterThanTheSettingAndSpread() {
        var deadlines = new TreeSet<Long>();
        for (long seed = 1; seed < 200; seed++) {
            var state = Raft.start(Sample.voter(1), Sample.foundersBallot(), Sample.founded(Sample.voters(3)),
                    Sample.SETTINGS, 5_000, seed);
            assertThat(state.deadlineMillis()).isBetween(6_000L, 6_299L);
            deadlines.add(state.deadlineMillis());
        }
        assertThat(deadlines.first()).isLessThan(6_050);
        assertThat(deadlines.last()).as("two that miss the leader at once seldom ask at once").isGreaterThan(6_250);
    }

    private static void waitsAnew(Voter voter) {
        assertThat(voter.state.nextDeadlineMillis() - voter.now).isBetween(1_000L, 1_299L);
    }

    @Test
    void whoDoesSomethingAboutTheLeaderlessnessWaitsAnewForTheNextStep() {
        var candidate = Voter.started(3);
        candidate.now = candidate.state.deadlineMillis();
        waitsAnew(candidate.feed(new Input.TimePassed()));
        candidate.now += 400;
        waitsAnew(candidate.hear(2, new Message.PreVoteReply(TWO, true)));
        assertThat(candidate.state.role()).isInstanceOf(Role.Candidate.class);

        var voter = Voter.settled(3);
        waitsAnew(voter.hear(2, wants(2, Sample.FOUNDING)));
        var leader = Voter.leading(3);
        for (int i = 0; i < 10; i++) leader.pass(100);
        assertThat(leader.state.isLeader()).isFalse();
        waitsAnew(leader);
    }

    /** B5, P11: it is the leader's heartbeats that keep it in its place. */
    @Test
    void nobodyCampaignsAgainstALeaderThatIsHeard() {
        var voter = Voter.following(3);
        for (int i = 0; i < 20; i++) {
            assertThat(voter.pass(900).outputs).isEmpty();
            waitsAnew(voter.hear(2, new Message.AppendRequest(TWO, Sample.at(2, 2), List.of(), 2, 600)));
        }
        assertThat(voter.state.leader()).contains(Sample.voter(2));
        voter.pass(1299);
        assertThat(voter.state.role()).isInstanceOf(Role.PreCandidate.class);
        assertThat(voter.state.leader()).isEmpty();
    }

    /** A follower's own clock decides when it tries; a former leader or candidate has none running. */
    @Test
    void aHigherTermDoesNotPutOffAFollowersAttempt() {
        var follower = Voter.following(3);
        long deadline = follower.state.deadlineMillis();
        follower.now += 500;
        follower.hear(3, wants(9, Sample.FOUNDING));
        assertThat(follower.state.term()).isEqualTo(new Term(9));
        assertThat(follower.state.deadlineMillis()).isEqualTo(deadline);

        waitsAnew(Voter.leading(3).hear(3, wants(9, Sample.FOUNDING)));
    }

    @Test
    void aLostQuestionIsAskedAgainSoon() {
        var voter = Voter.started(3).pass(1300);
        assertThat(voter.state.deadlineMillis()).isEqualTo(voter.now + 25);
        assertThat(voter.pass(24).outputs).isEmpty();
        assertThat(voter.pass(1).sent()).containsExactly(asks(2, Sample.FOUNDING), asks(2, Sample.FOUNDING));
        assertThat(voter.state.deadlineMillis()).isEqualTo(voter.now + 25);
    }

    @Test
    void aMajorityOfPreVotesStartsTheElection() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(TWO, true));

        assertThat(voter.outputs).containsExactly(
                new Output.CloseFence(),
                new Output.PersistBallot(new Ballot(TWO, Optional.of(Sample.voter(1)))),
                new Output.PrepareGrant(TWO),
                new Output.Send(Sample.voter(2), wants(2, Sample.FOUNDING)),
                new Output.Send(Sample.voter(3), wants(2, Sample.FOUNDING)));
    }

    @Test
    void ownVoteCountsOnlyOncePrepared() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(TWO, true));
        voter.hear(2, new Message.VoteReply(TWO, true, 0, Optional.empty()));
        voter.hear(3, new Message.VoteReply(TWO, true, 0, Optional.empty()));
        assertThat(voter.state.isLeader()).isFalse();

        voter.feed(new Input.GrantReady(TWO, REPORT));
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.grants().get(Sample.voter(1)).attachment()).isEqualTo(REPORT);
        assertThat(voter.notSent()).containsExactly(
                new Output.PersistEntries(List.of(Voter.entry(2, 2, new Payload.NoOp()))));
    }

    @Test
    void aVoteIsSaidOnlyWhenTheNodeIsSealed() {
        var voter = Voter.settled(3).hear(2, wants(2, Sample.FOUNDING));
        assertThat(voter.outputs).containsExactly(
                new Output.CloseFence(),
                new Output.PersistBallot(new Ballot(TWO, Optional.of(Sample.voter(2)))),
                new Output.PrepareGrant(TWO));

        voter.feed(new Input.GrantReady(TWO, REPORT));
        assertThat(voter.outputs).containsExactly(
                new Output.Send(Sample.voter(2), new Message.VoteReply(TWO, true, 0, REPORT)));
    }

    @Test
    void aRepeatedRequestIsAnsweredAgain() {
        var voter = Voter.settled(3).hear(2, wants(2, Sample.FOUNDING));
        voter.hear(2, wants(2, Sample.FOUNDING));
        assertThat(voter.outputs).as("the answer is on its way").isEmpty();

        voter.feed(new Input.GrantReady(TWO, REPORT)).hear(2, wants(2, Sample.FOUNDING));
        assertThat(voter.outputs).containsExactly(new Output.CloseFence(), new Output.PrepareGrant(TWO));
        voter.feed(new Input.GrantReady(TWO, REPORT));
        assertThat(voter.sentTo(2)).containsExactly(new Message.VoteReply(TWO, true, 0, REPORT));
    }

    @Test
    void aGrantForAnOlderTermIsNotSaid() {
        var voter = Voter.settled(3).hear(2, wants(2, Sample.FOUNDING)).hear(3, wants(3, Sample.FOUNDING));
        assertThat(voter.feed(new Input.GrantReady(TWO, REPORT)).outputs).isEmpty();
        voter.feed(new Input.GrantReady(THREE, REPORT));
        assertThat(voter.sentTo(3)).hasSize(1);
    }

    @Test
    void votesOncePerTerm() {
        var voter = Voter.settled(3).hear(2, wants(2, Sample.FOUNDING)).hear(3, wants(2, Sample.FOUNDING));
        assertThat(voter.outputs).containsExactly(
                new Output.Send(Sample.voter(3), new Message.VoteReply(TWO, false, 0, Optional.empty())));
    }

    @Test
    void refusesALogThatEndsEarlier() {
        var voter = Voter.following(3).hear(3, wants(3, Sample.FOUNDING));
        assertThat(voter.sentTo(3)).containsExactly(new Message.VoteReply(THREE, false, 0, Optional.empty()));
        assertThat(voter.state.ballot()).isEqualTo(new Ballot(THREE, Optional.empty()));
    }

    @Test
    void refusesARequestOfAnOlderTerm() {
        var voter = Voter.following(3).hear(3, wants(3, Sample.FOUNDING)).hear(2, wants(2, Sample.at(9, 2)));
        assertThat(voter.sentTo(2)).containsExactly(new Message.VoteReply(THREE, false, 0, Optional.empty()));
        assertThat(voter.state.ballot()).isEqualTo(new Ballot(THREE, Optional.empty()));
    }

    @Test
    void isLoyalToALeaderItHears() {
        var voter = Voter.following(3);
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isFalse();
        voter.now += 1000;
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isTrue();
    }

    @Test
    void isNotLoyalToALeaderWhoseProcessIsGone() {
        var voter = Voter.following(3).feed(new Input.ProcessGone(Sample.voter(2).node()));
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isTrue();
        assertThat(voter.state.deadlineMillis() - voter.now).isBetween(5L, 60L);

        voter.hear(2, new Message.AppendRequest(TWO, Sample.at(2, 2), List.of(), 2, 600));
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).as("heard again").isFalse();
    }

    @Test
    void onlyMembersAreMissed() {
        var voter = Voter.following(3);
        var before = voter.state;
        assertThat(voter.feed(new Input.ProcessGone(Sample.voter(9).node())).state).isEqualTo(before);
        voter.feed(new Input.ProcessGone(Sample.voter(3).node()));
        assertThat(voter.state.gone()).containsExactly(Sample.voter(3).node());
        assertThat(voter.state.deadlineMillis()).as("it did not lead").isEqualTo(before.deadlineMillis());
    }

    /** P1: who could not win must not even ask for a term. */
    @Test
    void aPreVoteIsRefusedToALogThatEndsEarlier() {
        var voter = Voter.following(3);
        voter.now += 1000;
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.FOUNDING)))).isFalse();
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isTrue();
    }

    @Test
    void aPreVoteForATermThatHasBegunIsRefused() {
        var voter = Voter.settled(3);
        assertThat(voter.hear(2, asks(1, Sample.FOUNDING)).sentTo(2))
                .containsExactly(new Message.PreVoteReply(new Term(1), false));
        assertThat(voter.hear(2, asks(2, Sample.FOUNDING)).sentTo(2))
                .containsExactly(new Message.PreVoteReply(TWO, true));
    }

    @Test
    void whoAsksItselfIsLoyalToNobody() {
        var voter = Voter.following(3);
        voter.pass(1300);
        assertThat(voter.state.role()).isInstanceOf(Role.PreCandidate.class);
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isTrue();
        assertThat(voter.state.leader()).isEmpty();
        voter.hear(3, new Message.PreVoteReply(THREE, true));
        assertThat(voter.state.role()).isInstanceOf(Role.Candidate.class);
        assertThat(voter.state.leader()).isEmpty();
        assertThat(preVoteOf(voter.hear(3, asks(4, Sample.at(2, 2))))).isTrue();
    }

    /** B3: the worker above a running primary was restarted. */
    @Test
    void theLeaderItselfMayCampaignAtOnce() {
        assertThat(preVoteOf(Voter.following(3).hear(2, asks(3, Sample.at(2, 2))))).isTrue();
    }

    @Test
    void aLeaderThatHearsAMajorityWantsNoOther() {
        var voter = Voter.leading(3);
        assertThat(preVoteOf(voter.hear(3, asks(3, Sample.at(2, 2))))).isFalse();
        assertThat(voter.state.isLeader()).isTrue();
    }

    @Test
    void aPreVoteChangesNothing() {
        var voter = Voter.settled(3);
        var before = voter.state;
        voter.hear(2, asks(9, Sample.FOUNDING));
        assertThat(voter.state).isEqualTo(before);
    }

    @Test
    void aRefusedPreVoteTellsTheTerm() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(new Term(7), false));
        assertThat(voter.state.term()).isEqualTo(new Term(7));
        assertThat(voter.notSent()).contains(new Output.PersistBallot(new Ballot(new Term(7), Optional.empty())));
    }

    @Test
    void refusalsMeanASplitVoteAndAnotherRoundSoon() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(TWO, true));
        voter.hear(2, new Message.VoteReply(TWO, false, 0, Optional.empty()));
        assertThat(voter.state.nextDeadlineMillis() - voter.now).as("node 3 may be sealing itself").isBetween(100L, 149L);
        voter.hear(3, new Message.VoteReply(TWO, false, 0, Optional.empty()));
        assertThat(voter.state.nextDeadlineMillis() - voter.now).as("it is lost").isBetween(0L, 49L);
    }

    @Test
    void aVoterThatIsGoneIsNotWaitedForAfterARefusal() {
        var voter = Voter.started(3).feed(new Input.ProcessGone(Sample.voter(3).node())).pass(1300);
        voter.hear(2, new Message.PreVoteReply(TWO, true)).hear(2, new Message.VoteReply(TWO, false, 0, Optional.empty()));
        assertThat(voter.state.nextDeadlineMillis() - voter.now).isBetween(0L, 49L);
    }

    @Test
    void aLateRefusalDoesNotDisturbALeader() {
        var voter = Voter.elected(5);
        var before = voter.state;
        assertThat(voter.hear(5, new Message.VoteReply(TWO, false, 0, Optional.empty())).state).isEqualTo(before);
    }

    /** It may have told others since that it votes for none. */
    @Test
    void aVoteThatComesAfterItWasGivenUpDoesNotCount() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(TWO, true));
        voter.feed(new Input.GrantReady(TWO, REPORT)).pass(1300);
        assertThat(voter.state.role()).isInstanceOf(Role.PreCandidate.class);
        assertThat(voter.hear(2, new Message.VoteReply(TWO, true, 0, Optional.empty())).state.role())
                .isInstanceOf(Role.PreCandidate.class);
        var deposed = Voter.leading(3);
        for (int i = 0; i < 10; i++) deposed.pass(100);
        assertThat(deposed.hear(2, new Message.VoteReply(TWO, true, 0, Optional.empty())).state.role())
                .isInstanceOf(Role.Follower.class);
    }

    @Test
    void aCandidateAsksAgainWhoDidNotAnswer() {
        var voter = Voter.started(3).pass(1300).hear(2, new Message.PreVoteReply(TWO, true));
        voter.feed(new Input.GrantReady(TWO, REPORT));
        assertThat(voter.pass(24).outputs).isEmpty();
        assertThat(voter.pass(1).sent()).containsExactly(wants(2, Sample.FOUNDING), wants(2, Sample.FOUNDING));
        assertThat(voter.state.deadlineMillis()).isEqualTo(voter.now + 25);
        voter.hear(2, new Message.VoteReply(TWO, false, 0, Optional.empty()));
        assertThat(voter.pass(25).sentTo(2)).as("it has answered").isEmpty();
        assertThat(voter.sentTo(3)).containsExactly(wants(2, Sample.FOUNDING));
    }

    @Test
    void onlyVotersOfTheConfigurationAreCounted() {
        var voter = Voter.started(3).pass(1300);
        voter.hear(9, new Message.PreVoteReply(TWO, true));
        assertThat(voter.state.role()).isInstanceOf(Role.PreCandidate.class);
        voter.hear(Sample.voter(2, 99), new Message.PreVoteReply(TWO, true));
        assertThat(voter.state.role()).as("another life of node 2").isInstanceOf(Role.PreCandidate.class);
    }

    /** B5. */
    @Test
    void aLeaderThatNobodyAnswersStepsDown() {
        var voter = Voter.leading(3);
        for (int i = 0; i < 9; i++) voter.pass(100);
        assertThat(voter.state.isLeader()).isTrue();
        voter.pass(100);
        assertThat(voter.state.isLeader()).isFalse();
        assertThat(voter.outputs).containsExactly(new Output.CloseFence());
    }

    @Test
    void aSingleVoterElectsItself() {
        var voter = Voter.settled(1).feed(new Input.Campaign());
        voter.feed(new Input.GrantReady(TWO, REPORT));
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.committedOwnTerm()).isTrue();
        assertThat(voter.committed()).containsExactly(2L);
        assertThat(voter.state.leaseUntilMillis()).as("there is nobody to wait for").isEqualTo(voter.now + 800);
        voter.pass(5000);
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.leaseUntilMillis()).isEqualTo(voter.now + 800);
    }

    @Test
    void aBlankNodeWaitsToBeAdmitted() {
        var blank = new Voter(Raft.start(Sample.voter(4), Ballot.START, Log.blank(new Sample.Applied(0, 0)),
                Sample.SETTINGS, 10_000, 1));
        assertThat(blank.pass(5000).outputs).isEmpty();
        assertThat(blank.feed(new Input.Campaign()).outputs).isEmpty();
    }
}
