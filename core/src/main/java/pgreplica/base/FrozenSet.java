package pgreplica.base;

import java.util.AbstractSet;
import java.util.Comparator;
import java.util.Iterator;
import java.util.SortedSet;
import java.util.TreeSet;

/** A sorted set that cannot change. The C build's library has no unmodifiableSortedSet. */
public final class FrozenSet<E> extends AbstractSet<E> implements SortedSet<E> {
    private final TreeSet<E> elements;

    private FrozenSet(TreeSet<E> elements) {
        this.elements = elements;
    }

    /** A copy, unless the set is frozen already. */
    public static <E> SortedSet<E> of(SortedSet<E> set) {
        return set instanceof FrozenSet<E> ? set : new FrozenSet<>(new TreeSet<>(set));
    }

    @Override public Iterator<E> iterator() {
        var inner = elements.iterator();
        return new Iterator<>() {
            @Override public boolean hasNext() {
                return inner.hasNext();
            }

            @Override public E next() {
                return inner.next();
            }
        };
    }

    @Override public int size() {
        return elements.size();
    }

    @Override public boolean contains(Object element) {
        return elements.contains(element);
    }

    @Override public Comparator<? super E> comparator() {
        return elements.comparator();
    }

    @Override public E first() {
        return elements.first();
    }

    @Override public E last() {
        return elements.last();
    }

    @Override public SortedSet<E> subSet(E from, E to) {
        return FrozenSet.of(elements.subSet(from, to));
    }

    @Override public SortedSet<E> headSet(E to) {
        return FrozenSet.of(elements.headSet(to));
    }

    @Override public SortedSet<E> tailSet(E from) {
        return FrozenSet.of(elements.tailSet(from));
    }
}
