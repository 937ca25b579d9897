package pgreplica.harness;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/** The table that writers write to: one row per commit. */
public final class Ledger {
    /** Who wrote a row: the node's name, taken from the setting that no rewind or clone changes. */
    static final String TABLE = """
            create table if not exists ledger (
                connection bigint not null,
                id         bigint not null,
                node       text not null default current_setting('cluster_name'),
                primary key (connection, id));
            alter table ledger owner to app""";

    private Ledger() {}

    static String insert(long connection, long id) {
        return "insert into ledger (connection, id) values (" + connection + ", " + id + ")";
    }

    /** The acknowledged rows that this node does not have. */
    public static List<Acknowledgement> missing(List<Acknowledgement> acknowledged, Node node) {
        var present = new HashSet<String>();
        for (var row : node.sql(Blueprint.APPLICATION, "select connection, id from ledger").values()) {
            present.add(row.get(0) + "/" + row.get(1));
        }
        var missing = new ArrayList<Acknowledgement>();
        for (var acknowledgement : acknowledged) {
            if (!present.contains(acknowledgement.connection() + "/" + acknowledgement.id())) missing.add(acknowledgement);
        }
        return missing;
    }
}
