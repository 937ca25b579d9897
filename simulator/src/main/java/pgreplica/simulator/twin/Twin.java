package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import pgreplica.entry.Machine;

/**
 * The same events through the core on the JVM and through the core as C, compared byte for byte: the
 * actions after every event, the whole state after every batch.
 */
final class Twin {
    /** Two batches are on their way at a time; their answers must fit into a pipe. */
    private static final int BATCH = 1000;
    private static final int SHOWN = 4000;

    /** Says that the builds differ, and how to see it again. */
    static final class Difference extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Difference(String what) {
            super(what);
        }
    }

    private final Path program;
    private final Supplier<Machine> machines;
    private final Supplier<Iterator<byte[]>> events;

    Twin(Path program, Supplier<Machine> machines, Supplier<Iterator<byte[]>> events) {
        this.program = program;
        this.machines = machines;
        this.events = events;
    }

    /** A batch that the JVM build has run already. */
    private record Batch(long first, List<byte[]> events, int[] lengths, long[] hashes, byte[] state) {}

    /** Runs {@code steps} events and returns the hash of all that was answered. */
    long run(long steps, Progress progress) throws IOException {
        var source = events.get();
        var machine = machines.get();
        var fnv = new Fnv();
        try (var c = new NativeTwin(program)) {
            Batch inFlight = null;
            for (long done = 0; done < steps; done += BATCH) {
                int count = (int) Math.min(BATCH, steps - done);
                var taken = take(source, count);
                send(c, done, taken);
                var batch = runOnJvm(machine, fnv, done, taken);
                if (inFlight != null) compare(c, inFlight);
                inFlight = batch;
                progress.reached(done + count);
            }
            if (inFlight != null) compare(c, inFlight);
            var ending = c.ending();
            if (!ending.equals("exit status 0")) throw new Difference("the C build did not end well: " + ending);
        }
        return fnv.value();
    }

    /** Told now and then how many events both builds have seen. */
    interface Progress {
        void reached(long steps);
    }

    private static List<byte[]> take(Iterator<byte[]> source, int count) {
        var taken = new ArrayList<byte[]>(count);
        while (taken.size() < count) taken.add(source.next());
        return taken;
    }

    private void send(NativeTwin c, long first, List<byte[]> batch) throws IOException {
        try {
            for (int i = 0; i < batch.size() - 1; i++) c.send(batch.get(i));
            c.sendWantingState(batch.getLast());
            c.flush();
        } catch (IOException broken) {
            throw new Difference("the C build ended at or before event " + (first + batch.size()) + ": " + c.ending());
        }
    }

    private static Batch runOnJvm(Machine machine, Fnv fnv, long first, List<byte[]> events) {
        var lengths = new int[events.size()];
        var hashes = new long[events.size()];
        for (int i = 0; i < lengths.length; i++) {
            var reply = machine.step(events.get(i));
            fnv.addInt(reply.length);
            fnv.add(reply);
            lengths[i] = reply.length;
            hashes[i] = fnv.value();
        }
        return new Batch(first, events, lengths, hashes, machine.state());
    }

    private void compare(NativeTwin c, Batch batch) throws IOException {
        for (int i = 0; i < batch.lengths().length; i++) {
            NativeTwin.Answer answer;
            try {
                answer = c.answer();
            } catch (IOException ended) {
                throw new Difference("the C build ended at event " + (batch.first() + i) + " ("
                        + HexFormat.of().formatHex(batch.events().get(i)) + "): " + c.ending());
            }
            if (answer.length() != batch.lengths()[i] || answer.hash() != batch.hashes()[i]) {
                throw new Difference(describe(batch.first() + i));
            }
        }
        var state = c.state();
        if (!Arrays.equals(state, batch.state())) {
            throw new Difference("the states differ after event " + (batch.first() + batch.lengths().length - 1)
                    + " though every reply was the same\n" + difference(batch.state(), state));
        }
    }

    /** Runs both up to the event again, to show what each of them answers. */
    private String describe(long index) throws IOException {
        var source = events.get();
        var machine = machines.get();
        try (var c = new NativeTwin(program)) {
            for (long i = 0; i < index; i++) {
                var event = source.next();
                machine.step(event);
                c.send(event);
                c.flush();
                c.answer();
            }
            var event = source.next();
            c.sendWantingReply(event);
            c.flush();
            var fromC = c.bytes(c.answer().length());
            return "the replies differ at event " + index + " " + HexFormat.of().formatHex(event) + "\n"
                    + difference(machine.step(event), fromC);
        }
    }

    private static String difference(byte[] jvm, byte[] c) {
        int at = Arrays.mismatch(jvm, c);
        return "first at byte " + at + "\nJVM " + shown(jvm) + "\nC   " + shown(c);
    }

    private static String shown(byte[] bytes) {
        var hex = HexFormat.of().formatHex(bytes);
        return bytes.length + " bytes " + (hex.length() <= SHOWN ? hex : hex.substring(0, SHOWN) + "...");
    }
}
