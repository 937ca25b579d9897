package pgreplica.codec;

/** Bytes that are not what they claim to be. The only way in which decoding fails, whatever the bytes. */
public final class Malformed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Malformed(String what) {
        super(what);
    }
}
