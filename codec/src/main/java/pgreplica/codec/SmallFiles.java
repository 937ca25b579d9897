package pgreplica.codec;

import java.util.Optional;
import pgreplica.base.InvariantViolation;
import pgreplica.base.VoterId;
import pgreplica.instance.InstanceRecord;
import pgreplica.node.Action;
import pgreplica.raft.Ballot;

/** The files of the state directory that are always replaced as a whole: who this node is, and its data's record. */
final class SmallFiles {
    static final String BALLOT = "ballot";
    static final String INSTANCE = "instance";
    static final String FLOOR = "floor";
    private static final int VERSION = 1;

    private SmallFiles() {}

    /** @param self which life of the node this is; drawn once, and lost with the directory */
    record BallotFile(VoterId self, Ballot ballot) {}

    static byte[] ballotBytes(VoterId self, Ballot ballot) {
        var out = new ByteWriter(128);
        out.u8(VERSION);
        Words.writeVoter(out, self);
        Words.writeTerm(out, ballot.term());
        out.optional(ballot.votedFor(), Words::writeVoter);
        return out.seal().toBytes();
    }

    static BallotFile ballotOf(byte[] content) {
        try {
            var in = opened(BALLOT, content);
            var self = Words.readVoter(in);
            var term = Words.readTerm(in);
            Optional<VoterId> votedFor = in.optional(Words::readVoter);
            in.finish();
            return new BallotFile(self, new Ballot(term, votedFor));
        } catch (Malformed | InvariantViolation damaged) {
            throw new DamagedState(BALLOT, damaged.getMessage());
        }
    }

    static byte[] instanceBytes(InstanceRecord record) {
        var out = new ByteWriter(256);
        out.u8(VERSION);
        InstanceCodec.writeRecord(out, record);
        return out.seal().toBytes();
    }

    static InstanceRecord instanceOf(byte[] content) {
        try {
            var in = opened(INSTANCE, content);
            var record = InstanceCodec.readRecord(in);
            in.finish();
            return record;
        } catch (Malformed | InvariantViolation damaged) {
            throw new DamagedState(INSTANCE, damaged.getMessage());
        }
    }

    static byte[] floorBytes(Action.NoteFloor floor) {
        var out = new ByteWriter(64);
        out.u8(VERSION);
        InstanceCodec.writeIdentity(out, floor.identity());
        Words.writeTimeline(out, floor.timeline());
        Words.writeLsn(out, floor.position());
        return out.seal().toBytes();
    }

    static Action.NoteFloor floorOf(byte[] content) {
        try {
            var in = opened(FLOOR, content);
            var floor = new Action.NoteFloor(InstanceCodec.readIdentity(in), Words.readTimeline(in), Words.readLsn(in));
            in.finish();
            return floor;
        } catch (Malformed | InvariantViolation damaged) {
            throw new DamagedState(FLOOR, damaged.getMessage());
        }
    }

    private static ByteReader opened(String name, byte[] content) {
        var body = ByteReader.sealed(content);
        NewerRelease.check(name, body.u8(), VERSION);
        return body;
    }
}
