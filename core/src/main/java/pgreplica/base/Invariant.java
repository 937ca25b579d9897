package pgreplica.base;

/** Checks that stay on in production: a wrong node must stop, not vote. */
public final class Invariant {
    private Invariant() {}

    public static void check(boolean holds, String rule) {
        if (!holds) throw new InvariantViolation(rule);
    }
}
