package pgreplica.raft;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.VoterId;

/** One step in the making: the state so far, and what the host must do so far. It lives only inside a step. */
final class Turn {
    private final RaftState before;
    private final List<Output> outputs = new ArrayList<>();
    final long nowMillis;
    RaftState state;

    Turn(RaftState before, long nowMillis) {
        this.before = before;
        this.nowMillis = nowMillis;
        this.state = before;
    }

    void put(Output output) {
        outputs.add(output);
    }

    void send(VoterId to, Message message) {
        outputs.add(new Output.Send(to, message));
    }

    void sendToOtherVoters(Message message) {
        for (var voter : state.configuration().voters()) {
            if (!voter.equals(state.self())) send(voter, message);
        }
    }

    /** A number in [0, bound), from the state's own generator. */
    long randomBelow(long bound) {
        if (bound <= 1) return 0;
        var next = state.random().next();
        state = state.withRandom(next);
        return next.below((int) Math.min(bound, Integer.MAX_VALUE));
    }

    /**
     * The step, with what makes it safe in front. This is the one place where durability is decided: a fence
     * is closed before a term, a vote or a campaign is taken (A5), and ballot and log are on disk before
     * anything is said or done that follows from them (P9).
     */
    RaftStep finish() {
        var all = new ArrayList<Output>();
        if (mustCloseFence()) all.add(new Output.CloseFence());
        if (!state.ballot().equals(before.ballot())) all.add(new Output.PersistBallot(state.ballot()));
        addLogChange(all);
        all.addAll(outputs);
        return new RaftStep(state, all);
    }

    private boolean mustCloseFence() {
        boolean newBallot = !state.ballot().equals(before.ballot());
        boolean noLongerLeads = before.isLeader() && !state.isLeader();
        boolean releases = !before.released() && state.released();
        return newBallot || noLongerLeads || releases || votes();
    }

    /** A vote given again after a restart: the fence may still be open from the time before. */
    private boolean votes() {
        for (var output : outputs) {
            if (output instanceof Output.PrepareGrant) return true;
        }
        return false;
    }

    private void addLogChange(List<Output> all) {
        var was = before.log();
        var is = state.log();
        if (was == is) return;
        if (!was.base().last().equals(is.base().last())) {
            all.add(new Output.PersistLog(is));
            return;
        }
        long index = is.firstIndex();
        while (is.has(index) && was.contains(is.entry(index).position())) index++;
        if (is.has(index)) all.add(new Output.PersistEntries(is.from(index, Integer.MAX_VALUE)));
    }
}
