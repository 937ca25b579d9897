package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import pgreplica.codec.Malformed;
import pgreplica.codec.Session;
import pgreplica.simulator.RecordedEvents;

/**
 * One stream of events through both builds: the JVM build here, the C build in a process beside it. The process
 * lives on when a node's life ends, which the JVM build does not: a start must make both forget everything.
 */
final class Lane implements Runnable, AutoCloseable {
    /** One batch is under way while the next is made; the answers to both must fit into a pipe. */
    private static final int BATCH = 1000;
    private static final int STEPS_BETWEEN_STATES = 250;
    private static final String NOT_ALONE = "alone, its life gives the same bytes in both builds: the heap of the C"
            + " build held something before";
    private static final int INVARIANT_BROKEN = -2;
    private static final int MALFORMED_EVENT = -4;

    /** What the C build must answer to the event, and in which life it came. */
    private record Expected(int code, long hash, Life life, int indexInLife) {}

    private final Path program;
    private final RoughEvents source;
    private final long steps;
    private volatile long compared;
    private volatile String failure = "";

    private Life life = new Life();
    private volatile NativeTwin twin;
    private RunningHash hash = new RunningHash();
    private final RunningHash all = new RunningHash();
    private long made;
    private long refused;

    Lane(Path program, long seed, long steps) throws IOException {
        this.program = program;
        this.steps = steps;
        source = new RoughEvents(new RecordedEvents(seed), seed);
        twin = new NativeTwin(program);
    }

    long compared() {
        return compared;
    }

    /** Empty while both builds do the same. */
    String failure() {
        return failure;
    }

    /** Of all that was answered, once the lane has ended. */
    long hash() {
        return all.value();
    }

    long refused() {
        return refused;
    }

    @Override public void run() {
        try {
            var underWay = List.<Expected>of();
            while (compared + underWay.size() < steps) {
                if (life.isRefused()) {
                    check(underWay);
                    underWay = List.of();
                    renew();
                }
                var next = send((int) Math.min(BATCH, steps - compared - underWay.size()));
                check(underWay);
                underWay = next;
            }
            check(underWay);
            if (!life.isRefused()) endWell();
        } catch (Difference | IOException different) {
            failure = different.getMessage();
        } catch (RuntimeException | Error broken) {
            failure = "the JVM build ended at event " + made + " of the lane: " + broken;
            broken.printStackTrace();
        }
    }

    /** Sends events until the batch is full or one of them was refused. */
    private List<Expected> send(int count) throws IOException {
        var batch = new ArrayList<Expected>(count);
        while (batch.size() < count && !life.isRefused()) {
            var event = life.isEmpty() ? source.nextStart() : source.next();
            if (RoughEvents.isStart(event) && !life.isEmpty()) life = new Life();
            made++;
            boolean hashesState = made % STEPS_BETWEEN_STATES == 0 || made == steps;
            twin.send(event, hashesState);
            batch.add(step(event, hashesState));
        }
        twin.flush();
        return batch;
    }

    private Expected step(byte[] event, boolean hashesState) {
        int index = life.add(event);
        int code;
        try {
            var reply = life.session().step(event);
            code = reply.length;
            hash.add(reply);
            if (hashesState) hash.add(life.session().state());
        } catch (RuntimeException refusal) {
            code = refusal instanceof Malformed ? MALFORMED_EVENT : INVARIANT_BROKEN;
            hash.add(code);
            life.refuse();
            refused++;
        }
        return new Expected(code, hash.value(), life, index);
    }

    private void check(List<Expected> batch) throws IOException {
        for (int i = 0; i < batch.size(); i++) {
            var expected = batch.get(i);
            var answer = answerOrWhere(batch.subList(i, batch.size()));
            if (answer.code() != expected.code() || answer.hash() != expected.hash()) {
                throw new Difference("the builds differ at event " + compared + " of the lane, event "
                        + expected.indexInLife() + " since a start\n"
                        + expected.life().firstDifference(program, expected.indexInLife()).orElse(NOT_ALONE));
            }
            all.add(expected.hash());
            compared++;
        }
    }

    /** A C build that crashes takes its last answers with it, so any event under way may be the one. */
    private NativeTwin.Answer answerOrWhere(List<Expected> unanswered) throws IOException {
        try {
            return twin.answer();
        } catch (Difference ended) {
            var lives = new LinkedHashSet<Life>();
            for (var expected : unanswered) lives.add(expected.life());
            lives.add(life);
            var found = Optional.<String>empty();
            for (var one : lives) found = found.isPresent() ? found : one.firstDifference(program, one.size() - 1);
            throw new Difference(ended.getMessage() + ", event " + compared + " of the lane or one soon after it\n"
                    + found.orElse(NOT_ALONE));
        }
    }

    /** The C build ends itself after it refused an event, as a worker does. */
    private void renew() throws IOException {
        var ending = twin.ending();
        if (!ending.equals("exit status 2")) throw new Difference("after a refusal the C build ended: " + ending);
        twin = new NativeTwin(program);
        hash = new RunningHash();
        life = new Life();
    }

    private void endWell() throws IOException {
        var ending = twin.ending();
        if (!ending.equals("exit status 0")) throw new Difference("the C build did not end well: " + ending);
    }

    @Override public void close() {
        twin.close();
    }
}
