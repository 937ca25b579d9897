package pgreplica.base;

import java.util.AbstractSet;
import java.util.Comparator;
import java.util.Iterator;
import java.util.SortedSet;
import java.util.TreeSet;

/** A set in natural order that cannot change, in one array. The C build's library has no unmodifiableSortedSet. */
public final class FrozenSet<E> extends AbstractSet<E> implements SortedSet<E> {
    private static final SortedSet<?> EMPTY = new FrozenSet<>(new Object[0]);

    private final E[] elements;

    private FrozenSet(E[] elements) {
        this.elements = elements;
    }

    @SuppressWarnings("unchecked")
    public static <E> SortedSet<E> empty() {
        return (SortedSet<E>) EMPTY;
    }

    /** A copy, unless the set is frozen already. */
    @SuppressWarnings("unchecked")
    public static <E> SortedSet<E> of(SortedSet<E> set) {
        if (set instanceof FrozenSet<E>) return set;
        var elements = (E[]) new Object[set.size()];
        int n = 0;
        for (var element : set) elements[n++] = element;
        return new FrozenSet<>(elements);
    }

    /** The same, and one element more. */
    public static <E> SortedSet<E> with(SortedSet<E> set, E element) {
        var more = new TreeSet<>(set);
        more.add(element);
        return of(more);
    }

    @Override public Iterator<E> iterator() {
        return new ArrayIterator<>(elements);
    }

    @Override public int size() {
        return elements.length;
    }

    @Override public boolean contains(Object element) {
        for (var own : elements) {
            if (FrozenMap.compare(own, element) == 0) return true;
        }
        return false;
    }

    @Override public Comparator<? super E> comparator() {
        return null;
    }

    @Override public E first() {
        return ArrayIterator.first(elements);
    }

    @Override public E last() {
        return ArrayIterator.last(elements);
    }

    @Override public SortedSet<E> subSet(E from, E to) {
        throw FrozenMap.noViews();
    }

    @Override public SortedSet<E> headSet(E to) {
        throw FrozenMap.noViews();
    }

    @Override public SortedSet<E> tailSet(E from) {
        throw FrozenMap.noViews();
    }
}
