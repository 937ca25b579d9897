package pgreplica.base;

/** A small generator with the same sequence on every platform; its state travels with the node's state. */
public record Xorshift(long state) {
    public static Xorshift of(long seed) {
        long mixed = seed * 0x9E3779B97F4A7C15L + 0x632BE59BD9B4E019L;
        return new Xorshift(mixed == 0 ? 1 : mixed).next();
    }

    public Xorshift next() {
        long x = state;
        x ^= x << 13;
        x ^= x >>> 7;
        x ^= x << 17;
        return new Xorshift(x);
    }

    /** A number in [0, bound). */
    public int below(int bound) {
        return (int) Division.remainder(state >>> 1, bound);
    }
}
