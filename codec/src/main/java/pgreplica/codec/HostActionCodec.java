package pgreplica.codec;

import java.util.List;
import pgreplica.base.InvariantViolation;
import pgreplica.node.Action;
import pgreplica.node.Action.Level;
import pgreplica.node.Action.Slot;
import pgreplica.node.Action.Table;

/** The actions of docs/host-border.md. */
public final class HostActionCodec {
    private static final int MOST_ACTIONS = 100_000;
    private static final int MOST_SLOTS = 1000;
    private static final int MOST_CELLS = 100_000;

    private HostActionCodec() {}

    public static byte[] encode(List<HostAction> actions) {
        var out = new ByteWriter(1024);
        out.list(actions, HostActionCodec::write);
        return out.toBytes();
    }

    private static void write(ByteWriter out, HostAction action) {
        switch (action) {
            case HostAction.StoreReplace(var name, var content) -> {
                out.u8(1);
                out.str(name);
                out.bytes(content);
            }
            case HostAction.StoreAppend(var name, var offset, var content) -> {
                out.u8(2);
                out.str(name);
                out.i64(offset);
                out.bytes(content);
            }
            case HostAction.StoreLater(var name, var content) -> {
                out.u8(7);
                out.str(name);
                out.bytes(content);
            }
            case HostAction.Send(var to, var payload) -> {
                out.u8(3);
                Words.writeNode(out, to);
                out.bytes(payload);
            }
            case HostAction.Plain(var plain) -> writePlain(out, plain);
        }
    }

    private static void writePlain(ByteWriter out, Action action) {
        switch (action) {
            case Action.PersistBallot _, Action.PersistEntries _, Action.PersistLog _, Action.PersistInstance _,
                    Action.NoteFloor _, Action.Send _ -> throw new IllegalArgumentException("files and messages cross as bytes");
            case Action.SetLease lease -> {
                out.u8(4);
                out.i64(lease.untilMillis());
                Words.writeTerm(out, lease.term());
                out.str(lease.why());
                out.bool(lease.quorum());
            }
            case Action.Seal(var term) -> {
                out.u8(5);
                Words.writeTerm(out, term);
            }
            case Action.Follow follow -> writeFollow(out, follow);
            case Action.Promote(var timeline) -> {
                out.u8(8);
                Words.writeTimeline(out, timeline);
            }
            case Action.Restart restart -> writeRestart(out, restart);
            case Action.Checkpoint() -> out.u8(10);
            case Action.EnsureSlots(var slots) -> {
                out.u8(11);
                out.list(slots, HostActionCodec::writeSlot);
            }
            case Action.Publish(var page, var tables) -> {
                out.u8(12);
                out.u8(page == Action.Page.MOVING ? 1 : 2);
                out.list(tables, HostActionCodec::writeTable);
            }
            case Action.Reply reply -> {
                out.u8(13);
                out.i64(reply.requestId());
                out.bool(reply.ok());
                out.str(reply.text());
            }
            case Action.Log(var level, var text) -> {
                out.u8(14);
                out.u8(levelNumber(level));
                out.str(text);
            }
            case Action.WakeAt(var atMillis) -> {
                out.u8(15);
                out.i64(atMillis);
            }
            case Action.AllowReplication(var names) -> {
                out.u8(16);
                out.list(names, ByteWriter::str);
            }
            case Action.WriteIdentity(var identity) -> {
                out.u8(17);
                out.bytes(InstanceCodec.identityBytes(identity));
            }
            case Action.SetSync(var setting) -> {
                out.u8(18);
                out.str(setting);
            }
            case Action.AllowReads(var allowed) -> {
                out.u8(19);
                out.bool(allowed);
            }
            case Action.FlushWal() -> out.u8(20);
        }
    }

    private static void writeFollow(ByteWriter out, Action.Follow follow) {
        out.u8(6);
        Words.writeNode(out, follow.upstream());
        Words.writeTimeline(out, follow.timeline());
        Words.writeTerm(out, follow.term());
        out.str(follow.applicationName());
        out.str(follow.slot());
    }

    private static void writeRestart(ByteWriter out, Action.Restart restart) {
        out.u8(9);
        out.u8(restart.immediate() ? 2 : 1);
        out.u8(HostEventCodec.workNumber(restart.work()));
        out.str(restart.source());
        out.bytes(InstanceCodec.identityBytes(restart.identity()));
        out.str(restart.why());
    }

    private static void writeSlot(ByteWriter out, Slot slot) {
        out.str(slot.name());
        Words.writeLsn(out, slot.restart());
    }

    private static void writeTable(ByteWriter out, Table table) {
        out.str(table.name());
        out.list(table.columns(), ByteWriter::str);
        out.list(table.rows(), HostActionCodec::writeRow);
    }

    private static void writeRow(ByteWriter out, List<String> row) {
        out.list(row, ByteWriter::str);
    }

    private static int levelNumber(Level level) {
        return switch (level) {
            case LOG -> 1;
            case WARNING -> 2;
            case DEBUG -> 3;
        };
    }

    /** What the host reads: for the simulator and the tests. */
    public static List<HostAction> decode(byte[] bytes) {
        try {
            var in = new ByteReader(bytes);
            var actions = in.list(MOST_ACTIONS, HostActionCodec::read);
            in.finish();
            return actions;
        } catch (InvariantViolation impossible) {
            throw new Malformed(impossible.getMessage());
        }
    }

    private static HostAction read(ByteReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 1 -> new HostAction.StoreReplace(in.str(), in.bytes());
            case 2 -> new HostAction.StoreAppend(in.str(), in.notNegative(), in.bytes());
            case 3 -> new HostAction.Send(Words.readNode(in), in.bytes());
            case 7 -> new HostAction.StoreLater(in.str(), in.bytes());
            default -> new HostAction.Plain(readPlain(in, tag));
        };
    }

    private static Action readPlain(ByteReader in, int tag) {
        return switch (tag) {
            case 4 -> new Action.SetLease(in.i64(), Words.readTerm(in), in.str(), in.bool());
            case 5 -> new Action.Seal(Words.readTerm(in));
            case 6 -> new Action.Follow(Words.readNode(in), Words.readTimeline(in), Words.readTerm(in), in.str(),
                    in.str());
            case 8 -> new Action.Promote(Words.readTimeline(in));
            case 9 -> new Action.Restart(readImmediate(in), HostEventCodec.workOf(in.u8()), in.str(),
                    InstanceCodec.identityOf(in.bytes()), in.str());
            case 10 -> new Action.Checkpoint();
            case 11 -> new Action.EnsureSlots(in.list(MOST_SLOTS, HostActionCodec::readSlot));
            case 12 -> new Action.Publish(pageOf(in.u8()), in.list(MOST_CELLS, HostActionCodec::readTable));
            case 13 -> new Action.Reply(in.i64(), in.bool(), in.str());
            case 14 -> new Action.Log(levelOf(in.u8()), in.str());
            case 15 -> new Action.WakeAt(in.i64());
            case 16 -> new Action.AllowReplication(in.list(MOST_CELLS, ByteReader::str));
            case 17 -> new Action.WriteIdentity(InstanceCodec.identityOf(in.bytes()));
            case 18 -> new Action.SetSync(in.str());
            case 19 -> new Action.AllowReads(in.bool());
            case 20 -> new Action.FlushWal();
            default -> throw new Malformed("unknown action " + tag);
        };
    }

    private static boolean readImmediate(ByteReader in) {
        int mode = in.u8();
        if (mode != 1 && mode != 2) throw new Malformed("unknown restart mode " + mode);
        return mode == 2;
    }

    private static Slot readSlot(ByteReader in) {
        return new Slot(in.str(), Words.readLsn(in));
    }

    private static Table readTable(ByteReader in) {
        return new Table(in.str(), in.list(MOST_CELLS, ByteReader::str),
                in.list(MOST_CELLS, HostActionCodec::readRow));
    }

    private static List<String> readRow(ByteReader in) {
        return in.list(MOST_CELLS, ByteReader::str);
    }

    private static Action.Page pageOf(int number) {
        return switch (number) {
            case 1 -> Action.Page.MOVING;
            case 2 -> Action.Page.SETTLED;
            default -> throw new Malformed("unknown page " + number);
        };
    }

    private static Level levelOf(int number) {
        return switch (number) {
            case 1 -> Level.LOG;
            case 2 -> Level.WARNING;
            case 3 -> Level.DEBUG;
            default -> throw new Malformed("unknown log level " + number);
        };
    }
}
