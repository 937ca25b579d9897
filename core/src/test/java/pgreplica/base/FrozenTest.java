package pgreplica.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The frozen collections answer as the trees they were made of, and never change. */
final class FrozenTest {
    @Property
    void aMapIsTheTreeItWasMadeOf(@ForAll List<@IntRange(max = 20) Integer> keys, @ForAll @IntRange(max = 20) int asked) {
        var tree = new TreeMap<Integer, String>();
        for (int key : keys) tree.put(key, "value " + key);
        var frozen = FrozenMap.of(tree);

        assertThat(frozen).isEqualTo(tree).hasSize(tree.size());
        assertThat(List.copyOf(frozen.entrySet())).isEqualTo(List.copyOf(tree.entrySet()));
        assertThat(frozen.get(asked)).isEqualTo(tree.get(asked));
        assertThat(frozen.containsKey(asked)).isEqualTo(tree.containsKey(asked));
        if (!tree.isEmpty()) assertThat(List.of(frozen.firstKey(), frozen.lastKey())).containsExactly(tree.firstKey(), tree.lastKey());
    }

    @Property
    void anEntryIsReplacedOrFindsItsPlace(@ForAll List<@IntRange(max = 20) Integer> keys, @ForAll @IntRange(max = 20) int put) {
        var tree = new TreeMap<Integer, String>();
        for (int key : keys) tree.put(key, "value " + key);
        SortedMap<Integer, String> before = FrozenMap.of(tree);
        var kept = new TreeMap<>(before);
        var after = FrozenMap.with(before, put, "another");
        tree.put(put, "another");

        assertThat(List.copyOf(after.entrySet())).isEqualTo(List.copyOf(tree.entrySet()));
        assertThat(before).isEqualTo(kept);
    }

    @Property
    void aSetIsTheTreeItWasMadeOf(@ForAll List<@IntRange(max = 20) Integer> elements, @ForAll @IntRange(max = 20) int asked) {
        var tree = new TreeSet<>(elements);
        var frozen = FrozenSet.of(tree);

        assertThat(frozen).isEqualTo(tree);
        assertThat(List.copyOf(frozen)).isEqualTo(List.copyOf(tree));
        assertThat(frozen.contains(asked)).isEqualTo(tree.contains(asked));
        if (!tree.isEmpty()) assertThat(List.of(frozen.first(), frozen.last())).containsExactly(tree.first(), tree.last());

        var more = FrozenSet.with(frozen, asked);
        assertThat(frozen).isEqualTo(tree);
        tree.add(asked);
        assertThat(List.copyOf(more)).isEqualTo(List.copyOf(tree));
    }

    @Test
    void whatIsFrozenIsNotCopiedAndNotChanged() {
        var tree = new TreeMap<>(java.util.Map.of(1, "one"));
        SortedMap<Integer, String> map = FrozenMap.of(tree);
        SortedSet<Integer> set = FrozenSet.of(new TreeSet<>(tree.keySet()));
        tree.put(2, "two");

        assertThat(map).hasSize(1).isSameAs(FrozenMap.of(map));
        assertThat(set).hasSize(1).isSameAs(FrozenSet.of(set));
        assertThat(FrozenSet.<Integer>empty()).isEmpty();
        assertThatThrownBy(() -> map.put(2, "two")).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> map.remove(1)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> map.entrySet().iterator().next().setValue("two")).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> set.add(2)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> set.remove(1)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> map.headMap(1)).hasMessageContaining("no views");
        assertThatThrownBy(() -> set.tailSet(1)).hasMessageContaining("no views");
        assertThatThrownBy(() -> FrozenSet.empty().iterator().next()).isInstanceOf(NoSuchElementException.class);
    }
}
