package pgreplica.base;

/** Where a log ends: the pair that Raft's election restriction compares (§5.4.1). */
public record LogPosition(Term term, long index) implements Comparable<LogPosition> {
    public static final LogPosition START = new LogPosition(Term.ZERO, 0);

    @Override public int compareTo(LogPosition other) {
        int byTerm = term.compareTo(other.term);
        return byTerm != 0 ? byTerm : Long.compare(index, other.index);
    }

    @Override public String toString() {
        return term + "/" + index;
    }
}
