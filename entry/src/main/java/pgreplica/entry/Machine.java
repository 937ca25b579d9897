package pgreplica.entry;

/** What stands behind the exported functions: one event in, the actions out, as bytes both ways. */
public interface Machine {
    /** The encoded actions of one encoded event. Throws {@link MalformedEvent} before anything has changed. */
    byte[] step(byte[] event);

    /** The canonical encoding of the state: equal states give equal bytes, in both builds. */
    byte[] state();
}
