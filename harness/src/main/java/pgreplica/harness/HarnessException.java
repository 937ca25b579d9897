package pgreplica.harness;

/** Something outside went wrong: a command failed, a wait ran out, a node is in the wrong state for a verb. */
public final class HarnessException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public HarnessException(String message) {
        super(message);
    }

    public HarnessException(String message, Throwable cause) {
        super(message, cause);
    }
}
