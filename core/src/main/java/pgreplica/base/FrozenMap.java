package pgreplica.base;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/**
 * A map in the natural order of its keys that cannot change, in one array: most of these hold an entry for each node,
 * and are read in every step. The C build's library has no unmodifiableSortedMap.
 */
public final class FrozenMap<K, V> extends AbstractMap<K, V> implements SortedMap<K, V> {
    private final Map.Entry<K, V>[] entries;

    private FrozenMap(Map.Entry<K, V>[] entries) {
        this.entries = entries;
    }

    /** A copy, unless the map is frozen already. */
    public static <K, V> SortedMap<K, V> of(SortedMap<K, V> map) {
        if (map instanceof FrozenMap<K, V>) return map;
        Map.Entry<K, V>[] entries = room(map.size());
        int n = 0;
        for (var entry : map.entrySet()) entries[n++] = new SimpleImmutableEntry<>(entry.getKey(), entry.getValue());
        return new FrozenMap<>(entries);
    }

    /** The same, but for one entry. */
    public static <K, V> SortedMap<K, V> with(SortedMap<K, V> map, K key, V value) {
        var before = ((FrozenMap<K, V>) of(map)).entries;
        int at = search(before, key);
        int tail = at >= 0 ? at + 1 : -at - 1;
        int head = at >= 0 ? at : tail;
        Map.Entry<K, V>[] after = room(before.length - tail + head + 1);
        System.arraycopy(before, 0, after, 0, head);
        after[head] = new SimpleImmutableEntry<>(key, value);
        System.arraycopy(before, tail, after, head + 1, before.length - tail);
        return new FrozenMap<>(after);
    }

    @SuppressWarnings("unchecked")
    private static <K, V> Map.Entry<K, V>[] room(int size) {
        return (Map.Entry<K, V>[]) new Map.Entry<?, ?>[size];
    }

    /** Where it is, or -(where it would be) - 1. */
    private static <K, V> int search(Map.Entry<K, V>[] entries, Object key) {
        for (int i = 0; i < entries.length; i++) {
            int order = compare(entries[i].getKey(), key);
            if (order == 0) return i;
            if (order > 0) return -i - 1;
        }
        return -entries.length - 1;
    }

    @SuppressWarnings("unchecked")
    static int compare(Object one, Object other) {
        return ((Comparable<Object>) one).compareTo(other);
    }

    @Override public Set<Map.Entry<K, V>> entrySet() {
        return new AbstractSet<>() {
            @Override public Iterator<Map.Entry<K, V>> iterator() {
                return new ArrayIterator<>(entries);
            }

            @Override public int size() {
                return entries.length;
            }
        };
    }

    @Override public int size() {
        return entries.length;
    }

    @Override public V get(Object key) {
        int at = search(entries, key);
        return at >= 0 ? entries[at].getValue() : null;
    }

    @Override public boolean containsKey(Object key) {
        return search(entries, key) >= 0;
    }

    @Override public Comparator<? super K> comparator() {
        return null;
    }

    @Override public K firstKey() {
        return ArrayIterator.first(entries).getKey();
    }

    @Override public K lastKey() {
        return ArrayIterator.last(entries).getKey();
    }

    @Override public SortedMap<K, V> subMap(K from, K to) {
        throw noViews();
    }

    @Override public SortedMap<K, V> headMap(K to) {
        throw noViews();
    }

    @Override public SortedMap<K, V> tailMap(K from) {
        throw noViews();
    }

    static UnsupportedOperationException noViews() {
        return new UnsupportedOperationException("a frozen collection has no views");
    }
}
