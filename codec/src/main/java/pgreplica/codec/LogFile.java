package pgreplica.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.InvariantViolation;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;

/**
 * The Raft log on disk: a head with the image of what was compacted, then one batch per append. Each append is
 * durable before the next one starts, so only the last batch can be torn by a crash; it was never acted on and is cut
 * off. A broken batch with a later one behind it is damage, and the file is refused.
 *
 * <p>A batch is {@code u32 MARK, u32 number, u32 length, u32 checksum of these three, u32 checksum of the body} and
 * the body, a list of entries. Batches are only ever added at the end; to drop entries the file is replaced.
 */
final class LogFile {
    static final String NAME = "log";
    private static final int VERSION = 1;
    private static final int HEAD_MARK = 0x7067724C;
    private static final int BATCH_MARK = 0x70677262;
    private static final int BATCH_HEAD = 20;

    private LogFile() {}

    /**
     * What the disk holds.
     *
     * @param length where the next batch goes
     * @param batches how many batches there are
     * @param torn a broken last batch was found and left out
     */
    record Stored(Log log, int length, int batches, boolean torn) {}

    static byte[] whole(Log log) {
        var out = new ByteWriter(1024);
        out.u32(HEAD_MARK);
        out.u8(VERSION);
        out.u32(0);
        int imageStart = out.length();
        RaftCodec.writeImage(out, log.base());
        out.u32At(imageStart - 4, out.length() - imageStart);
        out.seal();
        if (!log.entries().isEmpty()) writeBatch(out, 1, log.entries());
        return out.toBytes();
    }

    static int batchesOfWhole(Log log) {
        return log.entries().isEmpty() ? 0 : 1;
    }

    static byte[] batch(int number, List<Entry> entries) {
        var out = new ByteWriter(256);
        writeBatch(out, number, entries);
        return out.toBytes();
    }

    private static void writeBatch(ByteWriter out, int number, List<Entry> entries) {
        int start = out.length();
        out.u32(BATCH_MARK);
        out.u32(number);
        out.u32(0);
        out.u32(0);
        out.u32(0);
        int bodyStart = out.length();
        out.list(entries, RaftCodec::writeEntry);
        int bodySum = out.checksumFrom(bodyStart);
        out.u32At(start + 8, out.length() - bodyStart);
        out.u32At(start + 12, headSum(number, out.length() - bodyStart));
        out.u32At(start + 16, bodySum);
    }

    private static int headSum(int number, int length) {
        var head = new ByteWriter(16);
        head.u32(BATCH_MARK);
        head.u32(number);
        head.u32(length);
        return head.checksumFrom(0);
    }

    static Stored read(byte[] content) {
        try {
            var in = new ByteReader(content);
            var empty = readHead(in);
            var entries = new ArrayList<Entry>();
            int batches = 0;
            int length = in.position();
            while (in.remaining() > 0) {
                var more = readBatch(in, batches + 1);
                if (more.isEmpty()) {
                    refuseIfMoreFollows(content, length, batches + 1);
                    return new Stored(new Log(empty.base(), entries), length, batches, true);
                }
                entries.addAll(more.get());
                batches++;
                length = in.position();
            }
            return new Stored(new Log(empty.base(), entries), length, batches, false);
        } catch (Malformed | InvariantViolation damaged) {
            throw new DamagedState(NAME, damaged.getMessage());
        }
    }

    private static Log readHead(ByteReader in) {
        if (in.u32() != HEAD_MARK) throw new Malformed("it is not a log of pg_replica");
        int version = in.u8();
        var image = in.part(in.number());
        in.checkSeal();
        // Every format has this head, so that damage is told from a later release.
        NewerRelease.check(NAME, version, VERSION);
        var base = RaftCodec.readImage(image);
        image.finish();
        return new Log(base, List.of());
    }

    /** The entries of the next batch; empty if it is torn. */
    private static Optional<List<Entry>> readBatch(ByteReader in, int number) {
        if (in.remaining() < BATCH_HEAD) return Optional.empty();
        int mark = in.u32();
        int found = in.u32();
        int length = in.u32();
        int headSum = in.u32();
        int bodySum = in.u32();
        if (mark != BATCH_MARK || found != number || headSum != headSum(number, length)) return Optional.empty();
        if (length < 0 || length > in.remaining() || in.checksum(length) != bodySum) return Optional.empty();
        var body = in.part(length);
        var entries = body.list(RaftCodec.MOST_ENTRIES, RaftCodec::readEntry);
        body.finish();
        return Optional.of(entries);
    }

    /** A later batch proves that the broken one was durable once: it is not a torn write. */
    private static void refuseIfMoreFollows(byte[] content, int brokenAt, int number) {
        for (int at = brokenAt + 1; at + BATCH_HEAD <= content.length; at++) {
            if (content[at] != (byte) (BATCH_MARK >>> 24)) continue;
            var in = new ByteReader(content).skip(at);
            if (in.u32() != BATCH_MARK) continue;
            int later = in.u32();
            int length = in.u32();
            if (later > number && in.u32() == headSum(later, length)) {
                throw new Malformed("batch " + number + " at byte " + brokenAt + " is broken, but batch " + later
                        + " follows it at byte " + at);
            }
        }
    }
}
