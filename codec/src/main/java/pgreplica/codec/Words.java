package pgreplica.codec;

import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;

/** The words of pgreplica.base. */
final class Words {
    /** Beyond any real log, and far enough from the end of the number range that counting on is safe. */
    private static final long HIGHEST_INDEX = 1L << 60;
    private static final int LONGEST_NAME = 200;

    private Words() {}

    static void writeNode(ByteWriter out, NodeId node) {
        out.str(node.name());
    }

    static NodeId readNode(ByteReader in) {
        var name = in.str();
        if (name.isEmpty() || name.length() > LONGEST_NAME) {
            throw new Malformed("a node name of " + name.length() + " characters");
        }
        return new NodeId(name);
    }

    static void writeVoter(ByteWriter out, VoterId voter) {
        writeNode(out, voter.node());
        out.i64(voter.number());
    }

    static VoterId readVoter(ByteReader in) {
        var node = readNode(in);
        return new VoterId(node, in.i64());
    }

    static void writeTerm(ByteWriter out, Term term) {
        out.i64(term.value());
    }

    static Term readTerm(ByteReader in) {
        return new Term(readIndex(in));
    }

    static void writeTimeline(ByteWriter out, Timeline timeline) {
        out.u32(timeline.number());
    }

    static Timeline readTimeline(ByteReader in) {
        return new Timeline(in.number());
    }

    static void writeLsn(ByteWriter out, Lsn lsn) {
        out.i64(lsn.value());
    }

    static Lsn readLsn(ByteReader in) {
        return new Lsn(in.i64());
    }

    static void writePosition(ByteWriter out, LogPosition position) {
        writeTerm(out, position.term());
        out.i64(position.index());
    }

    static LogPosition readPosition(ByteReader in) {
        var term = readTerm(in);
        return new LogPosition(term, readIndex(in));
    }

    static long readIndex(ByteReader in) {
        long index = in.notNegative();
        if (index > HIGHEST_INDEX) throw new Malformed("a term or index beyond reason: " + index);
        return index;
    }
}
