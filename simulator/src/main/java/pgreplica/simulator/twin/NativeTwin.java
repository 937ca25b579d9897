package pgreplica.simulator.twin;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The C build of one node, in a process of its own. Events go in at once, answers are fetched in their order. */
final class NativeTwin implements AutoCloseable {
    private static final int WANT_REPLY = 0x80000000;
    private static final int WANT_STATE = 0x40000000;

    /** The length of the actions, and the hash of everything that this process has answered. */
    record Answer(int length, long hash) {}

    private final Path complaints;
    private final Process process;
    private final DataOutputStream in;
    private final DataInputStream out;
    private final Fnv fnv = new Fnv();

    NativeTwin(Path program) throws IOException {
        complaints = program.resolveSibling(program.getFileName() + ".stderr");
        process = new ProcessBuilder(program.toString()).redirectError(complaints.toFile()).start();
        in = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
        out = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    /** Why this process refused an event, if it was the last one to refuse any. */
    String complaint() throws IOException {
        return Files.readString(complaints).strip();
    }

    void send(byte[] event, boolean wantsState) throws IOException {
        sendFlagged(event, wantsState ? WANT_STATE : 0);
    }

    /** A process that refused an event takes no more; why it did is known from its missing answer. */
    private void sendFlagged(byte[] event, int flag) throws IOException {
        try {
            in.writeInt(event.length | flag);
            in.write(event);
        } catch (IOException gone) {
            if (process.isAlive()) throw gone;
        }
    }

    void flush() throws IOException {
        try {
            in.flush();
        } catch (IOException gone) {
            if (process.isAlive() && !exitsSoon()) throw gone;
        }
    }

    /** Empty if the process ended instead. */
    Optional<Answer> answer() throws IOException {
        try {
            return Optional.of(new Answer(out.readInt(), out.readLong()));
        } catch (EOFException ended) {
            return Optional.empty();
        }
    }

    /** What the answer to the next event must be, if its actions are these. */
    Answer expect(byte[] reply) {
        fnv.addInt(reply.length);
        fnv.add(reply);
        return new Answer(reply.length, fnv.value());
    }

    long hash() {
        return fnv.value();
    }

    byte[] state() throws IOException {
        return bytes(out.readInt());
    }

    /** One event by itself, with the actions as bytes. */
    Optional<byte[]> replyTo(byte[] event) throws IOException {
        sendFlagged(event, WANT_REPLY);
        flush();
        var answer = answer();
        return answer.isEmpty() ? Optional.empty() : Optional.of(bytes(answer.get().length()));
    }

    private byte[] bytes(int length) throws IOException {
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
            return process.waitFor(60, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        }
    }

    @Override public void close() {
        process.destroyForcibly();
    }
}
