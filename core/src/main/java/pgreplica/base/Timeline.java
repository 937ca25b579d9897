package pgreplica.base;

import static pgreplica.base.Invariant.check;

/** A Postgres timeline number; 0 says that none is known. */
public record Timeline(int number) implements Comparable<Timeline> {
    public static final Timeline NONE = new Timeline(0);

    public Timeline {
        check(number >= 0, "a timeline number is not negative");
    }

    public Timeline next() {
        return new Timeline(number + 1);
    }

    public boolean isAfter(Timeline other) {
        return number > other.number;
    }

    @Override public int compareTo(Timeline other) {
        return Integer.compare(number, other.number);
    }

    @Override public String toString() {
        return Integer.toString(number);
    }
}
