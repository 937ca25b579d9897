package pgreplica.base;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** A sorted map that cannot change. The C build's library has no unmodifiableSortedMap. */
public final class FrozenMap<K, V> extends AbstractMap<K, V> implements SortedMap<K, V> {
    private final TreeMap<K, V> entries;

    private FrozenMap(TreeMap<K, V> entries) {
        this.entries = entries;
    }

    /** A copy, unless the map is frozen already. */
    public static <K, V> SortedMap<K, V> of(SortedMap<K, V> map) {
        return map instanceof FrozenMap<K, V> ? map : new FrozenMap<>(new TreeMap<>(map));
    }

    @Override public Set<Map.Entry<K, V>> entrySet() {
        return new AbstractSet<>() {
            @Override public Iterator<Map.Entry<K, V>> iterator() {
                return frozen(entries.entrySet().iterator());
            }

            @Override public int size() {
                return entries.size();
            }
        };
    }

    private static <K, V> Iterator<Map.Entry<K, V>> frozen(Iterator<Map.Entry<K, V>> inner) {
        return new Iterator<>() {
            @Override public boolean hasNext() {
                return inner.hasNext();
            }

            @Override public Map.Entry<K, V> next() {
                return new AbstractMap.SimpleImmutableEntry<>(inner.next());
            }
        };
    }

    @Override public V get(Object key) {
        return entries.get(key);
    }

    @Override public boolean containsKey(Object key) {
        return entries.containsKey(key);
    }

    @Override public Comparator<? super K> comparator() {
        return entries.comparator();
    }

    @Override public K firstKey() {
        return entries.firstKey();
    }

    @Override public K lastKey() {
        return entries.lastKey();
    }

    @Override public SortedMap<K, V> subMap(K from, K to) {
        return FrozenMap.of(entries.subMap(from, to));
    }

    @Override public SortedMap<K, V> headMap(K to) {
        return FrozenMap.of(entries.headMap(to));
    }

    @Override public SortedMap<K, V> tailMap(K from) {
        return FrozenMap.of(entries.tailMap(from));
    }
}
