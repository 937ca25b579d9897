package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** Members that come and go. Guards P1 (A11, B14). */
class MembershipTest {
    private static final Term TWO = new Term(2);

    private static Voter propose(Voter voter, Configuration configuration) {
        return voter.feed(new Input.ProposeConfiguration(configuration));
    }

    private static Configuration three() {
        return Sample.voters(3);
    }

    private static Voter withLearner(int node) {
        var voter = propose(Voter.leading(3), three().withLearner(Sample.voter(node)));
        return voter.answer(2);
    }

    @Test
    void aConfigurationHoldsFromTheMomentItIsAppended() {
        var voter = propose(Voter.leading(3), three().without(Sample.voter(3)));
        assertThat(voter.state.commitIndex()).isEqualTo(2);
        assertThat(voter.state.configuration()).isEqualTo(Sample.voters(2));
    }

    @Test
    void oneChangeAtATime() {
        var voter = propose(Voter.leading(3), three().withLearner(Sample.voter(4)));
        assertThat(voter.state.configurationRefusal(three()))
                .contains("the last change of members is not committed yet");
        assertThat(propose(voter, three()).outputs).isEmpty();
        voter.answer(2);
        assertThat(voter.state.configurationRefusal(three())).isEmpty();
    }

    /** Raft's bug of 2015. */
    @Test
    void noChangeBeforeAnEntryOfTheOwnTermIsCommitted() {
        var voter = Voter.elected(3);
        assertThat(voter.state.configurationRefusal(Sample.voters(2)))
                .contains("the leader has not committed an entry of its term yet");
    }

    @Test
    void whatCannotBeProposedIsRefusedInWords() {
        assertThat(Voter.following(3).state.configurationRefusal(Sample.voters(2))).contains("this node does not lead");
        assertThat(Voter.leading(3).state.configurationRefusal(three())).contains("nothing would change");
        assertThat(Voter.leading(1).state.configurationRefusal(Configuration.EMPTY)).contains("somebody must vote");
        var leaving = Voter.leading(3).feed(new Input.Transfer(Sample.voter(2), false));
        assertThat(leaving.state.configurationRefusal(Sample.voters(2))).contains("leadership is being handed over");
    }

    @Test
    void oneVoterAtATime() {
        assertThat(Voter.leading(5).state.configurationRefusal(three()))
                .contains("only one voter can join or leave at a time");
    }

    @Test
    void aVoterJoinsAsALearnerThatHasTheLog() {
        assertThat(Voter.leading(3).state.configurationRefusal(Sample.voters(4)))
                .contains("a voter joins as a learner first");
        var voter = withLearner(4);
        assertThat(voter.state.configurationRefusal(Sample.voters(4)))
                .contains("the learner does not have the log yet");
        voter.answer(4);
        assertThat(voter.state.configurationRefusal(Sample.voters(4))).isEmpty();
        propose(voter, Sample.voters(4));
        assertThat(voter.answer(4).committed()).as("two of four").isEmpty();
        assertThat(voter.answer(2).committed()).containsExactly(4L);
    }

    @Test
    void aLearnerCountsForNothing() {
        var voter = withLearner(4);
        voter.now += 100;
        voter.feed(new Input.Propose(new Sample.Cmd(1)));
        long lease = voter.state.leaseUntilMillis();
        assertThat(voter.answer(4).committed()).isEmpty();
        assertThat(voter.state.leaseUntilMillis()).isEqualTo(lease);
    }

    @Test
    void aBlankNodeTakesTheLogOfALeaderItDoesNotKnow() {
        var leader = withLearner(4);
        var blank = new Voter(Raft.start(Sample.voter(4), Ballot.START, Log.blank(new Sample.Applied(0, 0)),
                Sample.SETTINGS, 10_000, 1));
        var messages = leader.pass(100).sentTo(4);
        for (int i = 0; i < 5 && !messages.isEmpty(); i++) {
            blank.hear(1, messages.get(0));
            messages = leader.hear(4, blank.sentTo(1).get(0)).sentTo(4);
        }
        assertThat(blank.state.log()).isEqualTo(leader.state.log());
        assertThat(blank.state.configuration().learners()).containsExactly(Sample.voter(4));
        assertThat(blank.state.leader()).contains(Sample.voter(1));
        assertThat(blank.pass(5000).outputs).as("a learner does not campaign").isEmpty();
    }

    /** Without it a configuration that only the candidate knows could never elect anybody. */
    @Test
    void aLearnerVotesForACandidateThatMayKnowMore() {
        var learner = new Voter(Raft.start(Sample.voter(4), Ballot.START, Log.blank(new Sample.Applied(0, 0)),
                Sample.SETTINGS, 10_000, 1));
        learner.hear(1, new Message.VoteRequest(TWO, Sample.at(1, 5), Optional.empty()));
        assertThat(learner.outputs).contains(new Output.PrepareGrant(TWO));
    }

    @Test
    void aRemovedVoterIsUnheard() {
        var voter = propose(Voter.leading(3), Sample.voters(2)).answer(2);
        var before = voter.state;
        voter.now += 5000;
        voter.hear(3, new Message.VoteRequest(new Term(9), Sample.at(2, 2), Optional.empty()));
        voter.hear(3, new Message.AppendReply(new Term(9), false, 0, voter.now));
        voter.hear(3, new Message.PreVoteReply(new Term(9), false));
        assertThat(voter.outputs).isEmpty();
        assertThat(voter.state).isEqualTo(before);
    }

    /** A candidate of members that this node does not know may know more than it, or have been removed. */
    @Test
    void aStrangerIsHeardOnlyIfItsLogIsNewer() {
        var voter = Voter.following(3);
        voter.now += 5000;
        voter.hear(9, new Message.PreVoteRequest(new Term(3), Sample.at(2, 2)));
        assertThat(voter.outputs).isEmpty();
        voter.hear(9, new Message.VoteRequest(new Term(3), Sample.at(2, 2), Optional.empty()));
        assertThat(voter.outputs).isEmpty();
        voter.hear(9, new Message.PreVoteRequest(new Term(3), Sample.at(2, 3)));
        assertThat(voter.sentTo(9)).containsExactly(new Message.PreVoteReply(new Term(3), true));
        voter.hear(9, new Message.VoteRequest(new Term(3), Sample.at(2, 3), Optional.empty()));
        assertThat(voter.outputs).contains(new Output.PrepareGrant(new Term(3)));
    }

    @Test
    void whoIsBeingRemovedIsHeardUntilThatIsCommitted() {
        var voter = propose(Voter.leading(3), Sample.voters(2));
        voter.hear(3, new Message.AppendReply(TWO, false, 2, voter.now));
        assertThat(voter.sentTo(3)).as("the entry that removes it").hasSize(1);
        var follower = Voter.following(3);
        var before = follower.state;
        follower.hear(9, new Message.AppendReply(new Term(9), false, 2, follower.now));
        assertThat(follower.state).as("no stranger's answer").isEqualTo(before);
    }

    @Test
    void whoIsRemovedIsToldOnce() {
        var voter = propose(Voter.leading(3), Sample.voters(2));
        assertThat(voter.sentTo(3)).hasSize(1);
        voter.answer(2);
        assertThat(voter.sentTo(3)).as("that it is committed").hasSize(1);
        assertThat(voter.pass(100).sentTo(3)).isEmpty();
    }

    /** A11: the vote of its former life must not count, nor its answers. */
    @Test
    void aNodeThatLostItsDiskComesBackAsSomebodyElse() {
        VoterId again = Sample.voter(3, 2);
        var voter = propose(Voter.leading(3), three().without(Sample.voter(3)).withLearner(again)).answer(2);
        assertThat(voter.state.configuration().voters()).containsExactly(Sample.voter(1), Sample.voter(2));
        voter.feed(new Input.Propose(new Sample.Cmd(1)));
        assertThat(voter.answer(3).outputs).as("its former life").isEmpty();
        assertThatThrownBy(() -> three().withLearner(again)).isInstanceOf(InvariantViolation.class);
    }

    @Test
    void aLeaderThatIsRemovedStepsDownWhenThatIsCommitted() {
        var voter = propose(Voter.leading(3), three().without(Sample.voter(1)));
        assertThat(voter.state.isLeader()).isTrue();
        voter.answer(2);
        assertThat(voter.state.isLeader()).as("it does not count itself").isTrue();
        voter.answer(3);
        assertThat(voter.state.isLeader()).isFalse();
        assertThat(voter.sent()).as("the others learn that it is committed").hasSize(2);
        assertThat(voter.pass(5000).outputs).isEmpty();
    }

    @Test
    void aLeaderWhoseRemovalIsNotCommittedMayBeNeeded() {
        var log = Sample.founded(Sample.voters(2)).append(Voter.entry(1, 2,
                new Payload.Configure(Sample.voters(2).without(Sample.voter(1)))));
        var voter = new Voter(Raft.start(Sample.voter(1), Sample.foundersBallot(), log, Sample.SETTINGS, 10_000, 1));
        voter.pass(1300);
        assertThat(voter.sentTo(2)).hasSize(1);
        voter.hear(2, new Message.PreVoteReply(TWO, true)).feed(new Input.GrantReady(TWO, Optional.empty()));
        voter.hear(2, new Message.VoteReply(TWO, true, 0, Optional.empty()));
        assertThat(voter.state.isLeader()).isTrue();
        voter.answer(2);
        assertThat(voter.committed()).containsExactly(2L, 3L);
        assertThat(voter.state.isLeader()).isFalse();
    }

    @Test
    void leaseMajoritiesFollowTheNewestConfiguration() {
        var voter = withLearner(4).answer(4);
        propose(voter, Sample.voters(4)).answer(2);
        voter.answer(4);
        voter.now += 100;
        long lease = voter.state.leaseUntilMillis();
        assertThat(voter.answer(2).state.leaseUntilMillis()).as("two of four").isEqualTo(lease);
        assertThat(voter.answer(3).state.leaseUntilMillis()).isEqualTo(voter.now + 800);
    }

    @Test
    void configurationsCannotChange() {
        var configuration = three();
        assertThatThrownBy(() -> configuration.voters().add(Sample.voter(9)))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> configuration.voters().clear())
                .isInstanceOf(UnsupportedOperationException.class);
        assertThat(configuration).isEqualTo(new Configuration(new TreeSet<>(List.of(
                Sample.voter(3), Sample.voter(1), Sample.voter(2))), new TreeSet<>()));
    }
}
