package pgreplica.harness;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares everything that users can see of two nodes: rows, indexes, sequences, large objects, roles with their
 * password verifiers, privileges, extensions, settings of databases and roles.
 */
public final class Fidelity {
    private static final Duration CATCH_UP_LIMIT = Duration.ofSeconds(60);

    private static final Map<String, String> CLUSTER_WIDE = Map.of(
            "roles", "select (rolname, rolpassword, rolsuper, rolcanlogin, rolreplication, rolcreaterole, rolcreatedb,"
                    + " rolinherit, rolbypassrls, rolconnlimit)::text from pg_authid",
            "memberships", "select m::text from pg_auth_members m",
            "databases", "select (datname, datacl, datconnlimit, encoding, datcollate)::text from pg_database",
            "settings of databases and roles", "select s::text from pg_db_role_setting s",
            "tablespaces", "select (spcname, spcacl)::text from pg_tablespace");

    private static final Map<String, String> OF_A_DATABASE = Map.of(
            "relations", "select (oid, relname, relkind, relpersistence, relowner, relacl, reloptions)::text from pg_class"
                    + " where relkind <> 't' and oid >= 16384",
            "indexes", "select (pg_get_indexdef(indexrelid), indisvalid)::text from pg_index where indexrelid >= 16384",
            "constraints", "select (conname, pg_get_constraintdef(oid))::text from pg_constraint where oid >= 16384",
            "functions", "select (oid, proname, prosrc, proacl)::text from pg_proc where oid >= 16384",
            "schemas", "select (nspname, nspowner, nspacl)::text from pg_namespace where nspname !~ '^pg_(toast_)?temp_'",
            "extensions", "select (extname, extversion)::text from pg_extension",
            "large objects", "select (oid, lomowner, lomacl, md5(lo_get(oid)))::text from pg_largeobject_metadata",
            "types", "select (oid, typname, typowner, typacl)::text from pg_type where oid >= 16384",
            "triggers", "select pg_get_triggerdef(oid) from pg_trigger where oid >= 16384");

    private static final String TABLES = """
            select n.nspname, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'S', 'm') and c.relpersistence <> 't'
              and n.nspname not in ('pg_catalog', 'information_schema') order by 1, 2""";

    private Fidelity() {}

    /** What differs between the primary and a standby that has replayed everything; empty if nothing does. */
    public static List<String> differences(Node primary, Node standby) {
        var position = primary.sql("select pg_current_wal_flush_lsn()").single();
        Await.condition(standby + " has replayed " + position, CATCH_UP_LIMIT,
                () -> standby.sql("select pg_last_wal_replay_lsn() >= '" + position + "'::pg_lsn").single().equals("t"),
                () -> primary.describe() + standby.describe());
        var expected = fingerprints(primary);
        var actual = fingerprints(standby);
        var differences = new ArrayList<String>();
        expected.forEach((what, fingerprint) -> {
            if (!fingerprint.equals(actual.get(what))) {
                differences.add(what + ": " + primary + " has " + fingerprint + ", " + standby + " has " + actual.get(what));
            }
        });
        actual.keySet().stream().filter(what -> !expected.containsKey(what))
                .forEach(what -> differences.add(what + ": only on " + standby));
        return differences;
    }

    /** A row count and a hash for each kind of object and for each table. */
    public static Map<String, String> fingerprints(Node node) {
        var all = new LinkedHashMap<String, String>();
        CLUSTER_WIDE.forEach((what, query) -> all.put(what, fingerprint(node, "postgres", query)));
        for (var database : node.sql("select datname from pg_database where datallowconn order by 1").column(0)) {
            OF_A_DATABASE.forEach((what, query) -> all.put(database + " " + what, fingerprint(node, database, query)));
            for (var table : node.sql(database, TABLES).values()) {
                var name = quote(table.get(0)) + "." + quote(table.get(1));
                // WAL records a sequence some values ahead, so a standby's last value is rightly larger: no value is
                // given twice. What must agree is its definition.
                var query = table.get(2).equals("S") ? "select s::text from pg_sequence s where seqrelid = '" + name + "'::regclass"
                        : "select t::text from " + name + " t";
                all.put(database + " " + name, fingerprint(node, database, query));
            }
        }
        return all;
    }

    private static String fingerprint(Node node, String database, String query) {
        return node.sql(database, "select count(*) || ' rows ' || coalesce(md5(string_agg(line, chr(10) order by line"
                + " collate \"C\")), '') from (" + query + ") as lines (line)").single();
    }

    private static String quote(String identifier) {
        return "\"" + identifier.replace("\"", "\"\"") + "\"";
    }
}
