package pgreplica.codec;

import pgreplica.base.InvariantViolation;
import pgreplica.node.Collation;
import pgreplica.node.Event;
import pgreplica.node.Settings;
import pgreplica.node.Settings.ListedNode;
import pgreplica.node.SyncWish;

/** The events of docs/host-border.md. */
public final class HostEventCodec {
    private static final int MOST_NODES = 64;
    private static final int MOST_FILES = 1000;
    private static final int MOST_ARGUMENTS = 100;

    private HostEventCodec() {}

    public static HostEvent.Timed decode(byte[] bytes) {
        try {
            var in = ByteReader.withLenientText(bytes);
            int tag = in.u8();
            long nowMillis = in.notNegative();
            var event = readEvent(in, tag);
            in.finish();
            return new HostEvent.Timed(nowMillis, event);
        } catch (InvariantViolation impossible) {
            // The records refuse what cannot be, whoever makes them; here that says that the bytes are wrong.
            throw new Malformed(impossible.getMessage());
        }
    }

    private static HostEvent readEvent(ByteReader in, int tag) {
        return switch (tag) {
            case 1 -> readStart(in);
            case 3 -> new HostEvent.MessageReceived(Words.readNode(in), in.bytes());
            default -> new HostEvent.Plain(readPlain(in, tag));
        };
    }

    private static Event readPlain(ByteReader in, int tag) {
        return switch (tag) {
            case 2 -> new Event.TimePassed();
            case 4 -> new Event.PeerConnected(Words.readNode(in));
            case 5 -> new Event.PeerLost(Words.readNode(in), readProcessGone(in));
            case 6 -> new Event.Observed(InstanceCodec.readObservation(in));
            case 7 -> new Event.Sealed(Words.readTerm(in), in.bool(), InstanceCodec.readObservation(in));
            case 8 -> new Event.TaskDone(taskOf(in.u8()), in.bool(), in.str());
            case 9 -> new Event.Requested(in.i64(), in.str(), in.list(MOST_ARGUMENTS, ByteReader::str));
            case 10 -> new Event.WorkProgress(workOf(in.u8()), in.str(), in.i64(), in.i64());
            case 11 -> new Event.Configured(readSync(in), in.bool());
            default -> throw new Malformed("unknown event " + tag);
        };
    }

    private static HostEvent.Start readStart(ByteReader in) {
        var self = Words.readNode(in);
        long seed = in.i64();
        int process = in.u8();
        if (process != 1 && process != 2) throw new Malformed("unknown process " + process);
        var listed = in.list(MOST_NODES, HostEventCodec::readListed);
        if (listed.isEmpty()) throw new Malformed("a start without nodes");
        int electionTimeoutMillis = in.number();
        int priority = in.u32();
        int graceMillis = in.number();
        long maxLagBytes = in.i64();
        var sync = readSync(in);
        boolean witness = in.bool();
        var version = in.str();
        var collation = readCollation(in);
        var files = in.list(MOST_FILES, HostEventCodec::readFile);
        long wallClockOffsetMillis = in.i64();
        return new HostEvent.Start(new Settings(self, listed, electionTimeoutMillis, priority, graceMillis,
                maxLagBytes, sync, witness, version, collation, process == 2, wallClockOffsetMillis), seed, files);
    }

    static Collation readCollation(ByteReader in) {
        return new Collation(in.str(), in.bool());
    }

    static void writeCollation(ByteWriter out, Collation collation) {
        out.str(collation.versions());
        out.bool(collation.mismatchAllowed());
    }

    private static SyncWish readSync(ByteReader in) {
        int mode = in.u8();
        return new SyncWish(switch (mode) {
            case 0 -> SyncWish.Mode.OFF;
            case 1 -> SyncWish.Mode.QUORUM;
            case 2 -> SyncWish.Mode.QUORUM_AVAILABLE;
            default -> throw new Malformed("unknown sync mode " + mode);
        }, in.number());
    }

    static void writeSync(ByteWriter out, SyncWish sync) {
        out.u8(switch (sync.mode()) {
            case OFF -> 0;
            case QUORUM -> 1;
            case QUORUM_AVAILABLE -> 2;
        });
        out.u32(sync.standbys());
    }

    private static ListedNode readListed(ByteReader in) {
        return new ListedNode(Words.readNode(in), in.str(), in.number(), in.number());
    }

    private static HostEvent.File readFile(ByteReader in) {
        return new HostEvent.File(in.str(), in.bytes());
    }

    private static boolean readProcessGone(ByteReader in) {
        int how = in.u8();
        if (how != 1 && how != 2) throw new Malformed("unknown way to lose a peer " + how);
        return how == 2;
    }

    private static Event.Task taskOf(int number) {
        return switch (number) {
            case 1 -> Event.Task.CHECKPOINT;
            case 2 -> Event.Task.SLOTS;
            case 3 -> Event.Task.PROMOTE;
            case 4 -> Event.Task.RESTART;
            case 5 -> Event.Task.IDENTITY;
            case 6 -> Event.Task.SYNC;
            default -> throw new Malformed("unknown task " + number);
        };
    }

    private static int taskNumber(Event.Task task) {
        return switch (task) {
            case CHECKPOINT -> 1;
            case SLOTS -> 2;
            case PROMOTE -> 3;
            case RESTART -> 4;
            case IDENTITY -> 5;
            case SYNC -> 6;
        };
    }

    static Event.Work workOf(int number) {
        return switch (number) {
            case 0 -> Event.Work.NONE;
            case 1 -> Event.Work.REWIND;
            case 2 -> Event.Work.CLONE;
            default -> throw new Malformed("unknown work " + number);
        };
    }

    static int workNumber(Event.Work work) {
        return switch (work) {
            case NONE -> 0;
            case REWIND -> 1;
            case CLONE -> 2;
        };
    }

    /** What the host would have sent: for the simulator and the tests. */
    public static byte[] encode(HostEvent.Timed timed) {
        var out = new ByteWriter();
        out.u8(tagOf(timed.event()));
        out.i64(timed.nowMillis());
        switch (timed.event()) {
            case HostEvent.Start start -> writeStart(out, start);
            case HostEvent.MessageReceived(var from, var payload) -> {
                Words.writeNode(out, from);
                out.bytes(payload);
            }
            case HostEvent.Plain(var event) -> writePlain(out, event);
        }
        return out.toBytes();
    }

    private static int tagOf(HostEvent event) {
        return switch (event) {
            case HostEvent.Start _ -> 1;
            case HostEvent.MessageReceived _ -> 3;
            case HostEvent.Plain(var plain) -> switch (plain) {
                case Event.TimePassed _ -> 2;
                case Event.MessageReceived _ ->
                        throw new IllegalArgumentException("a message crosses the border as bytes");
                case Event.PeerConnected _ -> 4;
                case Event.PeerLost _ -> 5;
                case Event.Observed _ -> 6;
                case Event.Sealed _ -> 7;
                case Event.TaskDone _ -> 8;
                case Event.Requested _ -> 9;
                case Event.WorkProgress _ -> 10;
                case Event.Configured _ -> 11;
            };
        };
    }

    private static void writeStart(ByteWriter out, HostEvent.Start start) {
        var settings = start.settings();
        Words.writeNode(out, settings.self());
        out.i64(start.seed());
        out.u8(settings.preStart() ? 2 : 1);
        out.list(settings.listed(), HostEventCodec::writeListed);
        out.u32(settings.electionTimeoutMillis());
        out.u32(settings.priority());
        out.u32(settings.crashRestartGraceMillis());
        out.i64(settings.maxFailoverLagBytes());
        writeSync(out, settings.sync());
        out.bool(settings.witness());
        out.str(settings.version());
        writeCollation(out, settings.collation());
        out.list(start.files(), HostEventCodec::writeFile);
        out.i64(settings.wallClockOffsetMillis());
    }

    private static void writeListed(ByteWriter out, ListedNode node) {
        Words.writeNode(out, node.node());
        out.str(node.host());
        out.u32(node.port());
        out.u32(node.raftPort());
    }

    private static void writeFile(ByteWriter out, HostEvent.File file) {
        out.str(file.name());
        out.bytes(file.content());
    }

    private static void writePlain(ByteWriter out, Event event) {
        switch (event) {
            case Event.TimePassed _, Event.MessageReceived _ -> {} // the first has no fields, the second is refused
            case Event.PeerConnected(var node) -> Words.writeNode(out, node);
            case Event.PeerLost(var node, var processGone) -> {
                Words.writeNode(out, node);
                out.u8(processGone ? 2 : 1);
            }
            case Event.Observed(var observation) -> InstanceCodec.writeObservation(out, observation);
            case Event.Sealed(var term, var closed, var observation) -> {
                Words.writeTerm(out, term);
                out.bool(closed);
                InstanceCodec.writeObservation(out, observation);
            }
            case Event.TaskDone(var task, var ok, var detail) -> {
                out.u8(taskNumber(task));
                out.bool(ok);
                out.str(detail);
            }
            case Event.Requested(var id, var verb, var arguments) -> {
                out.i64(id);
                out.str(verb);
                out.list(arguments, ByteWriter::str);
            }
            case Event.WorkProgress(var work, var phase, var doneBytes, var totalBytes) -> {
                out.u8(workNumber(work));
                out.str(phase);
                out.i64(doneBytes);
                out.i64(totalBytes);
            }
            case Event.Configured(var sync, var mismatchAllowed) -> {
                writeSync(out, sync);
                out.bool(mismatchAllowed);
            }
        }
    }
}
