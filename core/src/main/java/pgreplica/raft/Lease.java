package pgreplica.raft;

import pgreplica.base.VoterId;

/**
 * How long a leader may count on being the only one. The lease counts from the sending of what a majority
 * answered; each of those voters promises longer, counted from the receipt. So the promise covers the lease.
 */
final class Lease {
    private Lease() {}

    /** When the newest round that a majority of the newest configuration has answered was sent. */
    private static long majoritySentAt(Turn turn, Role.Leader leader) {
        var configuration = turn.state.configuration();
        var sent = new long[configuration.voters().size()];
        int n = 0;
        for (var voter : configuration.voters()) {
            var progress = leader.progress().get(voter);
            long answered = progress == null ? Progress.NEVER : progress.answeredSentAtMillis();
            sent[n++] = voter.equals(turn.state.self()) ? turn.nowMillis : answered;
        }
        return configuration.reachedByMajority(sent);
    }

    /** Check quorum (B5): whether a majority has answered within an election timeout. */
    static boolean hearsMajority(Turn turn, Role.Leader leader) {
        long heardAt = Math.max(leader.sinceMillis(), majoritySentAt(turn, leader));
        return turn.nowMillis < heardAt + turn.state.settings().electionTimeoutMillis();
    }

    /** Only grows within a term, and never comes back once it was released (A6). */
    static void renew(Turn turn) {
        if (!(turn.state.role() instanceof Role.Leader leader) || leader.released()) return;
        long until = majoritySentAt(turn, leader) + turn.state.settings().leaseMillis();
        if (until > leader.leaseUntilMillis()) turn.state = turn.state.withRole(leader.withLease(until));
    }

    /** A voter that answers its leader lets nobody else lead for a while. */
    static void promise(Turn turn, VoterId leader) {
        long until = turn.nowMillis + turn.state.settings().promiseMillis();
        turn.state = turn.state.withPromises(turn.state.promises().extended(leader.node(), until, turn.state.term()));
    }
}
