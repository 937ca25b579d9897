package pgreplica.simulator.twin;

/** Says that the builds differ, and where. */
final class Difference extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Difference(String what) {
        super(what);
    }
}
