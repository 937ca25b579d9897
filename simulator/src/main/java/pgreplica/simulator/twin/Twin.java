package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The same events through the core on the JVM and through the core as C, compared byte for byte: the
 * actions after every event, the whole state after some.
 */
final class Twin {
    /** Some batches are on their way at a time; the answers to one must fit into a pipe. */
    private static final int BATCH = 1000;
    private static final int BATCHES_ON_THEIR_WAY = 4;
    private static final int PATIENCE_SECONDS = 300;
    private static final int SHOWN = 1000;

    /** Says that the builds differ, and where. */
    static final class Difference extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Difference(String what) {
            super(what);
        }
    }

    /** Told now and then how many events both builds have seen. */
    interface Progress {
        void reached(long steps);
    }

    private final Path program;
    private final Supplier<Iterator<Recorded>> events;

    Twin(Path program, Supplier<Iterator<Recorded>> events) {
        this.program = program;
        this.events = events;
    }

    /** An event that was sent to the C build, and what it must answer. */
    private record Expected(long index, Recorded event, NativeTwin from) {}

    /** Runs {@code steps} events and returns the hash of all that was answered. */
    long run(long steps, Progress progress) throws IOException {
        var source = events.get();
        var queue = new ArrayBlockingQueue<List<Expected>>(BATCHES_ON_THEIR_WAY);
        var checker = new Checker(queue, progress);
        var thread = Thread.ofPlatform().daemon().start(checker);
        var nodes = new TreeMap<Integer, NativeTwin>();
        try {
            for (long done = 0; done < steps && checker.failure.isEmpty(); done += BATCH) {
                put(queue, thread, send(nodes, source, done, (int) Math.min(BATCH, steps - done)));
            }
            put(queue, thread, List.of());
            thread.join();
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        } finally {
            nodes.values().forEach(NativeTwin::close);
        }
        if (checker.failure.isPresent()) throw new Difference(explain(checker.failure.get()));
        return checker.fnv.value();
    }

    /** A checker that has found a difference takes nothing any more. */
    private static void put(BlockingQueue<List<Expected>> queue, Thread checker, List<Expected> batch)
            throws InterruptedException {
        for (int waited = 0; checker.isAlive() && !queue.offer(batch, 1, TimeUnit.SECONDS); waited++) {
            if (waited == PATIENCE_SECONDS) throw new Difference("the C build has not answered for " + waited + " s");
        }
    }

    private List<Expected> send(TreeMap<Integer, NativeTwin> nodes, Iterator<Recorded> source, long first, int count)
            throws IOException {
        var batch = new ArrayList<Expected>(count);
        for (int i = 0; i < count; i++) {
            var event = source.next();
            if (event.begins()) {
                var before = nodes.put(event.node(), new NativeTwin(program));
                if (before != null) before.flush();
            }
            var twin = nodes.get(event.node());
            twin.send(event.event(), event.state().isPresent());
            batch.add(new Expected(first + i, event, twin));
        }
        for (var twin : nodes.values()) twin.flush();
        return batch;
    }

    /** What the checker found, and at which event. */
    private record Failure(long index, String what) {}

    /** Fetches the answers of the C build and compares them, while the JVM build works on the next batch. */
    private static final class Checker implements Runnable {
        private final BlockingQueue<List<Expected>> queue;
        private final Progress progress;
        private final Fnv fnv = new Fnv();
        private final TreeMap<Integer, NativeTwin> current = new TreeMap<>();
        private volatile Optional<Failure> failure = Optional.empty();

        Checker(BlockingQueue<List<Expected>> queue, Progress progress) {
            this.queue = queue;
            this.progress = progress;
        }

        @Override public void run() {
            long at = 0;
            try {
                for (var batch = queue.take(); !batch.isEmpty(); batch = queue.take()) {
                    for (var expected : batch) {
                        at = expected.index();
                        check(expected);
                    }
                    progress.reached(at + 1);
                }
                for (var twin : current.values()) endWell(twin);
            } catch (Difference | IOException different) {
                failure = Optional.of(new Failure(at, different.getMessage()));
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private void check(Expected expected) throws IOException {
            var twin = expected.from();
            var before = current.put(expected.event().node(), twin);
            if (before != null && before != twin) endWell(before);

            var answer = twin.answer();
            var reply = expected.event().reply();
            if (answer.isEmpty() != reply.isEmpty()) {
                throw new Difference(reply.isEmpty() ? "the JVM build refused the event, the C build did not"
                        : "the C build ended (" + twin.ending() + "), the JVM build went on");
            }
            if (reply.isEmpty()) {
                if (!twin.ending().equals("exit status 2")) throw new Difference("the C build ended: " + twin.ending());
                current.remove(expected.event().node());
                return;
            }
            if (!answer.get().equals(twin.expect(reply.get()))) throw new Difference("the replies differ");
            fnv.addInt((int) twin.hash());
            var state = expected.event().state();
            if (state.isPresent()) compareStates(state.get(), twin.state());
        }

        private static void compareStates(byte[] jvm, byte[] c) {
            if (!Arrays.equals(jvm, c)) throw new Difference("the states differ\n" + difference(jvm, c));
        }

        private static void endWell(NativeTwin twin) throws IOException {
            var ending = twin.ending();
            if (!ending.equals("exit status 0")) throw new Difference("the C build did not end well: " + ending);
        }
    }

    /** Runs both up to the event again, to show what each of them answers. */
    private String explain(Failure failure) throws IOException {
        var source = events.get();
        var nodes = new TreeMap<Integer, NativeTwin>();
        var head = failure.what() + "\nat event " + failure.index();
        try {
            for (long i = 0; ; i++) {
                var event = source.next();
                if (event.begins()) {
                    var before = nodes.put(event.node(), new NativeTwin(program));
                    if (before != null) before.close();
                }
                var twin = nodes.get(event.node());
                if (i == failure.index()) return head + " of n" + (event.node() + 1) + ": " + shown(event.event())
                        + "\n" + differenceAt(event, twin);
                twin.send(event.event(), false);
                twin.flush();
                twin.answer();
            }
        } catch (IOException lost) {
            return head + "\nand not seen again: " + lost.getMessage();
        } finally {
            nodes.values().forEach(NativeTwin::close);
        }
    }

    private static String differenceAt(Recorded event, NativeTwin twin) throws IOException {
        var reply = twin.replyTo(event.event());
        if (reply.isEmpty() || event.reply().isEmpty()) {
            return twin.complaint() + "\n" + "JVM " + event.reply().map(Twin::shown).orElse("refuses")
                    + "\nC   " + reply.map(Twin::shown).orElse("refuses");
        }
        return difference(event.reply().get(), reply.get());
    }

    private static String difference(byte[] jvm, byte[] c) {
        int at = Arrays.mismatch(jvm, c);
        return (at < 0 ? "the same bytes now" : "first at byte " + at) + "\nJVM " + shown(jvm) + "\nC   " + shown(c);
    }

    private static String shown(byte[] bytes) {
        var hex = HexFormat.of().formatHex(bytes);
        return bytes.length + " bytes " + (hex.length() <= SHOWN ? hex : hex.substring(0, SHOWN) + "...");
    }
}
