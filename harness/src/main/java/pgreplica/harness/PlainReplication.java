package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;

import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** Streaming replication as one sets it up by hand, for servers without the extension. */
public final class PlainReplication {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private PlainReplication() {}

    /** The first node becomes the primary of all others, and waits for this many of them at each commit. */
    public static void setUp(Cluster cluster, int standbys) {
        var primary = cluster.nodes().getFirst();
        var others = cluster.others(primary);
        others.forEach(standby -> clone(primary, standby));
        Await.condition("all standbys stream", LIMIT, () -> others.stream().allMatch(node -> node.status().isStreamingStandby()),
                cluster::describe);
        primary.sql("alter system set synchronous_standby_names = 'ANY " + standbys + " (*)'");
        primary.sql("select pg_reload_conf()");
        Await.condition("commits wait for standbys", LIMIT, () -> primary.sql(
                "select count(*) from pg_stat_replication where sync_state = 'quorum'").single().equals("" + others.size()),
                cluster::describe);
    }

    private static void clone(Node primary, Node standby) {
        standby.stop();
        Trees.delete(standby.files().data());
        var source = primary.superuser("postgres");
        Exec.run(Account.forServers().command(List.of(standby.program("pg_basebackup"), "-h", source.host(), "-p",
                String.valueOf(source.port()), "-U", source.user(), "-D", standby.files().data().toString(), "-c", "fast")));
        // Over TCP and with a password, as between machines; a socket in the file system is faster.
        var connection = "host=" + primary.spec().host() + " port=" + source.port() + " user=" + Blueprint.REPLICATION
                + " passfile=" + standby.files().passfile() + " application_name=" + standby.name();
        try {
            Files.writeString(standby.files().data().resolve("postgresql.auto.conf"),
                    "primary_conninfo = '" + connection + "'\n", StandardOpenOption.APPEND);
            Files.createFile(standby.files().data().resolve("standby.signal"));
        } catch (IOException failure) {
            throw new HarnessException("cannot make " + standby + " a standby: " + failure.getMessage(), failure);
        }
        standby.start();
    }
}
