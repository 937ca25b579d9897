package pgreplica.codec;

/** A file in a format that only a later release knows. Nothing is damaged: with that release the node goes on. */
public final class NewerRelease extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private NewerRelease(String message) {
        super(message);
    }

    /** Formats of files begin with their version. An unknown one that is not newer is damage. */
    static void check(String file, int found, int known) {
        if (found > known) {
            throw new NewerRelease("file \"" + file + "\" has format " + found + ", this release of pg_replica reads "
                    + known + ": a newer release wrote it; install that release again");
        }
        if (found < known) throw new Malformed("it has format " + found + ", which no release wrote");
    }
}
