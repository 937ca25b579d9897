package pgreplica.raft;

import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.VoterId;

/** One voter at a time joins or leaves (B14). A configuration holds from the moment it is appended. */
final class Membership {
    private Membership() {}

    static void onPropose(Turn turn, Configuration configuration) {
        if (refusal(turn.state, configuration).isEmpty()) {
            Replication.append(turn, new Payload.Configure(configuration));
        }
    }

    static Optional<String> refusal(RaftState state, Configuration proposed) {
        if (!(state.role() instanceof Role.Leader leader)) return Optional.of("this node does not lead");
        if (leader.handover().isPresent()) return Optional.of("leadership is being handed over");
        // Two leaders that each start from a configuration the other does not know could both find a majority.
        if (!state.committedOwnTerm()) return Optional.of("the leader has not committed an entry of its term yet");
        if (state.log().configurationIndex() > state.commitIndex()) {
            return Optional.of("the last change of members is not committed yet");
        }
        var current = state.configuration();
        if (proposed.equals(current)) return Optional.of("nothing would change");
        if (proposed.voters().isEmpty()) return Optional.of("somebody must vote");
        var joining = new TreeSet<>(proposed.voters());
        joining.removeAll(current.voters());
        var leaving = new TreeSet<>(current.voters());
        leaving.removeAll(proposed.voters());
        if (joining.size() + leaving.size() > 1) return Optional.of("only one voter can join or leave at a time");
        return joining.isEmpty() ? Optional.empty() : refusalToVote(state, leader, current, joining.first());
    }

    /** A voter without the log helps a stale candidate to win (A11). */
    private static Optional<String> refusalToVote(
            RaftState state, Role.Leader leader, Configuration current, VoterId joining) {
        if (!current.learners().contains(joining)) return Optional.of("a voter joins as a learner first");
        var progress = leader.progress().get(joining);
        boolean caughtUp = progress != null && progress.matchIndex() >= state.commitIndex();
        return caughtUp ? Optional.empty() : Optional.of("the learner does not have the log yet");
    }

    /** New members are sent the log from now on. Those that leave still are, to learn that they left. */
    static void followConfiguration(Turn turn) {
        if (!(turn.state.role() instanceof Role.Leader leader)) return;
        var progress = new TreeMap<>(leader.progress());
        for (var member : turn.state.configuration().members()) {
            if (!member.equals(turn.state.self()) && !progress.containsKey(member)) {
                progress.put(member, Progress.unknown(turn.state.lastPosition().index()));
            }
        }
        if (progress.size() > leader.progress().size()) turn.state = turn.state.withRole(leader.withProgress(progress));
    }

    /** With the change committed, those that left are forgotten; a leader that left steps down. */
    static void onCommitted(Turn turn) {
        if (!(turn.state.role() instanceof Role.Leader leader)) return;
        if (turn.state.log().configurationIndex() > turn.state.commitIndex()) return;
        var configuration = turn.state.configuration();
        var progress = new TreeMap<VoterId, Progress>();
        for (var peer : leader.progress().entrySet()) {
            if (configuration.hasMember(peer.getKey())) progress.put(peer.getKey(), peer.getValue());
        }
        turn.state = turn.state.withRole(leader.withProgress(progress));
        if (!configuration.voters().contains(turn.state.self())) Election.stepDown(turn);
    }
}
