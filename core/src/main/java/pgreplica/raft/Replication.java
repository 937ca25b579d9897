package pgreplica.raft;

import static pgreplica.base.Invariant.check;

import java.util.List;
import java.util.Optional;
import pgreplica.base.FrozenMap;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/** The log from the leader to everybody: entries, heartbeats, images, and what is committed. */
final class Replication {
    /** A message stays small; whoever lags further behind gets the rest as it answers. */
    private static final int ENTRIES_PER_MESSAGE = 32;

    private Replication() {}

    // ---- the leader's side

    static void onLeaderTime(Turn turn) {
        Lease.renew(turn);
        if (turn.nowMillis < turn.state.nextDeadlineMillis()) return;
        if (!Lease.hearsMajority(turn, leaderIn(turn)) || Transfer.failedAfterRelease(turn)) {
            Election.stepDown(turn);
            return;
        }
        sendToAll(turn);
        Transfer.onHeartbeat(turn);
    }

    private static Role.Leader leaderIn(Turn turn) {
        check(turn.state.role() instanceof Role.Leader, "only a leader replicates");
        return (Role.Leader) turn.state.role();
    }

    static void onPropose(Turn turn, Command command) {
        if (turn.state.mayPropose()) append(turn, new Payload.Application(command));
    }

    /** Adds an entry of the leader's own term, and sends it at once. */
    static void append(Turn turn, Payload payload) {
        var position = new LogPosition(turn.state.term(), turn.state.lastPosition().index() + 1);
        turn.state = turn.state.withLog(turn.state.log().append(new Entry(position, payload)));
        Membership.followConfiguration(turn);
        sendToAll(turn);
        Lease.renew(turn);
        advanceCommit(turn);
    }

    /** To each peer what it lacks, or nothing but the heartbeat. The next regular one is due an interval later. */
    static void sendToAll(Turn turn) {
        turn.state = turn.state.withDeadline(turn.nowMillis + turn.state.settings().heartbeatMillis());
        for (var peer : leaderIn(turn).progress().keySet()) sendTo(turn, peer);
    }

    /** A leader that lacks answers has none to lose: it asks a node that is back at once, not when the next round is due. */
    static void onReached(Turn turn, NodeId node) {
        if (!turn.state.isLeader()) return;
        for (var peer : leaderIn(turn).progress().keySet()) {
            if (peer.node().equals(node)) sendTo(turn, peer);
        }
    }

    /** Takes it that the message arrives: the next one continues after it. A peer that missed it says so. */
    private static void sendTo(Turn turn, VoterId peer) {
        var progress = leaderIn(turn).progress().get(peer);
        var log = turn.state.log();
        var previous = log.positionAt(progress.nextIndex() - 1);
        if (previous.isEmpty()) {
            turn.send(peer, new Message.InstallSnapshot(
                    turn.state.term(), log.base(), turn.state.commitIndex(), turn.nowMillis));
            setProgress(turn, peer, progress.withNext(log.firstIndex()));
            return;
        }
        var entries = log.from(progress.nextIndex(), ENTRIES_PER_MESSAGE);
        turn.send(peer, new Message.AppendRequest(
                turn.state.term(), previous.get(), entries, turn.state.commitIndex(), turn.nowMillis));
        setProgress(turn, peer, progress.withNext(progress.nextIndex() + entries.size()));
    }

    private static void setProgress(Turn turn, VoterId peer, Progress progress) {
        var leader = leaderIn(turn);
        turn.state = turn.state.withRole(leader.withProgress(FrozenMap.with(leader.progress(), peer, progress)));
    }

    static void onAppendReply(Turn turn, VoterId from, Message.AppendReply reply) {
        if (!(turn.state.role() instanceof Role.Leader leader)) return; // answers its former self
        var known = leader.progress().get(from);
        boolean possible = reply.sentAtMillis() <= turn.nowMillis && reply.matchIndex() >= 0;
        if (known == null || !possible || !reply.term().equals(turn.state.term())) return;

        long last = turn.state.lastPosition().index();
        long answered = Math.max(known.answeredSentAtMillis(), reply.sentAtMillis());
        if (reply.success()) {
            long match = Math.max(known.matchIndex(), Math.min(reply.matchIndex(), last));
            setProgress(turn, from, new Progress(Math.max(known.nextIndex(), match + 1), match, answered));
        } else {
            long next = Math.max(known.matchIndex(), Math.min(reply.matchIndex(), last)) + 1;
            setProgress(turn, from, new Progress(next, known.matchIndex(), answered));
        }
        Lease.renew(turn);
        advanceCommit(turn);
        if (!turn.state.isLeader()) return; // it has committed its own removal
        Transfer.onAnswer(turn, from);
        sendRest(turn, from, reply);
    }

    private static void sendRest(Turn turn, VoterId peer, Message.AppendReply reply) {
        var progress = leaderIn(turn).progress().get(peer);
        if (progress == null) return;
        // Saying that it lacks what it has confirmed before, a peer may have lost its disk. It is not asked
        // again at once, or the two would talk as fast as the network can.
        boolean forgetful = !reply.success() && reply.matchIndex() < progress.matchIndex();
        boolean more = progress.nextIndex() <= turn.state.lastPosition().index();
        if (!forgetful && (more || !reply.success())) sendTo(turn, peer);
    }

    /** Counts only entries of its own term; those before them are committed with them (§5.4.2). */
    private static void advanceCommit(Turn turn) {
        var leader = leaderIn(turn);
        var configuration = turn.state.configuration();
        var matches = new long[configuration.voters().size()];
        int n = 0;
        for (var voter : configuration.voters()) {
            var progress = leader.progress().get(voter);
            long match = progress == null ? 0 : progress.matchIndex();
            matches[n++] = voter.equals(turn.state.self()) ? turn.state.lastPosition().index() : match;
        }
        long index = configuration.reachedByMajority(matches);
        if (index <= turn.state.commitIndex() || index < leader.firstIndex()) return;
        commitTo(turn, index);
        sendToAll(turn);
        Membership.onCommitted(turn);
    }

    private static void commitTo(Turn turn, long index) {
        long until = Math.min(index, turn.state.lastPosition().index());
        for (long i = turn.state.commitIndex() + 1; i <= until; i++) {
            turn.put(new Output.Committed(turn.state.log().entry(i)));
        }
        if (until > turn.state.commitIndex()) turn.state = turn.state.withCommitIndex(until);
    }

    // ---- the follower's side

    /** Entries follow each other and the one before, and none is newer than the message's term. */
    static boolean isWellFormed(Message.AppendRequest request) {
        var previous = request.previous();
        for (var entry : request.entries()) {
            if (entry.index() != previous.index() + 1 || previous.term().isAfter(entry.term())) return false;
            previous = entry.position();
        }
        return previous.index() >= 0 && !previous.term().isAfter(request.term());
    }

    static void onAppendRequest(Turn turn, VoterId leader, Message.AppendRequest request) {
        if (!request.term().equals(turn.state.term())) {
            reply(turn, leader, false, 0, request.sentAtMillis());
            return;
        }
        follow(turn, leader);
        var log = turn.state.log();
        // What our image stands for is committed, so every leader has it.
        boolean matches = request.previous().index() < log.firstIndex() - 1 || log.contains(request.previous());
        if (!matches) {
            reply(turn, leader, false, continueAfter(turn.state, request.previous()), request.sentAtMillis());
            return;
        }
        takeEntries(turn, request.entries());
        long match = Math.max(request.previous().index() + request.entries().size(), log.firstIndex() - 1);
        commitTo(turn, Math.min(request.commitIndex(), match));
        reply(turn, leader, true, match, request.sentAtMillis());
    }

    private static void reply(Turn turn, VoterId leader, boolean success, long matchIndex, long sentAtMillis) {
        turn.send(leader, new Message.AppendReply(turn.state.term(), success, matchIndex, sentAtMillis));
    }

    /** The sender leads the current term: this node follows it, and lets nobody else lead for a while. */
    private static void follow(Turn turn, VoterId leader) {
        var known = turn.state.leader();
        check(known.isEmpty() || known.get().equals(leader), "a term has one leader");
        turn.state = turn.state.withRole(new Role.Follower(Optional.of(leader), turn.nowMillis));
        Election.waitAnew(turn);
        Lease.promise(turn, leader);
    }

    /** Goes back over a whole term at a time (§5.3), never behind what is committed. */
    private static long continueAfter(RaftState state, LogPosition previous) {
        var log = state.log();
        if (log.last().index() < previous.index()) return log.last().index();
        check(previous.index() > state.commitIndex(), "no leader contradicts a committed entry");
        long before = log.firstIndexOfTermAt(previous.index()) - 1;
        return Math.max(before, state.commitIndex());
    }

    private static void takeEntries(Turn turn, List<Entry> entries) {
        var log = turn.state.log();
        for (var entry : entries) {
            if (entry.index() < log.firstIndex() || log.contains(entry.position())) continue;
            if (log.has(entry.index())) {
                check(entry.index() > turn.state.commitIndex(), "a committed entry is never replaced");
                log = log.truncatedBefore(entry.index());
            }
            log = log.append(entry);
        }
        turn.state = turn.state.withLog(log);
    }

    static void onInstallSnapshot(Turn turn, VoterId leader, Message.InstallSnapshot install) {
        if (!install.term().equals(turn.state.term())) {
            reply(turn, leader, false, 0, install.sentAtMillis());
            return;
        }
        follow(turn, leader);
        var image = install.image();
        if (turn.state.log().contains(image.last())) {
            commitTo(turn, image.last().index());
        } else if (image.last().index() > turn.state.commitIndex()) {
            turn.state = turn.state.withLog(new Log(image, List.of()), image.last().index());
            turn.put(new Output.SnapshotInstalled(image));
        }
        reply(turn, leader, true, image.last().index(), install.sentAtMillis());
    }

    static void onCompact(Turn turn, long index, Snapshot snapshot) {
        if (!turn.state.log().has(index)) return; // an image from a leader came first
        turn.state = turn.state.withLog(turn.state.log().compacted(index, snapshot));
    }
}
