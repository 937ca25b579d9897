package pgreplica.raft;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** One voter with a clock that a test moves, and the outputs of its last step. */
final class Voter {
    RaftState state;
    long now = 10_000;
    List<Output> outputs = List.of();

    Voter(RaftState state) {
        this.state = state;
    }

    /** Node 1 of a founded group that has just started. */
    static Voter started(int groupSize) {
        var log = Sample.founded(Sample.voters(groupSize));
        return new Voter(Raft.start(
                Sample.voter(1), Sample.foundersBallot(), log, Sample.SETTINGS, 10_000, 7));
    }

    /** The same, past what it promised at its start. */
    static Voter settled(int groupSize) {
        var voter = started(groupSize);
        voter.now += Sample.SETTINGS.promiseMillis();
        return voter;
    }

    /** Node 1 following node 2 in term 2, with the NoOp of that term; heard right now. */
    static Voter following(int groupSize) {
        var voter = settled(groupSize);
        voter.hear(2, new Message.AppendRequest(
                new Term(2), Sample.FOUNDING, List.of(entry(2, 2, new Payload.NoOp())), 2, 500));
        return voter;
    }

    /** Node 1 leading its group in term 2, elected by node 2; nobody has answered its first message. */
    static Voter elected(int groupSize) {
        var voter = settled(groupSize);
        voter.feed(new Input.Campaign());
        for (int i = 2; i <= groupSize; i++) voter.hear(i, new Message.PreVoteReply(new Term(2), true));
        voter.feed(new Input.GrantReady(new Term(2), Optional.empty()));
        for (int i = 2; i <= groupSize; i++) {
            voter.hear(i, new Message.VoteReply(new Term(2), true, 0, Optional.empty()));
        }
        return voter;
    }

    /** The same, with its NoOp on all disks and a lease. */
    static Voter leading(int groupSize) {
        var voter = elected(groupSize);
        for (int i = 2; i <= groupSize; i++) voter.answer(i);
        return voter;
    }

    static Entry entry(long term, long index, Payload payload) {
        return new Entry(Sample.at(term, index), payload);
    }

    static Entry command(long term, long index) {
        return entry(term, index, new Payload.Application(new Sample.Cmd(index)));
    }

    Voter feed(Input input) {
        var step = Raft.step(state, now, input);
        state = step.state();
        outputs = step.outputs();
        return this;
    }

    Voter hear(VoterId from, Message message) {
        return feed(new Input.Received(from, message));
    }

    Voter hear(int from, Message message) {
        return hear(Sample.voter(from), message);
    }

    Voter pass(long millis) {
        now += millis;
        return feed(new Input.TimePassed());
    }

    /** A peer has all this leader's log, and answers something that was sent right now. */
    Voter answer(int from) {
        return hear(from, new Message.AppendReply(state.term(), true, state.lastPosition().index(), now));
    }

    /** What was sent in the last step, in order. */
    List<Message> sent() {
        var messages = new ArrayList<Message>();
        for (var output : outputs) {
            if (output instanceof Output.Send send) messages.add(send.message());
        }
        return messages;
    }

    List<Message> sentTo(int node) {
        var messages = new ArrayList<Message>();
        for (var output : outputs) {
            if (output instanceof Output.Send send && send.to().node().equals(Sample.voter(node).node())) {
                messages.add(send.message());
            }
        }
        return messages;
    }

    List<Output> notSent() {
        var others = new ArrayList<Output>();
        for (var output : outputs) {
            if (!(output instanceof Output.Send)) others.add(output);
        }
        return others;
    }

    List<Long> committed() {
        var indexes = new ArrayList<Long>();
        for (var output : outputs) {
            if (output instanceof Output.Committed(var entry)) indexes.add(entry.index());
        }
        return indexes;
    }

    Role.Leader leader() {
        return (Role.Leader) state.role();
    }
}
