package pgreplica.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShrinkingTest {
    private static final Set<Integer> MANY = IntStream.rangeClosed(1, 100).boxed().collect(Collectors.toCollection(TreeSet::new));

    @Test void onlyWhatIsNeededIsLeft() {
        var needed = Set.of(7, 23, 24, 99);
        assertThat(Shrinking.of(MANY, faults -> faults.containsAll(needed))).isEqualTo(needed);
    }

    @Test void whatNeedsNoFaultIsLeftWithNone() {
        assertThat(Shrinking.of(MANY, faults -> true)).isEmpty();
    }

    /** Otherwise what was left out would change what is left. */
    @Test void aFaultIsTheSameWithoutTheOthers() {
        var all = faultsOf(Optional.empty());
        assertThat(all).hasSizeGreaterThan(3);
        int third = Integer.parseInt(all.get(2).replaceAll("(?s).*FAULT (\\d+).*", "$1"));
        assertThat(faultsOf(Optional.of(Set.of(third)))).first().isEqualTo(all.get(2));
    }

    /** The first round's, each with the line that follows it. */
    private static ArrayList<String> faultsOf(Optional<Set<Integer>> only) {
        var found = new ArrayList<String>();
        boolean[] after = {false};
        new Run(5, only, true, line -> {
            if (after[0]) found.set(found.size() - 1, found.getLast() + "\n" + withoutTime(line));
            after[0] = line.contains("FAULT 1");
            if (after[0]) found.add(withoutTime(line));
        }).go();
        return found;
    }

    private static String withoutTime(String line) {
        return line.replaceFirst("^\\s*[\\d.]+\\s+", "");
    }
}
