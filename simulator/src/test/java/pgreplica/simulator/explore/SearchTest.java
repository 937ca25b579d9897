package pgreplica.simulator.explore;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pgreplica.node.SyncWish;
import pgreplica.simulator.explore.Search.Counterexample;

class SearchTest {
    private static Optional<Counterexample> search(Machine machine, Cluster first, Plan plan, int writes) {
        var bounds = new Bounds(plan.deviations(), 2, writes, 0, 1);
        var search = new Search(machine, bounds, plan, 1_000_000, 600, _ -> {});
        var found = search.from(first);
        assertThat(search.exhausted()).isTrue();
        return found;
    }

    /** P1 to P7: everything that one fault, one lost or one late message can do to three nodes. */
    @ParameterizedTest
    @EnumSource(Property.class)
    void oneDeviationBreaksNothing(Property property) {
        var machine = new Machine(3, property);
        var first = ExploreCommand.founded(machine);
        assertThat(search(machine, first, Plan.anything(1), property.writes)).isEmpty();
    }

    /** Without a quorum the last commits are lost with their primary (P4); a search that does not see it sees nothing. */
    @Test
    void aCommitThatNobodyConfirmedIsLost() {
        var machine = new Machine(3, Clock.NONE, SyncWish.OFF);
        var first = ExploreCommand.founded(machine);
        var found = search(machine, first, Plan.of(List.of("quietly-isolate:n1")), 1);
        assertThat(found).isPresent();
        assertThat(found.get().broken()).startsWith("P3");

        var story = new ArrayList<String>();
        Story.tell(machine, first, found.get(), story::add);
        assertThat(story).anyMatch(line -> line.contains("ACKNOWLEDGES")).last().asString().startsWith("FAILED P3");
    }

    /** Every directed search can be read, and says what it would find missing. */
    @Test
    void directedSearchesAreWellFormed() throws Exception {
        assertThat(Directed.all(java.nio.file.Path.of("..").resolve(Directed.FILE))).isNotEmpty();
    }
}
