package pgreplica.simulator.twin;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A hash over everything answered so far, as twin.c computes it. Each step maps the hash one to one for a given word,
 * and different words to different hashes: one different word is never lost by what follows it.
 */
final class RunningHash {
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private long value = 0xcbf29ce484222325L;

    long value() {
        return value;
    }

    void add(long word) {
        long mixed = (value ^ word) * 0x9e3779b97f4a7c15L;
        value = mixed ^ mixed >>> 29;
    }

    /** The length, the words, and the last bytes filled up with zeros. */
    void add(byte[] bytes) {
        add(bytes.length);
        int at = 0;
        for (; at + 8 <= bytes.length; at += 8) add((long) WORD.get(bytes, at));
        if (at == bytes.length) return;
        long rest = 0;
        for (int shift = 0; at < bytes.length; at++, shift += 8) rest |= (bytes[at] & 0xffL) << shift;
        add(rest);
    }
}
