package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pgreplica.base.InvariantViolation;

/** Whole groups under faults. A failure names its seed, which alone repeats it. */
class SimulationTest {
    private static final int SEEDS = Integer.getInteger("raft.seeds", 150);
    private static final long FIRST_SEED = Long.getLong("raft.firstSeed", 1);

    private static World play(int size, long seed, Mutation mutation) {
        var world = new World(size, seed, mutation);
        new Faults(world, seed, 30).run();
        return world;
    }

    /** P1, P2, and P11 after the last fault. */
    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void promisesHoldUnderFaults(int size) {
        var seen = new TreeMap<String, Integer>();
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            try {
                var world = play(size, seed, Mutation.NONE);
                world.keeper.seen().forEach((what, times) -> seen.merge(what, times, Integer::sum));
            } catch (Promisekeeper.Broken | InvariantViolation broken) {
                fail("seed " + seed + " with " + size + " nodes (repeat with -Draft.seeds=1 -Draft.firstSeed="
                        + seed + "): " + broken.getMessage(), broken);
            }
        }
        // A run in which nothing happens proves nothing.
        assertThat(seen.get("commits")).isGreaterThan(20 * SEEDS);
        assertThat(seen.get("leaders")).isGreaterThan(5 * SEEDS);
        assertThat(seen.get("openings")).isGreaterThan(3 * SEEDS);
        if (SEEDS < 20) return;
        assertThat(seen).containsKeys("changes of members", "images installed", "releases");
    }

    /** Negative controls: each broken rule must be noticed. */
    @ParameterizedTest
    @EnumSource(value = Mutation.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void brokenRulesAreNoticed(Mutation mutation) {
        for (long seed = 1; seed <= 3000; seed++) {
            try {
                play(seed % 2 == 0 ? 3 : 5, seed, mutation);
            } catch (Promisekeeper.Broken noticed) {
                if (noticed.getMessage().startsWith(mutation.promise)) return;
            } catch (InvariantViolation noticed) {
                // The voter saw it first and stopped, as it should. The checkers must see it without its help.
            }
        }
        fail(mutation + " was not noticed");
    }

    @Test
    void sameSeedGivesTheSameHistory() {
        var one = play(3, 42, Mutation.NONE);
        var other = play(3, 42, Mutation.NONE);
        one.hosts.forEach((node, host) -> {
            assertThat(other.hosts.get(node).raft).isEqualTo(host.raft);
            assertThat(other.hosts.get(node).raft.hashCode()).isEqualTo(host.raft.hashCode());
        });
    }
}
