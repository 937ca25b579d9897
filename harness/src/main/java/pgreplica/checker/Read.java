package pgreplica.checker;

import java.util.BitSet;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What one reader saw of some lists; a list that it asked for and that was empty is there, and empty. {@code ofPrimary}:
 * the server said after the read that it accepts writes. What a fenced server or a standby shows promises nothing.
 */
public record Read(String reader, String node, boolean ofPrimary, long beganNanos, long endedNanos,
        SortedMap<Integer, BitSet> lists) {

    String line() {
        var seen = lists.entrySet().stream().map(list -> list.getKey() + "=" + Ids.text(list.getValue()))
                .collect(Collectors.joining(";"));
        return String.join(" ", "read", reader, node, ofPrimary ? "primary" : "fenced", String.valueOf(beganNanos),
                String.valueOf(endedNanos), seen);
    }

    static Read parse(String[] fields) {
        var lists = new TreeMap<Integer, BitSet>();
        for (var list : fields[6].split(";")) {
            var parts = list.split("=", 2);
            lists.put(Integer.parseInt(parts[0]), Ids.parse(parts[1]));
        }
        return new Read(fields[1], fields[2], fields[3].equals("primary"), Long.parseLong(fields[4]),
                Long.parseLong(fields[5]), lists);
    }
}
