package pgreplica.simulator.twin;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The C build, running in a process of its own. Events go in at once, answers are fetched in their order. */
final class NativeTwin implements AutoCloseable {
    private static final int WANT_REPLY = 0x80000000;
    private static final int WANT_STATE = 0x40000000;

    /** What the C build answered to one event: the length of its actions, and the hash of everything so far. */
    record Answer(int length, long hash) {}

    private final Process process;
    private final DataOutputStream in;
    private final DataInputStream out;

    NativeTwin(Path program) throws IOException {
        process = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        in = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
        out = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    void send(byte[] event) throws IOException {
        send(event, 0);
    }

    void sendWantingState(byte[] event) throws IOException {
        send(event, WANT_STATE);
    }

    void sendWantingReply(byte[] event) throws IOException {
        send(event, WANT_REPLY);
    }

    private void send(byte[] event, int flag) throws IOException {
        in.writeInt(event.length | flag);
        in.write(event);
    }

    void flush() throws IOException {
        in.flush();
    }

    Answer answer() throws IOException {
        return new Answer(out.readInt(), out.readLong());
    }

    byte[] bytes(int length) throws IOException {
        var bytes = out.readNBytes(length);
        if (bytes.length < length) throw new EOFException("the C build ended inside an answer");
        return bytes;
    }

    byte[] state() throws IOException {
        return bytes(out.readInt());
    }

    /** How the process ended, once its input is closed. */
    String ending() throws IOException {
        try {
            in.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) return "it still runs";
            int status = process.exitValue();
            return status > 128 ? "killed by signal " + (status - 128) : "exit status " + status;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    @Override public void close() {
        process.destroyForcibly();
    }
}
