package pgreplica.codec;

import pgreplica.base.InvariantViolation;
import pgreplica.instance.DataCondition;
import pgreplica.node.Envelope;
import pgreplica.node.PeerMessage;
import pgreplica.node.PeerMessage.Directive;
import pgreplica.node.PeerMessage.NodeStatus;

/** What travels between two nodes, inside the frames that the host authenticates. */
public final class EnvelopeCodec {
    private static final int VERSION = 1;
    private static final int MOST_ARGUMENTS = 100;

    private EnvelopeCodec() {}

    public static byte[] encode(Envelope envelope) {
        var out = new ByteWriter();
        out.u8(VERSION);
        out.str(envelope.clusterId());
        Words.writeVoter(out, envelope.from());
        Words.writeVoter(out, envelope.to());
        writeMessage(out, envelope.message());
        return out.toBytes();
    }

    public static Envelope decode(byte[] payload) {
        try {
            var in = new ByteReader(payload);
            int version = in.u8();
            if (version != VERSION) {
                throw new Malformed("it has format " + version + ", this node reads " + VERSION
                        + "; install the same release of pg_replica on both");
            }
            var envelope = new Envelope(in.str(), Words.readVoter(in), Words.readVoter(in), readMessage(in));
            in.finish();
            return envelope;
        } catch (InvariantViolation impossible) {
            // The records refuse what cannot be, whoever makes them; here that says that the bytes are wrong.
            throw new Malformed(impossible.getMessage());
        }
    }

    private static void writeMessage(ByteWriter out, PeerMessage message) {
        switch (message) {
            case PeerMessage.Raft(var raft) -> {
                out.u8(1);
                RaftCodec.writeMessage(out, raft);
            }
            case PeerMessage.Status(var status) -> {
                out.u8(2);
                writeStatus(out, status);
            }
            case PeerMessage.Order(var term, var directive) -> {
                out.u8(3);
                Words.writeTerm(out, term);
                writeDirective(out, directive);
            }
            case PeerMessage.Forward(var ticket, var verb, var arguments) -> {
                out.u8(4);
                out.i64(ticket);
                out.str(verb);
                out.list(arguments, ByteWriter::str);
            }
            case PeerMessage.ForwardReply(var ticket, var ok, var text) -> {
                out.u8(5);
                out.i64(ticket);
                out.bool(ok);
                out.str(text);
            }
        }
    }

    private static PeerMessage readMessage(ByteReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 1 -> new PeerMessage.Raft(RaftCodec.readMessage(in));
            case 2 -> new PeerMessage.Status(readStatus(in));
            case 3 -> new PeerMessage.Order(Words.readTerm(in), readDirective(in));
            case 4 -> new PeerMessage.Forward(in.i64(), in.str(), in.list(MOST_ARGUMENTS, ByteReader::str));
            case 5 -> new PeerMessage.ForwardReply(in.i64(), in.bool(), in.str());
            default -> throw new Malformed("unknown peer message " + tag);
        };
    }

    private static void writeDirective(ByteWriter out, Directive directive) {
        switch (directive) {
            case Directive.Follow(var upstream, var timeline, var ancestry) -> {
                out.u8(1);
                Words.writeNode(out, upstream);
                Words.writeTimeline(out, timeline);
                ClusterCodec.writeAncestry(out, ancestry);
            }
            case Directive.Rewind(var source, var timeline, var ancestry) -> {
                out.u8(2);
                Words.writeNode(out, source);
                Words.writeTimeline(out, timeline);
                ClusterCodec.writeAncestry(out, ancestry);
            }
            case Directive.Clone(var source, var timeline, var ancestry, var why) -> {
                out.u8(3);
                Words.writeNode(out, source);
                Words.writeTimeline(out, timeline);
                ClusterCodec.writeAncestry(out, ancestry);
                out.str(why);
            }
            case Directive.Hold(var why) -> {
                out.u8(4);
                out.str(why);
            }
        }
    }

    private static Directive readDirective(ByteReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 1 -> new Directive.Follow(Words.readNode(in), Words.readTimeline(in), ClusterCodec.readAncestry(in));
            case 2 -> new Directive.Rewind(Words.readNode(in), Words.readTimeline(in), ClusterCodec.readAncestry(in));
            case 3 -> new Directive.Clone(Words.readNode(in), Words.readTimeline(in), ClusterCodec.readAncestry(in),
                    in.str());
            case 4 -> new Directive.Hold(in.str());
            default -> throw new Malformed("unknown directive " + tag);
        };
    }

    static void writeStatus(ByteWriter out, NodeStatus status) {
        Words.writeTerm(out, status.term());
        out.str(status.listText());
        out.u8(InstanceCodec.phaseNumber(status.phase()));
        out.i64(status.systemIdentifier());
        out.u8(conditionNumber(status.data()));
        Words.writeTimeline(out, status.timeline());
        Words.writeLsn(out, status.replayed());
        Words.writeLsn(out, status.flushed());
        out.bool(status.endProven());
        out.bool(status.streaming());
        out.bool(status.checkpointOnTimeline());
        Words.writeTimeline(out, status.following());
        out.i64(status.incarnation());
        out.optional(status.sealedTerm(), Words::writeTerm);
        out.optional(status.report(), InstanceCodec::writeReport);
        out.u32(status.priority());
        HostEventCodec.writeCollation(out, status.collation());
        out.str(status.version());
        out.str(status.address());
        out.str(status.state());
        out.str(status.reason());
    }

    private static NodeStatus readStatus(ByteReader in) {
        return new NodeStatus(Words.readTerm(in), in.str(), InstanceCodec.phaseOf(in.u8()), in.i64(),
                conditionOf(in.u8()), Words.readTimeline(in), Words.readLsn(in), Words.readLsn(in), in.bool(),
                in.bool(), in.bool(), Words.readTimeline(in), in.i64(), in.optional(Words::readTerm),
                in.optional(InstanceCodec::readReport), in.u32(), HostEventCodec.readCollation(in), in.str(), in.str(),
                in.str(), in.str());
    }

    static int conditionNumber(DataCondition condition) {
        return switch (condition) {
            case UNKNOWN -> 0;
            case OURS -> 1;
            case PRISTINE -> 2;
            case UNEXPLAINED -> 3;
            case STRANGER -> 4;
            case UNCLAIMED -> 5;
            case WORKING -> 6;
            case WITNESS -> 7;
        };
    }

    private static DataCondition conditionOf(int number) {
        return switch (number) {
            case 0 -> DataCondition.UNKNOWN;
            case 1 -> DataCondition.OURS;
            case 2 -> DataCondition.PRISTINE;
            case 3 -> DataCondition.UNEXPLAINED;
            case 4 -> DataCondition.STRANGER;
            case 5 -> DataCondition.UNCLAIMED;
            case 6 -> DataCondition.WORKING;
            case 7 -> DataCondition.WITNESS;
            default -> throw new Malformed("unknown data condition " + number);
        };
    }
}
