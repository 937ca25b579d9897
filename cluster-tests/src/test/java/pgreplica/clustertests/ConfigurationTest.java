package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P12;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.wire.SqlFailure;

/** Whatever is wrong with a node's settings is named where people look: in the server's log and in pg_replica.check(). */
@Tag("cluster")
class ConfigurationTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** A setting, the value that is wrong, what is to be said about it, and whether the node serves nobody with it. */
    private record Mistake(String setting, String value, String said, boolean fenced) {
        Mistake(String setting, String value, String said) {
            this(setting, value, said, true);
        }
    }

    private static List<Mistake> mistakes(Node node, Path files) throws IOException {
        var open = file(files, "open", "0123456789abcdef0123456789abcdef", "rw-r--r--");
        var brief = file(files, "brief", "short", "rw-------");
        var readable = file(files, "readable", "*:*:*:replicator:x", "rw-r--r--");
        var hidden = file(files, "hidden", "0123456789abcdef0123456789abcdef", "rw-------");
        Files.setAttribute(hidden, "unix:uid", 0);
        var shared = directory(files, "shared", "rwxr-xr-x");
        var closed = directory(files, "closed", "---------");
        Files.setAttribute(closed, "unix:uid", 0);
        var raftPort = node.spec().listed().replaceAll("/.*", "/" + node.spec().port());
        return List.of(
                new Mistake("pg_replica.node_name", "stranger", "has no node of this name"),
                new Mistake("pg_replica.node_name", "", "it is not set"),
                new Mistake("pg_replica.node_name", "N 1", "it is not a node name"),
                new Mistake("pg_replica.nodes", "n1=127.0.0.1", "cannot be understood"),
                new Mistake("pg_replica.nodes", node.spec().listed() + "," + node.spec().listed(), "the same name"),
                new Mistake("pg_replica.nodes", "n1=bad host:5432/5433", "cannot be understood"),
                new Mistake("pg_replica.nodes", raftPort, "Raft port are the same"),
                new Mistake("pg_replica.secret_file", "", "it is not set"),
                new Mistake("pg_replica.secret_file", "/nowhere/secret", "cannot be found"),
                new Mistake("pg_replica.secret_file", hidden.toString(), "cannot be read"),
                new Mistake("pg_replica.secret_file", open.toString(), "others can read or change it"),
                new Mistake("pg_replica.secret_file", brief.toString(), "must have 16"),
                new Mistake("pg_replica.state_dir", "", "it is not set"),
                new Mistake("pg_replica.state_dir", "relative", "not an absolute path"),
                new Mistake("pg_replica.state_dir", node.files().data().resolve("inside").toString(), "inside the data directory"),
                new Mistake("pg_replica.state_dir", "/nowhere/deep/state", "does not exist and cannot be made"),
                new Mistake("pg_replica.state_dir", closed.resolve("state").toString(), "cannot be reached"),
                new Mistake("pg_replica.state_dir", shared.toString(), "mode 0755"),
                new Mistake("pg_replica.state_dir", open.toString(), "not a directory"),
                new Mistake("pg_replica.passfile", "/nowhere/passfile", "not a file that the server can read"),
                new Mistake("pg_replica.passfile", readable.toString(), "others can read"),
                new Mistake("pg_replica.replication_user", "", "it is not set"),
                new Mistake("pg_replica.election_timeout", "5", "the value is not allowed"),
                new Mistake("fsync", "off", "not counted", true),
                new Mistake("max_connections", "20", "the data was written with 100", false),
                new Mistake("restore_command", "cp /archive/%f %p", "it is not used", false),
                new Mistake("recovery_target_name", "somewhere", "it is not used", false),
                new Mistake("recovery_min_apply_delay", "1h", "it is not used", false));
    }

    @Test @Promise(P12) @Timeout(400) @Tag("essential")
    void everyMistakeIsNamedInTheLogAndInCheck() throws IOException {
        try (var cluster = Cluster.of(1).start()) {
            var node = cluster.nodes().getFirst();
            var problems = new ArrayList<String>();
            var mistakes = new ArrayList<>(mistakes(node, node.files().home()));
            if (Integer.parseInt(cluster.blueprint().install().version()) >= 17) {
                mistakes.add(new Mistake("sync_replication_slots", "on", "it has no effect", false));
            }
            for (var mistake : mistakes) {
                node.stop();
                node.reconfigure(Map.of(mistake.setting(), mistake.value()));
                long mark = node.logMark();
                node.start().awaitAccepting(LIMIT);
                expect(problems, "the log", node.logSince(mark), mistake);
                if (mistake.fenced()) expectFenced(problems, node, mistake);
                expect(problems, "check()", node.sql("select * from pg_replica.check()").values().toString(), mistake);
            }
            assertThat(problems).isEmpty();

            node.stop();
            node.reconfigure(Map.of());
            node.start();
            assertThat(cluster.awaitPrimary().sql("select * from pg_replica.check()").values()).as("nothing is wrong")
                    .allSatisfy(row -> assertThat(row.toString()).doesNotContain("is not"));
        }
    }

    private static void expect(List<String> problems, String where, String text, Mistake mistake) {
        if (!text.contains(mistake.setting()) || !text.contains(mistake.said())) {
            problems.add(where + " does not name " + mistake + ", it says: " + text);
        }
    }

    private static void expectFenced(List<String> problems, Node node, Mistake mistake) {
        try {
            node.sql("create table written_by_a_half_configured_node ()");
            problems.add("a write is accepted with " + mistake);
        } catch (HarnessException refused) {
            boolean byTheFence = refused.getCause() instanceof SqlFailure failure && failure.sqlState().equals("25006");
            if (!byTheFence) problems.add("with " + mistake + " a write fails by " + refused);
        }
    }

    /** Where it is to listen is taken, or is no address: it says so, goes on trying, and needs no other help than that. */
    @Test @Promise(P12) @Timeout(180)
    void aPortThatCannotBeListenedOnIsNamed() throws IOException {
        try (var cluster = Cluster.of(1).start(); var taken = new ServerSocket(0)) {
            var node = cluster.nodes().getFirst();
            for (var mistake : List.of(
                    new Mistake("pg_replica.port", String.valueOf(taken.getLocalPort()), "Address already in use"),
                    new Mistake("pg_replica.listen_addresses", "no-address", "it is not a numeric address"),
                    new Mistake("pg_replica.listen_addresses", "192.0.2.1", "Cannot assign requested address"))) {
                node.stop();
                node.reconfigure(Map.of(mistake.setting(), mistake.value()));
                long mark = node.logMark();
                node.start().awaitAccepting(LIMIT);
                node.awaitLog(mistake.said(), mark, LIMIT);
                Await.condition("check() names it", LIMIT, () -> node.sql("select * from pg_replica.check()").values()
                        .toString().contains(mistake.said()), cluster::describe);
            }
        }
    }

    /** A server that has the library loaded and nothing set is an ordinary server, and says so once. */
    @Test @Timeout(120) @Tag("essential")
    void loadedButUnconfiguredSaysSoOnceAndDoesNothing() {
        try (var cluster = Cluster.of(1).plain().set("shared_preload_libraries", "pg_replica").start()) {
            var node = cluster.nodes().getFirst();
            cluster.startWriter().awaitRows(20).stop();
            assertThat(occurrences(node.log(), "pg_replica is loaded but not configured")).isEqualTo(1);
            assertThat(node.processesTitled("pg_replica node")).isEmpty();
            assertThat(node.files().data().resolve("standby.signal")).doesNotExist();

            long mark = node.logMark();
            node.restart();
            node.awaitAccepting(LIMIT);
            assertThat(occurrences(node.logSince(mark), "pg_replica is loaded but not configured")).isEqualTo(1);
        }
    }

    private static Path directory(Path parent, String name, String permissions) throws IOException {
        var directory = Files.createDirectory(parent.resolve(name));
        pgreplica.harness.run.Account.forServers().own(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(permissions));
        return directory;
    }

    private static int occurrences(String text, String wanted) {
        return text.split(java.util.regex.Pattern.quote(wanted), -1).length - 1;
    }

    private static Path file(Path directory, String name, String content, String permissions) throws IOException {
        var file = Files.writeString(directory.resolve(name), content + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
        pgreplica.harness.run.Account.forServers().own(file);
        return file;
    }
}
