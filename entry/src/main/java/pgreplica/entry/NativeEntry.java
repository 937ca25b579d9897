package pgreplica.entry;

import java.util.Arrays;
import org.teavm.interop.Address;
import org.teavm.interop.Export;
import org.teavm.interop.Function;
import pgreplica.codec.Malformed;
import pgreplica.codec.Session;

/**
 * Where the host calls in: bytes in, bytes out. The core never calls back, and no exception leaves.
 * The C file pgr_core.c wraps these functions into those the host sees.
 */
public final class NativeEntry {
    static final int REPLY_TOO_LARGE = -1;
    static final int INVARIANT_BROKEN = -2;
    static final int STATE_CHANGED = -3;
    static final int MALFORMED_EVENT = -4;

    private static final Session SESSION = new Session();
    private static byte[] failure = new byte[0];

    private NativeEntry() {}

    /** Run once by pgr_core_init. A function that nothing asks for here would not be in the C build. */
    public static void main(String[] arguments) {
        Function.get(TransferFunction.class, NativeEntry.class, "step");
        Function.get(OutputFunction.class, NativeEntry.class, "state");
        Function.get(OutputFunction.class, NativeEntry.class, "failure");
        Function.get(CodeFunction.class, NativeEntry.class, "collect");
        Function.get(HeadroomFunction.class, NativeEntry.class, "headroom");
    }

    /** The shapes of the exported functions, which {@link Function#get} wants to know. */
    abstract static class TransferFunction extends Function {
        abstract int call(Address event, int eventLength, Address actions, int capacity);
    }

    abstract static class OutputFunction extends Function {
        abstract int call(Address out, int capacity);
    }

    abstract static class CodeFunction extends Function {
        abstract int call();
    }

    abstract static class HeadroomFunction extends Function {
        abstract long call();
    }

    /** Returns the length of the encoded actions, or one of the negative codes above. */
    @Export(name = "pgr_java_step")
    static int step(Address event, int eventLength, Address actions, int capacity) {
        try {
            return write(SESSION.step(read(event, eventLength)), actions, capacity);
        } catch (Malformed malformed) {
            return failed(MALFORMED_EVENT, malformed);
        } catch (Throwable broken) {
            // Uncaught, it would abort() the process, and Postgres answers an aborted
            // child by restarting every backend. Report instead; the host decides.
            return failed(INVARIANT_BROKEN, broken);
        }
    }

    @Export(name = "pgr_java_state")
    static int state(Address out, int capacity) {
        try {
            return write(SESSION.state(), out, capacity);
        } catch (Throwable broken) {
            return failed(INVARIANT_BROKEN, broken);
        }
    }

    /**
     * Collects garbage. Only called between two steps, when the state is all that matters: so the
     * state's encoding tells whether the collector has damaged anything that will ever be read.
     */
    @Export(name = "pgr_java_collect")
    static int collect() {
        try {
            var before = SESSION.state();
            System.gc();
            var after = SESSION.state();
            return Arrays.equals(before, after) ? 0 : failed(STATE_CHANGED,
                    new IllegalStateException("a collection changed the state: " + before.length
                            + " bytes before, " + after.length + " after"));
        } catch (Throwable broken) {
            return failed(INVARIANT_BROKEN, broken);
        }
    }

    /** Bytes that can still be allocated before a collection is forced. */
    @Export(name = "pgr_java_headroom")
    static long headroom() {
        return Runtime.getRuntime().freeMemory();
    }

    /** The text of the last failure, cut to the capacity. Allocates nothing. */
    @Export(name = "pgr_java_failure")
    static int failure(Address out, int capacity) {
        int length = Math.min(failure.length, capacity);
        for (int i = 0; i < length; i++) out.add(i).putByte(failure[i]);
        return length;
    }

    private static byte[] read(Address from, int length) {
        var bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = from.add(i).getByte();
        return bytes;
    }

    private static int write(byte[] bytes, Address to, int capacity) {
        if (bytes.length > capacity) {
            return failed(REPLY_TOO_LARGE, new IllegalStateException(
                    "a reply of " + bytes.length + " bytes does not fit in " + capacity));
        }
        for (int i = 0; i < bytes.length; i++) to.add(i).putByte(bytes[i]);
        return bytes.length;
    }

    private static int failed(int code, Throwable why) {
        failure = FailureText.of(why);
        return code;
    }
}
