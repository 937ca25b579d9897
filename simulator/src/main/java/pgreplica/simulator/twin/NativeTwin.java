package pgreplica.simulator.twin;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The C build of the core, in a process of its own. Events go in at once, answers are fetched in their order. */
final class NativeTwin implements AutoCloseable {
    private static final int WANT_STATE = 0x40000000;
    private static final int WANT_BYTES = 0x80000000;
    private static final int PATIENCE_SECONDS = 60;

    /**
     * @param code the length of the actions, or what the core refused the event with
     * @param hash of everything that this process has answered
     */
    record Answer(int code, long hash) {}

    /** The actions, then the state if it was asked for. Empty after a refusal. */
    record Bytes(byte[] reply, byte[] state) {}

    private final Process process;
    private final DataOutputStream in;
    private final DataInputStream out;

    NativeTwin(Path program) throws IOException {
        process = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        in = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
        out = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    /** A process that refused an event takes no more, and says so when it is asked for its answers. */
    void send(byte[] event, boolean hashesState) throws IOException {
        write(event, hashesState ? WANT_STATE : 0);
    }

    private void write(byte[] event, int flags) throws IOException {
        try {
            in.writeInt(event.length | flags);
            in.write(event);
        } catch (IOException gone) {
            if (process.isAlive() && !exitsSoon()) throw gone;
        }
    }

    void flush() throws IOException {
        try {
            in.flush();
        } catch (IOException gone) {
            if (process.isAlive() && !exitsSoon()) throw gone;
        }
    }

    Answer answer() throws IOException {
        try {
            return new Answer(out.readInt(), out.readLong());
        } catch (EOFException ended) {
            throw new Difference("the C build ended instead of answering: " + ending());
        }
    }

    /** One event by itself, answered with all bytes. */
    Bytes bytesAfter(byte[] event) throws IOException {
        write(event, WANT_STATE | WANT_BYTES);
        flush();
        int code = answer().code();
        return code < 0 ? new Bytes(new byte[0], new byte[0]) : new Bytes(bytes(), bytes());
    }

    private byte[] bytes() throws IOException {
        int length = out.readInt();
        var bytes = out.readNBytes(length);
        if (bytes.length < length) throw new EOFException("the C build ended inside an answer");
        return bytes;
    }

    /** How the process ended, once its input is closed. */
    String ending() throws IOException {
        try {
            in.close();
        } catch (IOException gone) {
            // It ended before it had read everything; its exit status says how.
        }
        if (!exitsSoon()) return "it still runs";
        int status = process.exitValue();
        return status > 128 ? "killed by signal " + (status - 128) : "exit status " + status;
    }

    private boolean exitsSoon() throws IOException {
        try {
            return process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        }
    }

    @Override public void close() {
        process.destroyForcibly();
    }
}
