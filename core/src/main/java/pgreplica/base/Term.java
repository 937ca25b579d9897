package pgreplica.base;

import static pgreplica.base.Invariant.check;

/** Raft's logical clock (§5.1), and the fencing token. */
public record Term(long value) implements Comparable<Term> {
    public static final Term ZERO = new Term(0);

    public Term {
        check(value >= 0, "a term is not negative");
    }

    public Term next() {
        return new Term(value + 1);
    }

    public boolean isAfter(Term other) {
        return value > other.value;
    }

    @Override public int compareTo(Term other) {
        return Long.compare(value, other.value);
    }

    @Override public String toString() {
        return Long.toString(value);
    }
}
