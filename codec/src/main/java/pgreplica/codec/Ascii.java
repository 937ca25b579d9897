package pgreplica.codec;

/** The only characters that travel: the C build and the JVM agree on them, and no log line can be forged with them. */
final class Ascii {
    private Ascii() {}

    static boolean isPrintable(int character) {
        return character >= 0x20 && character < 0x7f;
    }
}
