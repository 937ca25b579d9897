package pgreplica.codec;

import pgreplica.raft.Ballot;
import pgreplica.raft.Grant;
import pgreplica.raft.Handover;
import pgreplica.raft.Log;
import pgreplica.raft.Preparation;
import pgreplica.raft.Progress;
import pgreplica.raft.Promise;
import pgreplica.raft.Promises;
import pgreplica.raft.RaftSettings;
import pgreplica.raft.RaftState;
import pgreplica.raft.Role;

/** The canonical encoding of Raft's state. Written only: nothing is ever restored from it. */
final class RaftStateCodec {
    private RaftStateCodec() {}

    static void write(ByteWriter out, RaftState state) {
        Words.writeVoter(out, state.self());
        writeSettings(out, state.settings());
        writeBallot(out, state.ballot());
        writeLog(out, state.log());
        out.i64(state.commitIndex());
        writeRole(out, state.role());
        writePromises(out, state.promises());
        out.list(state.gone(), Words::writeNode);
        out.optional(state.preparing(), RaftStateCodec::writePreparation);
        out.i64(state.nextDeadlineMillis());
        out.i64(state.random().state());
    }

    private static void writeSettings(ByteWriter out, RaftSettings settings) {
        out.i64(settings.electionTimeoutMillis());
        out.i64(settings.heartbeatMillis());
        out.i64(settings.leaseMillis());
        out.i64(settings.promiseMillis());
    }

    private static void writeBallot(ByteWriter out, Ballot ballot) {
        Words.writeTerm(out, ballot.term());
        out.optional(ballot.votedFor(), Words::writeVoter);
    }

    private static void writeLog(ByteWriter out, Log log) {
        RaftCodec.writeImage(out, log.base());
        out.list(log.entries(), RaftCodec::writeEntry);
    }

    static void writePromises(ByteWriter out, Promises promises) {
        out.i64(promises.toEveryoneUntilMillis());
        out.map(promises.byNode(), Words::writeNode, RaftStateCodec::writePromise);
    }

    private static void writePromise(ByteWriter out, Promise promise) {
        out.i64(promise.untilMillis());
        Words.writeTerm(out, promise.term());
    }

    private static void writePreparation(ByteWriter out, Preparation preparing) {
        Words.writeTerm(out, preparing.term());
        out.optional(preparing.release(), RaftCodec::writeRelease);
    }

    static void writeRole(ByteWriter out, Role role) {
        switch (role) {
            case Role.Follower follower -> {
                out.u8(1);
                out.optional(follower.leader(), Words::writeVoter);
                out.i64(follower.heardAtMillis());
            }
            case Role.PreCandidate asking -> {
                out.u8(2);
                out.list(asking.granted(), Words::writeVoter);
                out.i64(asking.askAgainAtMillis());
            }
            case Role.Candidate asking -> {
                out.u8(3);
                out.map(asking.votes(), Words::writeVoter, RaftStateCodec::writeGrant);
                out.list(asking.refused(), Words::writeVoter);
                out.optional(asking.release(), RaftCodec::writeRelease);
                out.i64(asking.askAgainAtMillis());
            }
            case Role.Leader leader -> {
                out.u8(4);
                writeLeader(out, leader);
            }
        }
    }

    private static void writeLeader(ByteWriter out, Role.Leader leader) {
        out.map(leader.progress(), Words::writeVoter, RaftStateCodec::writeProgress);
        out.map(leader.grants(), Words::writeVoter, RaftStateCodec::writeGrant);
        out.i64(leader.sinceMillis());
        out.i64(leader.firstIndex());
        out.i64(leader.leaseUntilMillis());
        out.i64(leader.othersLeaseOverAtMillis());
        out.bool(leader.released());
        out.optional(leader.handover(), RaftStateCodec::writeHandover);
    }

    private static void writeGrant(ByteWriter out, Grant grant) {
        out.optional(grant.attachment(), RaftCodec::writeAttachment);
        out.i64(grant.othersPromiseOverAtMillis());
    }

    private static void writeProgress(ByteWriter out, Progress progress) {
        out.i64(progress.nextIndex());
        out.i64(progress.matchIndex());
        out.i64(progress.answeredSentAtMillis());
    }

    private static void writeHandover(ByteWriter out, Handover handover) {
        Words.writeVoter(out, handover.target());
        out.bool(handover.release());
        out.i64(handover.giveUpAtMillis());
    }
}
