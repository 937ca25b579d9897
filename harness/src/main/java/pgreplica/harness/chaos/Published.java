package pgreplica.harness.chaos;

import java.util.TreeMap;

import pgreplica.checker.Forks;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;

/** What the cluster says of the way its data came. */
final class Published {
    private Published() {}

    /**
     * Where each timeline on the way to the one in force was left, by the server's own history file; what
     * pg_replica.history() shows must be the same.
     */
    static Forks forks(Node primary) {
        int current = Integer.parseInt(primary.sql("select " + Lists.TIMELINE).single());
        var leftAt = new TreeMap<Integer, Long>();
        if (current == 1) return new Forks(current, leftAt);
        var file = primary.sql("select pg_read_file('pg_wal/" + String.format("%08X", current) + ".history')").single();
        for (var line : file.lines().toList()) {
            var fields = line.strip().split("\\s+");
            if (fields.length >= 2) leftAt.put(Integer.parseInt(fields[0]), position(fields[1]));
        }
        var published = primary.sql("select timeline, fork_lsn from pg_replica.history()").values();
        for (var row : published) {
            var before = leftAt.lowerKey(Integer.parseInt(row.get(0)));
            boolean onTheWay = Integer.parseInt(row.get(0)) == current || leftAt.containsKey(Integer.parseInt(row.get(0)));
            if (!onTheWay || before == null || row.get(1) == null) continue;
            if (leftAt.get(before) != position(row.get(1))) {
                throw new HarnessException("history() says that timeline " + row.get(0) + " began at " + row.get(1)
                        + ", the server says:\n" + file);
            }
        }
        return new Forks(current, leftAt);
    }

    private static long position(String lsn) {
        var halves = lsn.split("/");
        return Long.parseLong(halves[0], 16) << 32 | Long.parseLong(halves[1], 16);
    }
}
