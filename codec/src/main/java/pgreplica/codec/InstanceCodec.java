package pgreplica.codec;

import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.DataRecord;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.Observation.Receiver;
import pgreplica.instance.WalReport;

/** What is known of a node's own Postgres. */
final class InstanceCodec {
    private static final int IDENTITY_VERSION = 1;
    private static final int MOST_TIMELINES = 1000;
    private static final int MOST_SLOTS = 10_000;
    private static final int MOST_RECEIVERS = 10_000;

    private InstanceCodec() {}

    static void writeObservation(ByteWriter out, Observation seen) {
        out.u8(phaseNumber(seen.phase()));
        out.i64(seen.systemIdentifier());
        Words.writeTimeline(out, seen.timeline());
        Words.writeLsn(out, seen.replayed());
        Words.writeLsn(out, seen.flushed());
        out.bool(seen.endOfWalProven());
        out.bool(seen.streaming());
        out.str(seen.upstream());
        Words.writeTimeline(out, seen.parentTimeline());
        Words.writeLsn(out, seen.fork());
        out.bool(seen.checkpointOnTimeline());
        out.bool(seen.pristine());
        out.u32(flagBits(seen.flags()));
        out.bytes(identityBytes(seen.identity()));
        out.list(seen.slots(), ByteWriter::str);
        out.list(seen.receivers(), InstanceCodec::writeReceiver);
        Words.writeLsn(out, seen.oldest());
        out.str(seen.syncSetting());
    }

    static Observation readObservation(ByteReader in) {
        return new Observation(phaseOf(in.u8()), in.i64(), Words.readTimeline(in), Words.readLsn(in),
                Words.readLsn(in), in.bool(), in.bool(), in.str(), Words.readTimeline(in), Words.readLsn(in),
                in.bool(), in.bool(), flagsOf(in.u32()), identityOf(in.bytes()),
                in.list(MOST_SLOTS, ByteReader::str), in.list(MOST_RECEIVERS, InstanceCodec::readReceiver),
                Words.readLsn(in), in.str());
    }

    private static void writeReceiver(ByteWriter out, Receiver receiver) {
        out.str(receiver.applicationName());
        Words.writeLsn(out, receiver.flushed());
    }

    private static Receiver readReceiver(ByteReader in) {
        return new Receiver(in.str(), Words.readLsn(in));
    }

    static int phaseNumber(Phase phase) {
        return switch (phase) {
            case DOWN -> 0;
            case STARTING -> 1;
            case STANDBY -> 2;
            case PRIMARY -> 3;
            case STOPPING -> 4;
            case CRASH_RECOVERY -> 5;
        };
    }

    static Phase phaseOf(int number) {
        return switch (number) {
            case 0 -> Phase.DOWN;
            case 1 -> Phase.STARTING;
            case 2 -> Phase.STANDBY;
            case 3 -> Phase.PRIMARY;
            case 4 -> Phase.STOPPING;
            case 5 -> Phase.CRASH_RECOVERY;
            default -> throw new Malformed("unknown phase " + number);
        };
    }

    private static int flagBits(Flags flags) {
        return (flags.backupLabel() ? 1 : 0) | (flags.minimumRecoveryPending() ? 2 : 0)
                | (flags.fsyncOff() ? 4 : 0) | (flags.workUnfinished() ? 8 : 0) | (flags.probeFailed() ? 16 : 0)
                | (flags.noNewSessions() ? 32 : 0);
    }

    private static Flags flagsOf(int bits) {
        if ((bits & ~63) != 0) throw new Malformed("unknown observation flags");
        return new Flags((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0,
                (bits & 32) != 0);
    }

    /** The content of the data directory's identity file; nothing for a directory that says nothing. */
    static byte[] identityBytes(DataIdentity identity) {
        if (identity.equals(DataIdentity.NONE)) return new byte[0];
        var out = new ByteWriter(64);
        out.u8(IDENTITY_VERSION);
        writeIdentity(out, identity);
        return out.seal().toBytes();
    }

    /** A file that cannot be read says nothing either: the data is then not known to be ours. */
    static DataIdentity identityOf(byte[] content) {
        if (content.length == 0) return DataIdentity.NONE;
        try {
            var in = ByteReader.sealed(content);
            NewerRelease.check("pg_replica.identity", in.u8(), IDENTITY_VERSION);
            var identity = readIdentity(in);
            return in.remaining() == 0 ? identity : DataIdentity.NONE;
        } catch (Malformed unreadable) {
            return DataIdentity.NONE;
        }
    }

    static void writeIdentity(ByteWriter out, DataIdentity identity) {
        out.str(identity.clusterId());
        out.i64(identity.incarnation());
    }

    static DataIdentity readIdentity(ByteReader in) {
        return new DataIdentity(in.str(), in.i64());
    }

    static void writeReport(ByteWriter out, WalReport report) {
        out.str(report.voidReason());
        out.i64(report.incarnation());
        Words.writeTimeline(out, report.timeline());
        Words.writeLsn(out, report.end());
        out.bool(report.endProven());
        out.bool(report.primary());
    }

    static WalReport readReport(ByteReader in) {
        return new WalReport(in.str(), in.i64(), Words.readTimeline(in), Words.readLsn(in), in.bool(), in.bool());
    }

    static void writeRecord(ByteWriter out, InstanceRecord record) {
        writeData(out, record.data());
        out.optional(record.former(), InstanceCodec::writeData);
    }

    static InstanceRecord readRecord(ByteReader in) {
        return new InstanceRecord(readData(in), in.optional(InstanceCodec::readData));
    }

    private static void writeData(ByteWriter out, DataRecord data) {
        writeIdentity(out, data.identity());
        out.list(data.explained(), Words::writeTimeline);
        Words.writeTimeline(out, data.floorTimeline());
        Words.writeLsn(out, data.floor());
    }

    private static DataRecord readData(ByteReader in) {
        return new DataRecord(readIdentity(in), in.<Timeline>set(MOST_TIMELINES, Words::readTimeline),
                Words.readTimeline(in), Words.readLsn(in));
    }
}
