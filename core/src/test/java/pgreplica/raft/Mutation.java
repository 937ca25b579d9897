package pgreplica.raft;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/**
 * A rule that the simulated host breaks on purpose, by changing what goes into a step or comes out of it. The
 * simulation must notice each of them, or it would not notice the same mistake in the shipped code.
 */
enum Mutation {
    NONE(""),

    /** A4. */
    PROMISES_FORGOTTEN_AT_RESTART("P2") {
        @Override RaftState started(RaftState state) {
            return state.withPromises(Promises.toEveryoneUntil(0));
        }
    },

    /** A5: a promise to the leader of today replaces the one to yesterday's. */
    NEWEST_PROMISE_ONLY("P2") {
        @Override RaftState afterStep(RaftState before, RaftState after) {
            var newest = new TreeMap<NodeId, Promise>();
            for (var made : after.promises().byNode().entrySet()) {
                boolean grew = !made.getValue().equals(before.promises().byNode().get(made.getKey()));
                if (grew) newest.put(made.getKey(), made.getValue());
            }
            if (newest.isEmpty()) return after;
            return after.withPromises(new Promises(after.promises().toEveryoneUntilMillis(), newest));
        }
    },

    /** A5: the voter promised to let the old leader be for less long than that leader's lease. */
    PROMISE_SHORTER_THAN_LEASE("P2") {
        @Override RaftState beforeGrant(RaftState state) {
            var shorter = new TreeMap<NodeId, Promise>();
            for (var made : state.promises().byNode().entrySet()) {
                shorter.put(made.getKey(), new Promise(made.getValue().untilMillis() - 400, made.getValue().term()));
            }
            return state.withPromises(new Promises(state.promises().toEveryoneUntilMillis(), shorter));
        }
    },

    /** A5: a candidate asks the others what they promised, and not itself. */
    OWN_PROMISE_LEFT_OUT("P2") {
        @Override RaftState beforeGrant(RaftState state) {
            boolean own = state.ballot().votedFor().equals(Optional.of(state.self()));
            return own ? state.withPromises(Promises.toEveryoneUntil(0)) : state;
        }
    },

    /** A6. */
    RELEASE_TAKEN_BACK("P2") {
        @Override RaftState afterStep(RaftState before, RaftState after) {
            if (!(after.role() instanceof Role.Leader leader) || !leader.released()) return after;
            return after.withRole(new Role.Leader(leader.progress(), leader.grants(), leader.sinceMillis(),
                    leader.firstIndex(), 0, leader.othersLeaseOverAtMillis(), false, Optional.empty()));
        }
    },

    /** P9: the ballot gets to the disk some time after it was acted on. */
    BALLOT_PERSISTED_AFTER_SENDING("P1") {
        @Override boolean ballotIsLate() {
            return true;
        }
    },

    /** P9: entries get to the disk some time after they were acted on. */
    ENTRIES_PERSISTED_AFTER_SENDING("P1") {
        @Override boolean entriesAreLate() {
            return true;
        }
    },

    /** Elections are won with one vote less: the missing one is made up. */
    VOTES_OFF_BY_ONE("P1") {
        @Override List<Input> forged(RaftState state, long nowMillis) {
            if (!(state.role() instanceof Role.Candidate asking)) return List.of();
            boolean oneShort = asking.votes().containsKey(state.self())
                    && asking.votes().size() == state.configuration().majority() - 1;
            if (!oneShort) return List.of();
            for (var voter : state.configuration().voters()) {
                if (asking.votes().containsKey(voter)) continue;
                var report = Optional.<Attachment>of(new Sample.Report(voter.node(), state.term()));
                return List.of(new Input.Received(voter, new Message.VoteReply(state.term(), true, 0, report)));
            }
            return List.of();
        }
    },

    /** Entries are committed, and leases renewed, with one answer less: the missing one is made up. */
    ANSWERS_OFF_BY_ONE("P1") {
        @Override List<Input> forged(RaftState state, long nowMillis) {
            if (!(state.role() instanceof Role.Leader leader)) return List.of();
            for (Map.Entry<VoterId, Progress> peer : leader.progress().entrySet()) {
                if (!state.configuration().voters().contains(peer.getKey())) continue;
                boolean open = peer.getValue().matchIndex() < state.lastPosition().index()
                        || peer.getValue().answeredSentAtMillis() < nowMillis;
                if (!open) return List.of();
                return List.of(new Input.Received(peer.getKey(),
                        new Message.AppendReply(state.term(), true, state.lastPosition().index(), nowMillis)));
            }
            return List.of();
        }
    };

    /** What the message of the broken promise begins with. */
    final String promise;

    Mutation(String promise) {
        this.promise = promise;
    }

    RaftState started(RaftState state) {
        return state;
    }

    /** Only for the step that takes GrantReady; what the state promised is put back after it. */
    RaftState beforeGrant(RaftState state) {
        return state;
    }

    RaftState afterStep(RaftState before, RaftState after) {
        return after;
    }

    boolean ballotIsLate() {
        return false;
    }

    boolean entriesAreLate() {
        return false;
    }

    List<Input> forged(RaftState state, long nowMillis) {
        return List.of();
    }
}
