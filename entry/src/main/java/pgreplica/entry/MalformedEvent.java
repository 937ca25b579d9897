package pgreplica.entry;

/** The host sent bytes that are no event. Its encoder and the core's decoder disagree. */
public final class MalformedEvent extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public MalformedEvent(String what) {
        super("malformed event: " + what);
    }
}
