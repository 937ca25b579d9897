package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The same events through the core on the JVM and through the core as C, compared byte for byte: the actions after
 * every event, the whole state after some and after the last. No event comes twice.
 */
final class Twin {
    /** Their number decides which events there are, so it is not asked of the machine. */
    private static final int LANES = 2;
    /** Each lane has this many simulated clusters to itself. */
    private static final long SEEDS_OF_A_LANE = 1L << 24;
    private static final int PATIENCE_SECONDS = 300;

    /** Told now and then how many events were compared. */
    interface Progress {
        void reached(long steps);
    }

    /** @param refused how many events both builds refused */
    record Result(long hash, long refused) {}

    private final Path program;
    private final long seed;

    Twin(Path program, long seed) {
        this.program = program;
        this.seed = seed;
    }

    Result run(long steps, Progress progress) throws IOException {
        var lanes = new ArrayList<Lane>();
        var threads = new ArrayList<Thread>();
        try {
            for (int i = 0; i < LANES; i++) {
                long share = steps / LANES + (i < steps % LANES ? 1 : 0);
                var lane = new Lane(program, (seed * LANES + i) * SEEDS_OF_A_LANE, share);
                lanes.add(lane);
                threads.add(Thread.ofPlatform().daemon().name("lane " + i).start(lane));
            }
            watch(lanes, threads, progress);
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        } finally {
            lanes.forEach(Lane::close);
        }
        var all = new RunningHash();
        long refused = 0;
        for (var lane : lanes) {
            all.add(lane.hash());
            refused += lane.refused();
        }
        return new Result(all.value(), refused);
    }

    /** Returns when all lanes have ended well. */
    private static void watch(List<Lane> lanes, List<Thread> threads, Progress progress) throws InterruptedException {
        long before = -1;
        for (int stalled = 0; threads.stream().anyMatch(Thread::isAlive); stalled++) {
            for (var thread : threads) thread.join(1000 / LANES);
            check(lanes);
            long compared = lanes.stream().mapToLong(Lane::compared).sum();
            if (compared != before) stalled = 0;
            if (stalled == PATIENCE_SECONDS) throw new Difference("nothing was compared for " + stalled + " s");
            before = compared;
            progress.reached(compared);
        }
        check(lanes);
    }

    private static void check(List<Lane> lanes) {
        for (int i = 0; i < lanes.size(); i++) {
            if (!lanes.get(i).failure().isEmpty()) throw new Difference("lane " + i + ": " + lanes.get(i).failure());
        }
    }
}
