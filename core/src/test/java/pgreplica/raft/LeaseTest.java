package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Term;

/** Leases and the promises that protect them. Guards P2. */
class LeaseTest {
    private static final Term TWO = new Term(2);
    private static final Term THREE = new Term(3);

    private static Message.AppendRequest heartbeat(long term) {
        return new Message.AppendRequest(new Term(term), Sample.at(2, 2), List.of(), 2, 77);
    }

    private static Message.VoteRequest wants(long term, Release release) {
        return new Message.VoteRequest(new Term(term), Sample.at(2, 2), Optional.ofNullable(release));
    }

    /** What the voter says it has promised to others when it gives this vote. */
    private static long promisedWhenVotingFor(Voter voter, int candidate, Message.VoteRequest request) {
        voter.hear(candidate, request).feed(new Input.GrantReady(request.term(), Optional.empty()));
        return ((Message.VoteReply) voter.sentTo(candidate).get(0)).promisedToOthersMillis();
    }

    @Test
    void leaseCountsFromTheSendingOfWhatAMajorityAnswered() {
        var voter = Voter.elected(5);
        long sentAt = voter.now;
        voter.now += 30;
        voter.hear(2, new Message.AppendReply(TWO, true, 2, sentAt));
        assertThat(voter.state.leaseUntilMillis()).as("two of five").isZero();
        voter.hear(3, new Message.AppendReply(TWO, false, 1, sentAt - 10));
        assertThat(voter.state.leaseUntilMillis()).as("a lagging voter counts too").isEqualTo(sentAt - 10 + 800);
        voter.hear(4, new Message.AppendReply(TWO, true, 2, sentAt));
        assertThat(voter.state.leaseUntilMillis()).isEqualTo(sentAt + 800);
    }

    @Test
    void leaseNeverShrinksWithinATerm() {
        var voter = Voter.leading(3);
        long until = voter.state.leaseUntilMillis();
        voter.hear(2, new Message.AppendReply(TWO, true, 2, voter.now - 500));
        assertThat(voter.state.leaseUntilMillis()).isEqualTo(until);
    }

    @Test
    void anAnswerFromTheFutureOrAnotherTermDoesNotCount() {
        var voter = Voter.elected(3);
        voter.hear(2, new Message.AppendReply(TWO, true, 2, voter.now + 1));
        voter.hear(2, new Message.AppendReply(new Term(1), true, 2, voter.now));
        assertThat(voter.state.leaseUntilMillis()).isZero();
    }

    /** A4. */
    @Test
    void aVoterThatStartsHasPromisedEverybody() {
        var voter = Voter.started(3);
        voter.now += 100;
        assertThat(promisedWhenVotingFor(voter, 2, wants(2, null))).isEqualTo(800);
    }

    @Test
    void anAnswerToTheLeaderPromisesFromItsReceipt() {
        var voter = Voter.following(3);
        voter.now += 50;
        voter.hear(2, heartbeat(2));
        voter.now += 300;
        assertThat(promisedWhenVotingFor(voter, 3, wants(3, null))).isEqualTo(600);
    }

    @Test
    void aPromiseToTheCandidateItselfDoesNotCount() {
        var voter = Voter.following(3);
        assertThat(promisedWhenVotingFor(voter, 2, wants(3, null))).isZero();
    }

    /** A5: the promise to the first leader outlives the second one. */
    @Test
    void promisesAddUp() {
        var voter = Voter.following(3);
        voter.now += 10;
        voter.hear(3, heartbeat(3));
        voter.now += 10;
        assertThat(promisedWhenVotingFor(voter, 3, wants(4, null))).isEqualTo(880);
    }

    @Test
    void whatIsPromisedIsTakenWhenTheVoteIsSaid() {
        var voter = Voter.following(3).hear(3, wants(3, null));
        voter.now += 90;
        voter.feed(new Input.GrantReady(THREE, Optional.empty()));
        assertThat(voter.sentTo(3)).containsExactly(new Message.VoteReply(THREE, true, 810, Optional.empty()));
    }

    /** A5: a candidate asks itself too, and counts the others' time from the receipt of their votes. */
    @Test
    void theWinnerWaitsForTheLongestPromise() {
        var voter = Voter.following(3);
        long promisedUntil = voter.now + 900;
        voter.pass(1300).hear(3, new Message.PreVoteReply(THREE, true));
        voter.feed(new Input.GrantReady(THREE, Optional.empty()));
        voter.hear(3, new Message.VoteReply(THREE, true, 250, Optional.empty()));
        assertThat(voter.state.othersLeaseOverAtMillis()).isEqualTo(voter.now + 250).isGreaterThan(promisedUntil);
    }

    @Test
    void ownPromiseCounts() {
        var voter = Voter.following(3);
        long promisedUntil = voter.now + 900;
        voter.feed(new Input.ProcessGone(Sample.voter(2).node())).pass(70);
        voter.hear(3, new Message.PreVoteReply(THREE, true)).feed(new Input.GrantReady(THREE, Optional.empty()));
        voter.hear(3, new Message.VoteReply(THREE, true, 0, Optional.empty()));
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.othersLeaseOverAtMillis()).isEqualTo(promisedUntil);
    }

    /** Any majority of grants knows of every old lease, so a late vote without promises shortens the wait. */
    @Test
    void aLateGrantMayBringTheMomentForward() {
        var voter = Voter.started(3).feed(new Input.Campaign()).hear(2, new Message.PreVoteReply(TWO, true));
        voter.feed(new Input.GrantReady(TWO, Optional.empty()));
        voter.hear(2, new Message.VoteReply(TWO, true, 0, Optional.empty()));
        assertThat(voter.state.othersLeaseOverAtMillis()).as("its own start").isEqualTo(10_900);
        voter.now += 5;
        voter.hear(3, new Message.VoteReply(TWO, true, 20, Optional.empty()));
        assertThat(voter.state.othersLeaseOverAtMillis()).isEqualTo(voter.now + 20);
        assertThat(voter.state.grants()).hasSize(3);
    }

    /** A6. */
    @Test
    void aReleaseCancelsWhatWasPromisedToItsGiver() {
        var release = new Release(Sample.voter(2), TWO);
        assertThat(promisedWhenVotingFor(Voter.following(3), 3, wants(3, release))).isZero();
    }

    @Test
    void aReleaseHoldsForTheNextTermOnly() {
        var release = new Release(Sample.voter(2), TWO);
        assertThat(promisedWhenVotingFor(Voter.following(3), 3, wants(4, release))).isEqualTo(900);
    }

    @Test
    void aReleaseDoesNotCancelALaterPromise() {
        var voter = Voter.following(3).hear(2, heartbeat(3));
        var release = new Release(Sample.voter(2), TWO);
        voter.state = voter.state.withBallot(new Ballot(THREE, Optional.empty()), voter.state.role());
        assertThat(voter.state.promises().toOthersUntilMillis(Sample.voter(3).node(), Optional.of(release)))
                .isEqualTo(voter.now + 900);
    }

    @Test
    void aReleaseDoesNotCancelWhatWasPromisedToOthers() {
        var voter = Voter.started(3);
        voter.hear(2, new Message.AppendRequest(TWO, Sample.FOUNDING,
                List.of(Voter.entry(2, 2, new Payload.NoOp())), 2, 500));
        var release = new Release(Sample.voter(2), TWO);
        assertThat(promisedWhenVotingFor(voter, 3, wants(3, release))).as("its own start").isEqualTo(900);
    }

    @Test
    void noHeartbeatTouchesADisk() {
        var voter = Voter.following(3);
        assertThat(voter.hear(2, heartbeat(2)).notSent()).isEmpty();
        var leader = Voter.leading(3);
        assertThat(leader.pass(100).notSent()).isEmpty();
        assertThat(leader.sent()).hasSize(2);
    }

    @Test
    void theFenceClosesBeforeAHigherTermIsTaken() {
        var voter = Voter.leading(3).hear(3, heartbeat(5));
        assertThat(voter.outputs.subList(0, 2)).containsExactly(
                new Output.CloseFence(), new Output.PersistBallot(new Ballot(new Term(5), Optional.empty())));
        assertThat(voter.state.leaseUntilMillis()).isZero();
    }
}
