package pgreplica.simulator.explore;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Equal values become one object with a number, so that comparing and remembering whole clusters is cheap. */
final class Interner<T> {
    /** One of a kind: equal exactly if it is the same object. */
    static final class Unique<T> {
        final T value;
        final int number;

        private Unique(T value, int number) {
            this.value = value;
            this.number = number;
        }

        @Override public int hashCode() {
            return number * 0x9E3779B1;
        }

        @Override public boolean equals(Object other) {
            return this == other;
        }

        @Override public String toString() {
            return value.toString();
        }
    }

    /** A value with its hash, which may be dear to compute. */
    private record Hashed(Object value, int hash) {
        @Override public int hashCode() {
            return hash;
        }

        @Override public boolean equals(Object other) {
            return other instanceof Hashed(var theirs, var theirHash) && hash == theirHash && value.equals(theirs);
        }
    }

    private final Map<Hashed, Unique<T>> known = new HashMap<>();
    private final ToIntFunction<T> hash;

    Interner() {
        this(Object::hashCode);
    }

    Interner(ToIntFunction<T> hash) {
        this.hash = hash;
    }

    Unique<T> of(T value) {
        var key = new Hashed(value, hash.applyAsInt(value));
        var found = known.get(key);
        if (found != null) return found;
        var made = new Unique<>(value, known.size() + 1);
        known.put(key, made);
        return made;
    }

    int size() {
        return known.size();
    }
}
