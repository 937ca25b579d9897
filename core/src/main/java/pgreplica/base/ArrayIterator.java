package pgreplica.base;

import java.util.Iterator;
import java.util.NoSuchElementException;

/** Reads an array that nobody changes. */
final class ArrayIterator<T> implements Iterator<T> {
    private final T[] array;
    private int at;

    ArrayIterator(T[] array) {
        this.array = array;
    }

    static <T> T first(T[] array) {
        return new ArrayIterator<>(array).next();
    }

    static <T> T last(T[] array) {
        if (array.length == 0) throw new NoSuchElementException();
        return array[array.length - 1];
    }

    @Override public boolean hasNext() {
        return at < array.length;
    }

    @Override public T next() {
        if (at >= array.length) throw new NoSuchElementException();
        return array[at++];
    }
}
