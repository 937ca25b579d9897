package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How long a group is without a leader that may serve, in quiet networks. Guards P11. */
class FailoverTimeTest {
    private static final long SECOND = 1_000_000;
    private static final int RUNS = 100;

    private record Times(List<Long> elected, List<Long> open) {
        Times sorted() {
            elected.sort(null);
            open.sort(null);
            return this;
        }

        private static long most(List<Long> times) {
            return times.get(times.size() - 1);
        }

        /** What 19 of 20 runs keep. */
        private static long mostly(List<Long> times) {
            return times.get(times.size() * 19 / 20);
        }
    }

    /** Milliseconds from what is done to the leader until another is elected, and until one may serve. */
    private static Times measure(int size, BiConsumer<World, Host> done) {
        var times = new Times(new ArrayList<>(), new ArrayList<>());
        for (int seed = 1; seed <= RUNS; seed++) {
            var world = new World(size, seed, Mutation.NONE);
            world.slowestMicros = 1_000;
            world.runUntil(6 * SECOND + seed * 7_000);
            var old = world.newestLeader().orElseThrow();
            var oldTerm = old.raft.term();
            long start = world.nowMicros;
            done.accept(world, old);
            Long elected = null;
            Long open = null;
            while (open == null && world.nowMicros < start + 10 * SECOND) {
                world.runUntil(world.nowMicros + 1_000);
                var leader = world.newestLeader();
                if (leader.isEmpty() || !leader.get().raft.term().isAfter(oldTerm)) continue;
                if (elected == null) elected = (world.nowMicros - start) / 1000;
                if (leader.get().isOpen(world.nowMicros)) open = (world.nowMicros - start) / 1000;
            }
            times.elected().add(elected);
            times.open().add(open);
        }
        return times.sorted();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void aSilentLeaderIsReplacedAfterTheElectionTimeout(int size) {
        var times = measure(size, World::killMachine);
        assertThat(Times.mostly(times.elected())).isLessThan(1500);
        assertThat(Times.most(times.open())).isLessThan(2500);
    }

    /** The others see its process end, so only the old lease has to be waited for. */
    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void aLeaderWhoseProcessIsGoneIsReplacedAtOnce(int size) {
        var times = measure(size, (world, old) -> {
            world.killMachine(old);
            for (var host : world.hosts.values()) world.tellGone(old.node, host);
        });
        assertThat(Times.mostly(times.elected())).isLessThan(300);
        assertThat(Times.mostly(times.open())).isLessThan(1000);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void aReleasedLeaseIsNotWaitedFor(int size) {
        var times = measure(size, (world, old) -> {
            var hosts = world.hosts;
            var target = hosts.firstEntry().getValue() == old ? hosts.lastEntry() : hosts.firstEntry();
            world.feed(old, new Input.Transfer(target.getValue().self, true));
        });
        assertThat(Times.mostly(times.open())).isLessThan(250);
    }

    /** B3: the worker alone ends, and its Postgres runs on. */
    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void aRestartedVoterAboveARunningPrimaryIsBackAtOnce(int size) {
        var times = measure(size, (world, old) -> {
            world.killVoter(old);
            world.after(5_000, () -> world.startVoter(old));
        });
        assertThat(Times.mostly(times.open())).isLessThan(250);
    }
}
