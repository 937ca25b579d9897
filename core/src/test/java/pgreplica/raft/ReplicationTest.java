package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;

/** The log from the leader to everybody. Guards P1 and P9. */
class ReplicationTest {
    private static final Term TWO = new Term(2);

    private static Message.AppendRequest append(long term, LogPosition previous, long commit, Entry... entries) {
        return new Message.AppendRequest(new Term(term), previous, List.of(entries), commit, 77);
    }

    private static Message.AppendReply reply(long term, boolean success, long match) {
        return new Message.AppendReply(new Term(term), success, match, 77);
    }

    private static Input propose(long number) {
        return new Input.Propose(new Sample.Cmd(number));
    }

    @Test
    void aProposalIsDurableBeforeItIsSent() {
        var voter = Voter.leading(3).feed(propose(3));
        var entry = Voter.command(2, 3);
        var request = new Message.AppendRequest(TWO, Sample.at(2, 2), List.of(entry), 2, voter.now);
        assertThat(voter.outputs).containsExactly(
                new Output.PersistEntries(List.of(entry)),
                new Output.Send(Sample.voter(2), request),
                new Output.Send(Sample.voter(3), request));
    }

    @Test
    void aNodeThatIsBackIsAskedAtOnce() {
        var voter = Voter.leading(3);
        var due = voter.state.nextDeadlineMillis();
        voter.now += 10;
        voter.feed(new Input.Reached(Sample.voter(3).node()));
        var heartbeat = new Message.AppendRequest(TWO, Sample.at(2, 2), List.of(), 2, voter.now);
        assertThat(voter.outputs).containsExactly(new Output.Send(Sample.voter(3), heartbeat));
        assertThat(voter.state.nextDeadlineMillis()).as("the round for all").isEqualTo(due);
    }

    @Test
    void onlyALeaderAsks() {
        assertThat(Voter.following(3).feed(new Input.Reached(Sample.voter(3).node())).outputs).isEmpty();
    }

    @Test
    void aMajorityCommitsAndEverybodyIsToldAtOnce() {
        var voter = Voter.leading(5).feed(propose(3));
        assertThat(voter.answer(2).committed()).isEmpty();
        assertThat(voter.answer(3).committed()).containsExactly(3L);
        for (var message : voter.sent()) assertThat(((Message.AppendRequest) message).commitIndex()).isEqualTo(3);
        assertThat(voter.sent()).hasSize(4);
        assertThat(voter.answer(4).committed()).as("once only").isEmpty();
    }

    /** §5.4.2, figure 8. */
    @Test
    void entriesOfOlderTermsAreNotCommittedByCounting() {
        var voter = Voter.settled(3);
        voter.hear(3, append(2, Sample.FOUNDING, 1, Voter.command(2, 2)));
        voter.now += 1300;
        voter.feed(new Input.TimePassed()).hear(2, new Message.PreVoteReply(new Term(3), true));
        voter.feed(new Input.GrantReady(new Term(3), Optional.empty()));
        voter.hear(2, new Message.VoteReply(new Term(3), true, 0, Optional.empty()));
        assertThat(voter.state.isLeader()).isTrue();

        voter.hear(2, new Message.AppendReply(new Term(3), true, 2, voter.now));
        assertThat(voter.state.commitIndex()).isEqualTo(1);
        assertThat(voter.state.committedOwnTerm()).isFalse();
        voter.hear(2, new Message.AppendReply(new Term(3), true, 3, voter.now));
        assertThat(voter.committed()).containsExactly(2L, 3L);
        assertThat(voter.state.committedOwnTerm()).isTrue();
    }

    @Test
    void aFollowerAnswersAfterItsDisk() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 2, Voter.command(2, 2), Voter.command(2, 3)));
        assertThat(voter.outputs).containsExactly(
                new Output.CloseFence(),
                new Output.PersistBallot(new Ballot(TWO, Optional.empty())),
                new Output.PersistEntries(List.of(Voter.command(2, 2), Voter.command(2, 3))),
                new Output.Committed(Voter.command(2, 2)),
                new Output.Send(Sample.voter(2), reply(2, true, 3)));
        assertThat(voter.state.leader()).contains(Sample.voter(2));
    }

    @Test
    void aRepeatedMessageChangesNothing() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 2, Voter.command(2, 2), Voter.command(2, 3)));
        var log = voter.state.log();
        voter.hear(2, append(2, Sample.FOUNDING, 2, Voter.command(2, 2)));
        assertThat(voter.outputs).containsExactly(new Output.Send(Sample.voter(2), reply(2, true, 2)));
        assertThat(voter.state.log()).isEqualTo(log);
    }

    @Test
    void whatIsNotKnownToMatchIsNotCommitted() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 1, Voter.command(2, 2), Voter.command(2, 3)));
        voter.hear(3, append(3, Sample.FOUNDING, 3));
        assertThat(voter.committed()).as("the leader of term 3 may have other entries there").isEmpty();
    }

    @Test
    void entriesOfALostLeaderAreReplaced() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 1, Voter.command(2, 2), Voter.command(2, 3)));
        voter.hear(3, append(3, Sample.FOUNDING, 1, Voter.command(3, 2)));
        assertThat(voter.outputs).contains(new Output.PersistEntries(List.of(Voter.command(3, 2))));
        assertThat(voter.state.lastPosition()).isEqualTo(Sample.at(3, 2));
    }

    @Test
    void aCommittedEntryIsNeverReplaced() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 2, Voter.command(2, 2)));
        assertThatThrownBy(() -> voter.hear(3, append(3, Sample.FOUNDING, 1, Voter.command(3, 2))))
                .isInstanceOf(InvariantViolation.class);
    }

    /** P1. In its entries as in its image. */
    @Test
    void aLeaderThatContradictsWhatIsCommittedIsNotFollowed() {
        var voter = Voter.following(3);
        assertThatThrownBy(() -> voter.hear(3, append(3, Sample.at(3, 2), 2))).isInstanceOf(InvariantViolation.class);
        assertThatThrownBy(() -> Voter.settled(3).hear(2, append(2, Sample.at(2, 1), 1)))
                .isInstanceOf(InvariantViolation.class);
    }

    @Test
    void anImageNeverReplacesWhatIsCommitted() {
        var image = new SnapshotImage(Sample.at(1, 2), Sample.voters(3), new Sample.Applied(2, 4));
        var voter = Voter.following(3);
        var log = voter.state.log();
        voter.hear(2, new Message.InstallSnapshot(TWO, image, 2, 77));
        assertThat(voter.outputs).containsExactly(new Output.Send(Sample.voter(2), reply(2, true, 2)));
        assertThat(voter.state.log()).isEqualTo(log);
    }

    @Test
    void aTermHasOneLeader() {
        var voter = Voter.leading(3);
        assertThatThrownBy(() -> voter.hear(3, append(2, Sample.at(2, 2), 1))).isInstanceOf(InvariantViolation.class);
    }

    @Test
    void aFollowerSaysWhereToContinue() {
        var voter = Voter.settled(3).hear(2, append(2, Sample.FOUNDING, 1, Voter.command(2, 2), Voter.command(2, 3)));
        voter.hear(3, append(3, Sample.at(3, 9), 1));
        assertThat(voter.sentTo(3)).as("its log is shorter").containsExactly(reply(3, false, 3));
        voter.hear(3, append(3, Sample.at(3, 3), 1));
        assertThat(voter.sentTo(3)).as("a whole term is wrong").containsExactly(reply(3, false, 1));
    }

    @Test
    void goingBackKeepsTheTermsBefore() {
        var voter = Voter.settled(3).hear(2, append(3, Sample.FOUNDING, 1,
                Voter.command(2, 2), Voter.command(2, 3), Voter.command(3, 4), Voter.command(3, 5)));
        voter.hear(3, append(4, Sample.at(4, 5), 1));
        assertThat(voter.sentTo(3)).containsExactly(reply(4, false, 3));
    }

    @Test
    void theLeaderContinuesThere() {
        var voter = Voter.elected(3);
        voter.hear(2, new Message.AppendReply(TWO, false, 1, voter.now));
        assertThat(voter.sentTo(2)).containsExactly(new Message.AppendRequest(
                TWO, Sample.FOUNDING, List.of(Voter.entry(2, 2, new Payload.NoOp())), 1, voter.now));
    }

    @Test
    void aPeerThatForgotWhatItHadIsNotAskedAtOnce() {
        var voter = Voter.leading(3);
        voter.hear(2, new Message.AppendReply(TWO, false, 0, voter.now));
        assertThat(voter.outputs).isEmpty();
    }

    @Test
    void whatIsConfirmedIsNotSentAgain() {
        var voter = Voter.leading(3);
        for (int i = 3; i <= 5; i++) voter.feed(propose(i));
        voter.hear(2, new Message.AppendReply(TWO, false, 0, voter.now));
        assertThat(voter.answer(2).sentTo(2)).containsExactly(
                new Message.AppendRequest(TWO, Sample.at(2, 5), List.of(), 5, voter.now));
    }

    @Test
    void heartbeatsComeAtTheirInterval() {
        var voter = Voter.leading(3);
        assertThat(voter.state.deadlineMillis()).isEqualTo(voter.now + 100);
        assertThat(voter.pass(99).sent()).isEmpty();
        assertThat(voter.pass(1).sent()).hasSize(2);
        assertThat(voter.state.deadlineMillis()).isEqualTo(voter.now + 100);
        assertThat(voter.state.leader()).contains(Sample.voter(1));
    }

    @Test
    void anOlderTermIsToldTheNewer() {
        var voter = Voter.following(3).hear(3, append(1, Sample.FOUNDING, 1));
        assertThat(voter.outputs).containsExactly(new Output.Send(Sample.voter(3), reply(2, false, 0)));
        assertThat(voter.state.leader()).contains(Sample.voter(2));
    }

    @Test
    void aBlankNodeAnswersItsFirstHeartbeat() {
        var blank = new Voter(Raft.start(Sample.voter(4), Ballot.START, Log.blank(new Sample.Applied(0, 0)),
                Sample.SETTINGS, 10_000, 1));
        assertThat(blank.hear(1, append(1, LogPosition.START, 0)).sentTo(1)).containsExactly(reply(1, true, 0));
    }

    @Test
    void aMalformedMessageIsIgnored() {
        var voter = Voter.following(3);
        var before = voter.state;
        voter.hear(2, append(2, Sample.at(0, -1), 2));
        voter.hear(2, append(2, Sample.at(2, 2), 2, Voter.command(2, 5)));
        voter.hear(2, append(2, Sample.at(2, 2), 2, Voter.command(3, 3)));
        voter.hear(2, append(2, Sample.at(3, 2), 2));
        assertThat(voter.outputs).isEmpty();
        assertThat(voter.state).isEqualTo(before);
    }

    @Test
    void longLogsGoInPieces() {
        var voter = Voter.leading(3);
        for (int i = 0; i < 100; i++) voter.feed(propose(i));
        voter.hear(2, new Message.AppendReply(TWO, false, 2, voter.now));
        var indexes = new ArrayList<Long>();
        var underWay = new ArrayDeque<>(voter.sentTo(2));
        while (!underWay.isEmpty()) {
            var request = (Message.AppendRequest) underWay.poll();
            assertThat(request.entries()).hasSizeLessThanOrEqualTo(32);
            for (var entry : request.entries()) indexes.add(entry.index());
            long match = request.previous().index() + request.entries().size();
            voter.hear(2, new Message.AppendReply(TWO, true, match, voter.now));
            underWay.addAll(voter.sentTo(2));
        }
        assertThat(indexes).hasSize(100).isSorted().doesNotHaveDuplicates();
        assertThat(voter.state.commitIndex()).isEqualTo(102);
    }

    @Test
    void compactionKeepsWhatFollowsAndItsMembers() {
        var voter = Voter.leading(3);
        for (int i = 3; i <= 6; i++) voter.feed(propose(i)).answer(2);
        voter.feed(new Input.Compact(5, new Sample.Applied(5, 1)));
        var image = new SnapshotImage(Sample.at(2, 5), Sample.voters(3), new Sample.Applied(5, 1));
        assertThat(voter.outputs).containsExactly(
                new Output.PersistLog(new Log(image, List.of(Voter.command(2, 6)))));
        assertThat(voter.feed(new Input.Compact(5, new Sample.Applied(5, 1))).outputs).isEmpty();
    }

    @Test
    void onlyWhatIsCommittedIsCompacted() {
        var voter = Voter.leading(3).feed(propose(3));
        var compact = new Input.Compact(3, new Sample.Applied(3, 1));
        assertThatThrownBy(() -> voter.feed(compact)).isInstanceOf(InvariantViolation.class);
        voter.answer(2).feed(compact);
        assertThat(voter.state.log().base().last()).isEqualTo(Sample.at(2, 3));
        assertThat(voter.state.log().entries()).isEmpty();
    }

    @Test
    void anImageIsSentOnceAndNotWithEachHeartbeat() {
        var voter = Voter.leading(3);
        for (int i = 3; i <= 6; i++) voter.feed(propose(i)).answer(2);
        voter.feed(new Input.Compact(5, new Sample.Applied(5, 1)));
        voter.hear(3, new Message.AppendReply(TWO, false, 2, voter.now));
        assertThat(voter.pass(100).sentTo(3)).containsExactly(
                new Message.AppendRequest(TWO, Sample.at(2, 5), List.of(Voter.command(2, 6)), 6, voter.now));
    }

    @Test
    void anImageOfAnOlderTermIsRefused() {
        var image = new SnapshotImage(Sample.at(1, 9), Sample.voters(3), new Sample.Applied(9, 4));
        var voter = Voter.following(3);
        var log = voter.state.log();
        voter.hear(3, new Message.InstallSnapshot(new Term(1), image, 9, 77));
        assertThat(voter.outputs).containsExactly(new Output.Send(Sample.voter(3), reply(2, false, 0)));
        assertThat(voter.state.log()).isEqualTo(log);
    }

    @Test
    void whoSendsAnImageIsFollowed() {
        var image = new SnapshotImage(Sample.at(2, 9), Sample.voters(3), new Sample.Applied(9, 4));
        var voter = Voter.settled(3).hear(2, new Message.InstallSnapshot(TWO, image, 9, 77));
        assertThat(voter.state.leader()).contains(Sample.voter(2));
        assertThat(voter.state.promises().byNode().get(Sample.voter(2).node()))
                .isEqualTo(new Promise(voter.now + 900, TWO));
    }

    @Test
    void whoLagsBehindTheLogGetsTheImage() {
        var voter = Voter.leading(3);
        for (int i = 3; i <= 6; i++) voter.feed(propose(i)).answer(2);
        voter.feed(new Input.Compact(5, new Sample.Applied(5, 1)));
        voter.hear(3, new Message.AppendReply(TWO, false, 2, voter.now));
        assertThat(voter.sentTo(3)).containsExactly(
                new Message.InstallSnapshot(TWO, voter.state.log().base(), 6, voter.now));
        voter.hear(3, new Message.AppendReply(TWO, true, 5, voter.now));
        assertThat(((Message.AppendRequest) voter.sentTo(3).get(0)).entries()).containsExactly(Voter.command(2, 6));
    }

    @Test
    void anImageReplacesAShortLog() {
        var image = new SnapshotImage(Sample.at(2, 9), Sample.voters(3), new Sample.Applied(9, 4));
        var voter = Voter.following(3).hear(2, new Message.InstallSnapshot(TWO, image, 9, 77));
        assertThat(voter.outputs).containsExactly(
                new Output.PersistLog(new Log(image, List.of())),
                new Output.SnapshotInstalled(image),
                new Output.Send(Sample.voter(2), reply(2, true, 9)));
        assertThat(voter.state.commitIndex()).isEqualTo(9);
    }

    @Test
    void anImageOfWhatIsThereOnlyCommits() {
        var voter = Voter.following(3);
        voter.hear(2, append(2, Sample.at(2, 2), 2, Voter.command(2, 3), Voter.command(2, 4)));
        var image = new SnapshotImage(Sample.at(2, 3), Sample.voters(3), new Sample.Applied(3, 4));
        voter.hear(2, new Message.InstallSnapshot(TWO, image, 3, 77));
        assertThat(voter.outputs).containsExactly(
                new Output.Committed(Voter.command(2, 3)), new Output.Send(Sample.voter(2), reply(2, true, 3)));
        assertThat(voter.state.lastPosition()).isEqualTo(Sample.at(2, 4));
    }

    @Test
    void aRestartCommitsAgainWhatTheLogHolds() {
        var before = Voter.following(3);
        before.hear(2, append(2, Sample.at(2, 2), 3, Voter.command(2, 3)));
        var voter = new Voter(Raft.start(
                Sample.voter(1), before.state.ballot(), before.state.log(), Sample.SETTINGS, 10_000, 3));
        assertThat(voter.state.commitIndex()).isEqualTo(1);
        voter.hear(2, append(2, Sample.at(2, 3), 3));
        assertThat(voter.committed()).containsExactly(2L, 3L);
    }

    @Test
    void onlyALeaderTakesProposals() {
        assertThat(Voter.following(3).feed(propose(1)).outputs).isEmpty();
    }
}
