package pgreplica.checker;

import java.util.BitSet;
import java.util.StringJoiner;

/** Sets of ids as text: 1-57,59. */
public final class Ids {
    private Ids() {}

    public static String text(BitSet ids) {
        var ranges = new StringJoiner(",");
        for (int first = ids.nextSetBit(0); first >= 0; ) {
            int end = ids.nextClearBit(first);
            ranges.add(end == first + 1 ? String.valueOf(first) : first + "-" + (end - 1));
            first = ids.nextSetBit(end);
        }
        return ranges.toString();
    }

    public static BitSet parse(String text) {
        var ids = new BitSet();
        for (var range : text.split(",")) {
            if (range.isEmpty()) continue;
            var ends = range.split("-");
            ids.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
        }
        return ids;
    }

    /** What is in {@code wanted} and not in {@code present}. */
    static BitSet missing(BitSet wanted, BitSet present) {
        var missing = (BitSet) wanted.clone();
        missing.andNot(present);
        return missing;
    }
}
