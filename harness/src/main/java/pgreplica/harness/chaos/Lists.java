package pgreplica.harness.chaos;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

import pgreplica.checker.Contents;
import pgreplica.checker.Ids;
import pgreplica.harness.Blueprint;
import pgreplica.harness.Node;

/** The table of lists that the clients append to. */
final class Lists {
    /** WAL is written on this timeline; only of a primary. */
    static final String TIMELINE = "('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int";

    /** No unique index: it would hide what is there twice. */
    static final String TABLE = """
            create table appends (
                list     int not null,
                id       int not null,
                after    int not null,
                node     text not null default current_setting('cluster_name'),
                timeline int not null default %s);
            create index on appends (list, id);
            alter table appends owner to app""".formatted(TIMELINE);

    private Lists() {}

    /** {@code after} makes a list of the rows: each knows the last one that its transaction saw. */
    static String append(int list, int id) {
        return "insert into appends (list, id, after) select " + list + ", " + id
                + ", coalesce(max(id), 0) from appends where list = " + list;
    }

    static String appendAndTellPosition(int list, int id) {
        return append(list, id) + " returning pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    }

    static String holds(int list, int id) {
        return "select exists (select from appends where list = " + list + " and id = " + id + ")";
    }

    static String read(Collection<Integer> lists) {
        return "select list, string_agg(id::text, ',') from appends where list in ("
                + lists.stream().map(String::valueOf).collect(Collectors.joining(",")) + ") group by list";
    }

    static SortedMap<Integer, BitSet> idsOf(Node node, Collection<Integer> lists) {
        var found = new TreeMap<Integer, BitSet>();
        if (lists.isEmpty()) return found;
        for (var row : node.sql(Blueprint.APPLICATION, read(lists)).values()) {
            found.put(Integer.parseInt(row.get(0)), Ids.parse(row.get(1)));
        }
        return found;
    }

    static Contents contentsOf(Node node) {
        var rows = new ArrayList<Contents.Row>();
        for (var row : node.sql(Blueprint.APPLICATION, "select list, id, after, node, timeline from appends").values()) {
            rows.add(new Contents.Row(Integer.parseInt(row.get(0)), Integer.parseInt(row.get(1)),
                    Integer.parseInt(row.get(2)), row.get(3), Integer.parseInt(row.get(4))));
        }
        return new Contents(node.name(), rows);
    }
}
