package pgreplica.codec;

import pgreplica.base.VoterId;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.WalReport;
import pgreplica.raft.Attachment;
import pgreplica.raft.Command;
import pgreplica.raft.Configuration;
import pgreplica.raft.Entry;
import pgreplica.raft.Message;
import pgreplica.raft.Payload;
import pgreplica.raft.Release;
import pgreplica.raft.Snapshot;
import pgreplica.raft.SnapshotImage;

/** What Raft says and keeps, with the commands, reports and images of this cluster in the places Raft leaves open. */
final class RaftCodec {
    static final int MOST_ENTRIES = 20_000;
    private static final int MOST_MEMBERS = 64;

    private RaftCodec() {}

    static void writeMessage(ByteWriter out, Message message) {
        switch (message) {
            case Message.PreVoteRequest request -> {
                begin(out, 1, message);
                Words.writePosition(out, request.lastEntry());
            }
            case Message.PreVoteReply reply -> {
                begin(out, 2, message);
                out.bool(reply.granted());
            }
            case Message.VoteRequest request -> {
                begin(out, 3, message);
                Words.writePosition(out, request.lastEntry());
                out.optional(request.release(), RaftCodec::writeRelease);
            }
            case Message.VoteReply reply -> {
                begin(out, 4, message);
                out.bool(reply.granted());
                out.i64(reply.promisedToOthersMillis());
                out.optional(reply.attachment(), RaftCodec::writeAttachment);
            }
            case Message.AppendRequest request -> {
                begin(out, 5, message);
                Words.writePosition(out, request.previous());
                out.list(request.entries(), RaftCodec::writeEntry);
                out.i64(request.commitIndex());
                out.i64(request.sentAtMillis());
            }
            case Message.AppendReply reply -> {
                begin(out, 6, message);
                out.bool(reply.success());
                out.i64(reply.matchIndex());
                out.i64(reply.sentAtMillis());
            }
            case Message.InstallSnapshot install -> {
                begin(out, 7, message);
                writeImage(out, install.image());
                out.i64(install.commitIndex());
                out.i64(install.sentAtMillis());
            }
            case Message.TimeoutNow timeout -> {
                begin(out, 8, message);
                out.optional(timeout.release(), RaftCodec::writeRelease);
            }
        }
    }

    private static void begin(ByteWriter out, int tag, Message message) {
        out.u8(tag);
        Words.writeTerm(out, message.term());
    }

    static Message readMessage(ByteReader in) {
        int tag = in.u8();
        var term = Words.readTerm(in);
        return switch (tag) {
            case 1 -> new Message.PreVoteRequest(term, Words.readPosition(in));
            case 2 -> new Message.PreVoteReply(term, in.bool());
            case 3 -> new Message.VoteRequest(term, Words.readPosition(in), in.optional(RaftCodec::readRelease));
            case 4 -> new Message.VoteReply(term, in.bool(), in.notNegative(),
                    in.optional(RaftCodec::readAttachment));
            case 5 -> new Message.AppendRequest(term, Words.readPosition(in),
                    in.list(MOST_ENTRIES, RaftCodec::readEntry), Words.readIndex(in), in.i64());
            case 6 -> new Message.AppendReply(term, in.bool(), Words.readIndex(in), in.i64());
            case 7 -> new Message.InstallSnapshot(term, readImage(in), Words.readIndex(in), in.i64());
            case 8 -> new Message.TimeoutNow(term, in.optional(RaftCodec::readRelease));
            default -> throw new Malformed("unknown Raft message " + tag);
        };
    }

    static void writeEntry(ByteWriter out, Entry entry) {
        Words.writePosition(out, entry.position());
        switch (entry.payload()) {
            case Payload.NoOp() -> out.u8(1);
            case Payload.Application(var command) -> {
                out.u8(2);
                writeCommand(out, command);
            }
            case Payload.Configure(var configuration) -> {
                out.u8(3);
                writeConfiguration(out, configuration);
            }
        }
    }

    static Entry readEntry(ByteReader in) {
        var position = Words.readPosition(in);
        int tag = in.u8();
        Payload payload = switch (tag) {
            case 1 -> new Payload.NoOp();
            case 2 -> new Payload.Application(ClusterCodec.readCommand(in));
            case 3 -> new Payload.Configure(readConfiguration(in));
            default -> throw new Malformed("unknown entry " + tag);
        };
        return new Entry(position, payload);
    }

    static void writeImage(ByteWriter out, SnapshotImage image) {
        Words.writePosition(out, image.last());
        writeConfiguration(out, image.configuration());
        writeSnapshot(out, image.snapshot());
    }

    static SnapshotImage readImage(ByteReader in) {
        return new SnapshotImage(Words.readPosition(in), readConfiguration(in), ClusterCodec.readState(in));
    }

    static void writeConfiguration(ByteWriter out, Configuration configuration) {
        out.list(configuration.voters(), Words::writeVoter);
        out.list(configuration.learners(), Words::writeVoter);
    }

    private static Configuration readConfiguration(ByteReader in) {
        return new Configuration(in.<VoterId>set(MOST_MEMBERS, Words::readVoter),
                in.<VoterId>set(MOST_MEMBERS, Words::readVoter));
    }

    static void writeRelease(ByteWriter out, Release release) {
        Words.writeVoter(out, release.releasedBy());
        Words.writeTerm(out, release.term());
    }

    private static Release readRelease(ByteReader in) {
        return new Release(Words.readVoter(in), Words.readTerm(in));
    }

    static void writeAttachment(ByteWriter out, Attachment attachment) {
        if (!(attachment instanceof WalReport report)) {
            throw new IllegalStateException("a vote carries a WAL report and nothing else");
        }
        InstanceCodec.writeReport(out, report);
    }

    private static Attachment readAttachment(ByteReader in) {
        return InstanceCodec.readReport(in);
    }

    private static void writeCommand(ByteWriter out, Command command) {
        if (!(command instanceof ClusterCommand known)) {
            throw new IllegalStateException("the log carries cluster commands and nothing else");
        }
        ClusterCodec.writeCommand(out, known);
    }

    private static void writeSnapshot(ByteWriter out, Snapshot snapshot) {
        if (!(snapshot instanceof ClusterState state)) {
            throw new IllegalStateException("an image carries the cluster's state and nothing else");
        }
        ClusterCodec.writeState(out, state);
    }
}
