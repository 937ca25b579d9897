package pgreplica.base;

/** A WAL byte position. Unsigned, and shown the way Postgres shows it. */
public record Lsn(long value) implements Comparable<Lsn> {
    public static final Lsn ZERO = new Lsn(0);
    private static final String DIGITS = "0123456789ABCDEF";

    public boolean isAfter(Lsn other) {
        return compareTo(other) > 0;
    }

    public Lsn max(Lsn other) {
        return isAfter(other) ? this : other;
    }

    /** Bytes from {@code earlier} to here; negative if this position is the earlier one. */
    public long bytesAfter(Lsn earlier) {
        return value - earlier.value;
    }

    @Override public int compareTo(Lsn other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override public String toString() {
        return hex((int) (value >>> 32)) + "/" + hex((int) value);
    }

    private static String hex(int number) {
        var text = new StringBuilder();
        int rest = number;
        do {
            text.append(DIGITS.charAt(rest & 15));
            rest = rest >>> 4;
        } while (rest != 0);
        return text.reverse().toString();
    }
}
