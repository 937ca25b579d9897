package pgreplica.codec;

import pgreplica.base.NodeId;
import pgreplica.cluster.Ancestry;
import pgreplica.cluster.Appointment;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.cluster.Founding;
import pgreplica.cluster.SyncSet;
import pgreplica.cluster.SyncSet.Member;

/** The replicated state and the commands that change it. */
final class ClusterCodec {
    private static final int MOST_NODES = 64;
    private static final int MOST_STEPS = 1000;

    private ClusterCodec() {}

    static void writeCommand(ByteWriter out, ClusterCommand command) {
        switch (command) {
            case ClusterCommand.CompleteFounding() -> out.u8(1);
            case ClusterCommand.Appoint appoint -> {
                out.u8(2);
                Words.writeNode(out, appoint.node());
                Words.writeTimeline(out, appoint.timeline());
                Words.writeTimeline(out, appoint.parent());
                out.str(appoint.collation());
                out.i64(appoint.atMillis());
                out.str(appoint.why());
            }
            case ClusterCommand.RecordFork recorded -> {
                out.u8(3);
                Words.writeTimeline(out, recorded.timeline());
                Words.writeTimeline(out, recorded.parent());
                Words.writeLsn(out, recorded.fork());
            }
            case ClusterCommand.SetSync(var sync) -> {
                out.u8(4);
                writeSync(out, sync);
            }
        }
    }

    static ClusterCommand readCommand(ByteReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 1 -> new ClusterCommand.CompleteFounding();
            case 2 -> new ClusterCommand.Appoint(Words.readNode(in), Words.readTimeline(in), Words.readTimeline(in),
                    in.str(), in.i64(), in.str());
            case 3 -> new ClusterCommand.RecordFork(Words.readTimeline(in), Words.readTimeline(in),
                    Words.readLsn(in));
            case 4 -> new ClusterCommand.SetSync(readSync(in));
            default -> throw new Malformed("unknown command " + tag);
        };
    }

    static void writeState(ByteWriter out, ClusterState state) {
        out.optional(state.founding(), ClusterCodec::writeFounding);
        out.bool(state.foundingComplete());
        out.list(state.appointments(), ClusterCodec::writeAppointment);
        writeSync(out, state.sync());
    }

    static ClusterState readState(ByteReader in) {
        var founding = in.optional(ClusterCodec::readFounding);
        boolean complete = in.bool();
        return new ClusterState(founding, complete,
                in.list(ClusterState.MAX_APPOINTMENTS, ClusterCodec::readAppointment), readSync(in));
    }

    static void writeSync(ByteWriter out, SyncSet sync) {
        out.list(sync.members(), ClusterCodec::writeMember);
        out.u32(sync.standbys());
    }

    private static SyncSet readSync(ByteReader in) {
        return new SyncSet(in.<Member>set(MOST_NODES, ClusterCodec::readMember), in.number());
    }

    private static void writeMember(ByteWriter out, Member member) {
        Words.writeNode(out, member.node());
        out.i64(member.incarnation());
    }

    private static Member readMember(ByteReader in) {
        return new Member(Words.readNode(in), in.i64());
    }

    static void writeAncestry(ByteWriter out, Ancestry ancestry) {
        out.list(ancestry.steps(), ClusterCodec::writeStep);
    }

    static Ancestry readAncestry(ByteReader in) {
        return new Ancestry(in.list(MOST_STEPS, ClusterCodec::readStep));
    }

    private static void writeStep(ByteWriter out, Ancestry.Step step) {
        Words.writeTimeline(out, step.timeline());
        out.optional(step.end(), Words::writeLsn);
    }

    private static Ancestry.Step readStep(ByteReader in) {
        var timeline = Words.readTimeline(in);
        return new Ancestry.Step(timeline, in.optional(Words::readLsn));
    }

    private static void writeFounding(ByteWriter out, Founding founding) {
        out.str(founding.clusterId());
        out.i64(founding.systemIdentifier());
        Words.writeNode(out, founding.primary());
        Words.writeTimeline(out, founding.timeline());
        Words.writeTimeline(out, founding.highestTimeline());
        out.list(founding.nodes(), Words::writeNode);
    }

    private static Founding readFounding(ByteReader in) {
        return new Founding(in.str(), in.i64(), Words.readNode(in), Words.readTimeline(in), Words.readTimeline(in),
                in.<NodeId>set(MOST_NODES, Words::readNode));
    }

    private static void writeAppointment(ByteWriter out, Appointment appointment) {
        out.i64(appointment.index());
        Words.writeTerm(out, appointment.term());
        Words.writeNode(out, appointment.node());
        Words.writeTimeline(out, appointment.timeline());
        Words.writeTimeline(out, appointment.parent());
        out.optional(appointment.fork(), Words::writeLsn);
        out.str(appointment.collation());
        out.i64(appointment.atMillis());
        out.str(appointment.why());
    }

    private static Appointment readAppointment(ByteReader in) {
        return new Appointment(Words.readIndex(in), Words.readTerm(in), Words.readNode(in), Words.readTimeline(in),
                Words.readTimeline(in), in.optional(Words::readLsn), in.str(), in.i64(), in.str());
    }
}
