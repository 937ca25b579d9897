package pgreplica.raft;

import static pgreplica.base.Invariant.check;

import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.Division;
import pgreplica.base.FrozenSet;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/** Who votes, and who only receives the log. */
public record Configuration(SortedSet<VoterId> voters, SortedSet<VoterId> learners) {
    /** What a node knows that nobody has admitted yet. */
    public static final Configuration EMPTY = new Configuration(new TreeSet<>(), new TreeSet<>());

    public Configuration {
        voters = FrozenSet.of(voters);
        learners = FrozenSet.of(learners);
        var nodes = new TreeSet<NodeId>();
        for (var voter : voters) check(nodes.add(voter.node()), "a node is a member once");
        for (var learner : learners) check(nodes.add(learner.node()), "a node is a member once");
    }

    /** More than half of the voters: any two majorities share one. */
    public int majority() {
        return (int) Division.quotient(voters.size(), 2) + 1;
    }

    /**
     * What at least a majority of the voters has reached.
     *
     * @param reached what each voter has, in any order, which this puts in order
     */
    long reachedByMajority(long[] reached) {
        for (int i = 1; i < reached.length; i++) {
            long moved = reached[i];
            int at = i;
            for (; at > 0 && reached[at - 1] < moved; at--) reached[at] = reached[at - 1];
            reached[at] = moved;
        }
        return reached[majority() - 1];
    }

    public boolean isEmpty() {
        return voters.isEmpty() && learners.isEmpty();
    }

    public boolean hasMember(VoterId id) {
        return voters.contains(id) || learners.contains(id);
    }

    /** Voters and learners. */
    public SortedSet<VoterId> members() {
        var members = new TreeSet<>(voters);
        members.addAll(learners);
        return members;
    }

    public Configuration withVoter(VoterId voter) {
        var more = new TreeSet<>(voters);
        more.add(voter);
        var rest = new TreeSet<>(learners);
        rest.remove(voter);
        return new Configuration(more, rest);
    }

    public Configuration withLearner(VoterId learner) {
        var more = new TreeSet<>(learners);
        more.add(learner);
        return new Configuration(voters, more);
    }

    public Configuration without(VoterId member) {
        var fewerVoters = new TreeSet<>(voters);
        fewerVoters.remove(member);
        var fewerLearners = new TreeSet<>(learners);
        fewerLearners.remove(member);
        return new Configuration(fewerVoters, fewerLearners);
    }
}
