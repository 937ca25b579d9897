package pgreplica.simulator.twin;

import org.teavm.interop.Export;
import org.teavm.interop.Function;

/**
 * Does in C what damages TeaVM's heap unless our changes to the generated code are in place. Compiled
 * to C on its own, with and without each change, never part of the extension.
 */
public final class HeapProbe {
    private static final int LIVE = 2000;

    private HeapProbe() {}

    public static void main(String[] arguments) {
        Function.get(Probe.class, HeapProbe.class, "clones");
        Function.get(Probe.class, HeapProbe.class, "hashes");
        Function.get(Probe.class, HeapProbe.class, "spills");
    }

    abstract static class Probe extends Function {
        abstract int call(int rounds);
    }

    /** Copies small arrays among others that must keep their content; counts those that did not. */
    @Export(name = "pgr_probe_clones")
    static int clones(int rounds) {
        try {
            var live = new byte[LIVE][];
            for (int i = 0; i < LIVE; i++) live[i] = filled(i);
            int damaged = 0;
            for (int i = 0; i < rounds; i++) {
                int slot = (i * 7919 & 0x7fffffff) % LIVE;
                live[slot] = i % 3 == 0 ? filled(i) : live[slot].clone();
                damaged += isIntact(live[(i * 31 & 0x7fffffff) % LIVE]) ? 0 : 1;
            }
            return damaged;
        } catch (RuntimeException broken) {
            return -1;
        }
    }

    private static byte[] filled(int seed) {
        var bytes = new byte[8 + seed % 57];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (seed + i);
        return bytes;
    }

    private static boolean isIntact(byte[] bytes) {
        for (int i = 1; i < bytes.length; i++) {
            if ((byte) (bytes[i - 1] + 1) != bytes[i]) return false;
        }
        return true;
    }

    /**
     * Asks young objects for their identity hash while some of them stay alive. Hashes are counted up from
     * zero, and only one above eight million makes a size that reaches out of the collector's tables.
     */
    @Export(name = "pgr_probe_hashes")
    static int hashes(int rounds) {
        try {
            var live = new Object[LIVE];
            int sum = 0;
            for (int i = 0; i < rounds; i++) {
                var object = new int[1 + i % 13];
                sum += object.hashCode() & 1;
                live[(i * 7919 & 0x7fffffff) % LIVE] = object;
            }
            return sum >= 0 ? 0 : 1;
        } catch (RuntimeException broken) {
            return -1;
        }
    }

    /** Assigns to a variable inside a try and looks at it in the catch; counts where it was another. */
    @Export(name = "pgr_probe_spills")
    static int spills(int rounds) {
        try {
            int damaged = 0;
            for (int i = 0; i < rounds; i++) damaged += spill(filled(i), i);
            return damaged;
        } catch (RuntimeException broken) {
            return -1;
        }
    }

    private static int spill(byte[] first, int round) {
        var kept = first;
        try {
            kept = filled(round + 1);
            refuse(round);
            return 1;
        } catch (IllegalStateException refused) {
            return kept != first && kept[0] == (byte) (round + 1) && refused.getMessage().length() > 0 ? 0 : 1;
        }
    }

    private static void refuse(int round) {
        if (round >= 0) throw new IllegalStateException("refused " + round);
    }
}
