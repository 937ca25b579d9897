package pgreplica.codec;

/** A file of the state directory cannot be what this node wrote. It must not vote from it; a person decides. */
public final class DamagedState extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DamagedState(String file, String what) {
        super("file \"" + file + "\" of the state directory cannot be used: " + what
                + "; if it cannot be restored, empty the state directory and let the cluster readmit this node");
    }
}
