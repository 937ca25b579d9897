package pgreplica.base;

/** A rule that must hold does not. Never caught inside the core: the worker ends and starts again from disk. */
public final class InvariantViolation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InvariantViolation(String rule) {
        super("broken invariant: " + rule);
    }
}
