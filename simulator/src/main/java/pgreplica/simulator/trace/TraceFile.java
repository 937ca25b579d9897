package pgreplica.simulator.trace;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What one core was told and what it answered: the bytes of the border, as extension/src/trace.c writes them. A mark
 * and a version, then records of {@code u8 kind, u32 length, bytes}. A crash of the host may cut the last one short.
 */
public final class TraceFile {
    private static final byte[] MARK = "PGRTRACE".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int LARGEST = 16 * 1024 * 1024;

    /** The order is the file's numbering. */
    public enum Kind {
        /** For people: which build, which node. */
        REMARK,
        EVENT,
        /** The answer to the event before it. */
        ACTIONS,
        /** Instead of an answer: the host's words for why there is none. */
        REFUSAL,
        /** The encoding of the state at this point. */
        STATE
    }

    public record Entry(Kind kind, byte[] bytes) {
        public String text() {
            return new String(bytes, StandardCharsets.US_ASCII);
        }
    }

    private TraceFile() {}

    public static List<Entry> read(Path file) throws IOException {
        var entries = new ArrayList<Entry>();
        // A worker that was killed in its first second had written nothing yet.
        if (Files.size(file) == 0) return entries;
        try (var in = new DataInputStream(Files.newInputStream(file))) {
            var mark = in.readNBytes(MARK.length);
            if (!java.util.Arrays.equals(mark, MARK)) throw new IOException(file + " is not a trace of pg_replica");
            int version = in.readInt();
            if (version != VERSION) throw new IOException(file + " has version " + version + ", not " + VERSION);
            while (true) entries.add(next(in, file));
        } catch (EOFException end) {
            return entries;
        }
    }

    private static Entry next(DataInputStream in, Path file) throws IOException {
        int kind = in.readUnsignedByte();
        int length = in.readInt();
        if (kind >= Kind.values().length || length < 0 || length > LARGEST) {
            throw new IOException(file + " holds a record of kind " + kind + " and length " + length);
        }
        var bytes = in.readNBytes(length);
        if (bytes.length < length) throw new EOFException();
        return new Entry(Kind.values()[kind], bytes);
    }

    /** Writes such a file. */
    public static final class Writer implements AutoCloseable {
        private final DataOutputStream out;

        public Writer(OutputStream to) throws IOException {
            out = new DataOutputStream(to);
            out.write(MARK);
            out.writeInt(VERSION);
        }

        public void write(Kind kind, byte[] bytes) throws IOException {
            out.writeByte(kind.ordinal());
            out.writeInt(bytes.length);
            out.write(bytes);
        }

        @Override public void close() throws IOException {
            out.close();
        }
    }
}
