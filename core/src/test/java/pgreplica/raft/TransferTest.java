package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Term;

/** Leadership handed over on purpose, with and without the lease. Guards P2 (A6). */
class TransferTest {
    private static final Term TWO = new Term(2);
    private static final Term THREE = new Term(3);
    private static final Optional<Release> RELEASE = Optional.of(new Release(Sample.voter(1), TWO));

    private static Voter transfer(Voter voter, int target, boolean release) {
        return voter.feed(new Input.Transfer(Sample.voter(target), release));
    }

    @Test
    void aTargetThatHasEverythingIsAskedAtOnce() {
        var voter = transfer(Voter.leading(3), 2, false);
        assertThat(voter.outputs).containsExactly(
                new Output.Send(Sample.voter(2), new Message.TimeoutNow(TWO, Optional.empty())));
        assertThat(voter.state.leaseUntilMillis()).as("nothing was given up").isPositive();
    }

    @Test
    void aTargetThatLagsIsAskedWhenItHasEverything() {
        var voter = transfer(Voter.leading(3).feed(new Input.Propose(new Sample.Cmd(1))), 2, true);
        assertThat(voter.outputs).isEmpty();
        assertThat(voter.state.released()).isFalse();
        voter.answer(3);
        assertThat(voter.state.released()).isFalse();
        assertThat(voter.answer(2).sentTo(2)).contains(new Message.TimeoutNow(TWO, RELEASE));
    }

    @Test
    void aReleaseClosesTheFenceFirst() {
        var voter = transfer(Voter.leading(3), 2, true);
        assertThat(voter.outputs).containsExactly(
                new Output.CloseFence(), new Output.Send(Sample.voter(2), new Message.TimeoutNow(TWO, RELEASE)));
        assertThat(voter.state.leaseUntilMillis()).isZero();
    }

    @Test
    void aReleaseIsFinalForItsTerm() {
        var voter = transfer(Voter.leading(3), 2, true);
        for (int i = 0; i < 9; i++) {
            voter.pass(100).answer(2).answer(3);
            assertThat(voter.state.isLeader()).as("heartbeats go on").isTrue();
            assertThat(voter.state.leaseUntilMillis()).isZero();
        }
        voter.pass(100);
        assertThat(voter.state.isLeader()).as("of no use without a lease").isFalse();
    }

    @Test
    void theWordToCampaignIsSaidAgainIfItGotLost() {
        var voter = transfer(Voter.leading(3), 2, true);
        assertThat(voter.pass(100).sentTo(2)).contains(new Message.TimeoutNow(TWO, RELEASE));
        assertThat(voter.sentTo(3)).noneMatch(Message.TimeoutNow.class::isInstance);
    }

    @Test
    void aHandOverWithoutReleaseIsGivenUp() {
        var voter = transfer(Voter.leading(3), 2, false);
        assertThat(voter.state.mayPropose()).isFalse();
        for (int i = 0; i < 10; i++) voter.pass(100).answer(2).answer(3);
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.handover()).isEmpty();
        assertThat(voter.state.mayPropose()).isTrue();
    }

    @Test
    void onlyVotersAreTargets() {
        assertThat(transfer(Voter.leading(3), 1, true).outputs).isEmpty();
        assertThat(transfer(Voter.leading(3), 9, true).outputs).isEmpty();
        assertThat(transfer(Voter.following(3), 3, true).outputs).isEmpty();
    }

    @Test
    void theTargetCampaignsWithoutAskingAndOpensAtOnce() {
        var release = Optional.of(new Release(Sample.voter(2), TWO));
        var voter = Voter.following(3).hear(2, new Message.TimeoutNow(TWO, release));
        assertThat(voter.sentTo(3)).containsExactly(new Message.VoteRequest(THREE, Sample.at(2, 2), release));
        voter.feed(new Input.GrantReady(THREE, Optional.empty()));
        voter.hear(3, new Message.VoteReply(THREE, true, 0, Optional.empty()));
        assertThat(voter.state.isLeader()).isTrue();
        assertThat(voter.state.othersLeaseOverAtMillis()).isLessThanOrEqualTo(voter.now);
    }

    @Test
    void aDelayedWordToCampaignIsIgnored() {
        var voter = Voter.following(3);
        voter.hear(2, new Message.AppendRequest(THREE, Sample.at(2, 2), List.of(), 2, 5));
        assertThat(voter.hear(2, new Message.TimeoutNow(TWO, Optional.empty())).outputs).isEmpty();
        assertThat(voter.hear(3, new Message.TimeoutNow(THREE, Optional.empty())).outputs).isEmpty();
    }
}
