package pgreplica.raft;

import java.util.Optional;
import pgreplica.base.VoterId;

/** Leadership handed over on purpose (dissertation 3.10), with or without the lease. */
final class Transfer {
    private Transfer() {}

    static void onTransfer(Turn turn, Input.Transfer transfer) {
        if (!(turn.state.role() instanceof Role.Leader leader) || leader.handover().isPresent()) return;
        boolean eligible = turn.state.configuration().voters().contains(transfer.target())
                && !transfer.target().equals(turn.state.self());
        if (!eligible) return;
        long giveUpAt = turn.nowMillis + turn.state.settings().electionTimeoutMillis();
        var handover = new Handover(transfer.target(), transfer.release(), giveUpAt);
        turn.state = turn.state.withRole(leader.withHandover(Optional.of(handover)));
        tryNow(turn);
    }

    /** The target may campaign once it has everything. A release is given with the word to campaign, not before. */
    private static void tryNow(Turn turn) {
        if (!(turn.state.role() instanceof Role.Leader leader) || leader.handover().isEmpty()) return;
        var handover = leader.handover().get();
        var progress = leader.progress().get(handover.target());
        if (progress == null || progress.matchIndex() < turn.state.lastPosition().index()) return;
        if (handover.release() && !leader.released()) turn.state = turn.state.withRole(leader.releasing());
        var release = turn.state.released()
                ? Optional.of(new Release(turn.state.self(), turn.state.term()))
                : Optional.<Release>empty();
        turn.send(handover.target(), new Message.TimeoutNow(turn.state.term(), release));
    }

    static void onAnswer(Turn turn, VoterId from) {
        var handover = turn.state.handover();
        if (handover.isPresent() && handover.get().target().equals(from)) tryNow(turn);
    }

    static void onHeartbeat(Turn turn) {
        if (!(turn.state.role() instanceof Role.Leader leader) || leader.handover().isEmpty()) return;
        if (turn.nowMillis >= leader.handover().get().giveUpAtMillis()) {
            turn.state = turn.state.withRole(leader.withHandover(Optional.empty()));
        } else {
            tryNow(turn);
        }
    }

    /** Without a lease this leader is of no use to anybody: the next term must find another, or it again. */
    static boolean failedAfterRelease(Turn turn) {
        return turn.state.role() instanceof Role.Leader leader
                && leader.released()
                && (leader.handover().isEmpty() || turn.nowMillis >= leader.handover().get().giveUpAtMillis());
    }

    static void onTimeoutNow(Turn turn, VoterId leader, Message.TimeoutNow request) {
        boolean followed = turn.state.role() instanceof Role.Follower follower
                && follower.leader().equals(Optional.of(leader));
        if (!followed || !request.term().equals(turn.state.term()) || !Election.mayCampaign(turn.state)) return;
        Election.campaign(turn, request.release());
    }
}
