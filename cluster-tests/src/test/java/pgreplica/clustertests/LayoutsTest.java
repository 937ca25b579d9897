package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P13;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;

/**
 * Servers as operators run them. Habits that do not disturb each other are tried in one cluster; every node of it
 * fails over, restarts in place and streams again.
 */
@Tag("cluster")
@Timeout(240)
class LayoutsTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** More than two of the trial connections that a primary makes to itself. */
    private static final Duration SEVERAL_TRIALS = Duration.ofSeconds(7);

    /** By hand with a relative path, by pg_ctl, by Debian's tools; log files, pid files, an archive; no checksums. */
    @Test @Promise({P7, P11})
    void startedInEveryWay() throws IOException {
        try (var cluster = Cluster.of(3).configInside().superuser("boss").checksums(false).create()) {
            for (var node : cluster.nodes()) {
                var archive = Files.createDirectory(node.files().home().resolve("archive"));
                Account.forServers().own(archive);
                node.reconfigure(Map.of("pg_replica.priority", Habits.turn(node), "logging_collector", "on",
                        "log_directory", "log", "log_filename", "collected", "archive_mode", "on",
                        "archive_command", "test ! -f " + archive + "/%f && cp %p " + archive + "/%f",
                        "external_pid_file", node.files().home().resolve("external.pid").toString()));
            }
            var byHand = cluster.node("n1").launchedBy(Habits.relative(cluster.node("n1")));
            var byPgCtl = cluster.node("n2").launchedBy(Habits.pgCtl(cluster.node("n2")));
            var debian = cluster.node("n3");
            var hasDebiansTools = Account.isRoot() && cluster.blueprint().install().system().isEmpty()
                    && Exec.attempt(List.of("sh", "-c", "command -v pg_createcluster")).ok();
            if (hasDebiansTools) debian.launchedBy(Habits.debian(debian));
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            Habits.everyNodeFailsOverAndComesBack(cluster);

            for (var node : cluster.nodes()) {
                assertThat(Files.readString(node.files().data().resolve("log/collected"))).as("log of " + node)
                        .contains("pg_replica restarts this server", "following ");
                assertThat(Files.list(node.files().home().resolve("archive"))).as("archive of " + node).isNotEmpty();
            }
            for (var node : hasDebiansTools ? List.of(byHand, byPgCtl) : cluster.nodes()) {
                assertThat(Files.readString(node.files().home().resolve("external.pid")).trim())
                        .isEqualTo(node.postmaster().orElseThrow().toString());
                ctl(cluster, node, "status");
                ctl(cluster, node, "stop", "-m", "fast");
                assertThat(node.postmaster()).isEmpty();
                assertThat(node.files().home().resolve("external.pid")).doesNotExist();
                node.start();
                cluster.awaitWhole();
            }
            if (hasDebiansTools) {
                assertThat(debian.files().config()).as("its configuration is not in the data directory").doesNotExist();
                Exec.run(Habits.debian(debian, "pg_ctlcluster", debian.version(), debian.name(), "status"));
                Exec.run(Habits.debian(debian, "pg_ctlcluster", debian.version(), debian.name(), "restart"));
                cluster.awaitWhole();
                Exec.run(Habits.debian(debian, "pg_ctlcluster", debian.version(), debian.name(), "stop"));
                assertThat(debian.postmaster()).isEmpty();
            }
        }
    }

    private static void ctl(Cluster cluster, Node node, String... arguments) {
        var command = new ArrayList<>(List.of(node.program("pg_ctl"), "-D", "data"));
        command.addAll(List.of(arguments));
        var asServer = Account.forServers().command(Habits.in(node.files().home(), command));
        Exec.run(cluster.blueprint().install().inItsSystem(asServer));
    }

    /**
     * Postgres is the first process of a process namespace, has no environment, a configuration that it cannot write,
     * its state on another file system, no address on the loopback device, and an advertised address that works for the
     * others alone, as behind a published port.
     */
    @Test @Promise({P7, P11})
    void inContainers() throws IOException {
        assumeTrue(Account.isRoot(), "namespaces need root");
        var states = Files.createTempDirectory(Path.of("/dev/shm"), "pg_replica-test");
        Files.setPosixFilePermissions(states, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (var cluster = Cluster.of(3).namespaces().create()) {
            for (var node : cluster.nodes()) {
                var state = states.resolve(node.name());
                Files.createDirectory(state, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                Account.forServers().own(state);
                assertThat(Files.getFileStore(state)).isNotEqualTo(Files.getFileStore(node.files().data()));
                node.reconfigure(Map.of("pg_replica.priority", Habits.turn(node), "pg_replica.state_dir", state.toString()));
                Exec.run(List.of("chown", "-R", "root", node.files().config().getParent().toString()));
                Exec.run(List.of("chmod", "-R", "a=rX", node.files().config().getParent().toString()));
                hideFromItself(cluster, node);
                node.launchedBy(Habits.container());
            }
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            for (var node : cluster.nodes()) {
                assertThat(Files.readAllLines(node.files().data().resolve("postmaster.pid")).getFirst()).isEqualTo("1");
                assertThat(reaches(cluster, node, node)).as(node + " reaches itself").isFalse();
                assertThat(reaches(cluster, cluster.others(node).getFirst(), node)).as("another reaches " + node).isTrue();
            }
            Habits.everyNodeFailsOverAndComesBack(cluster);
            cluster.awaitPrimary().restart();
            cluster.awaitWhole();
        } finally {
            Exec.run(List.of("rm", "-rf", states.toString()));
        }
    }

    private static void hideFromItself(Cluster cluster, Node node) {
        var network = cluster.blueprint().network();
        for (var rule : List.of("add pref 100 lookup local", "del pref 0",
                "add pref 50 iif lo to " + node.spec().host() + " unreachable")) {
            var command = new ArrayList<>(network.prefix(node.spec().number()));
            command.addAll(List.of("ip", "rule"));
            command.addAll(List.of(rule.split(" ")));
            Exec.run(command);
        }
    }

    private static boolean reaches(Cluster cluster, Node from, Node to) {
        var command = new ArrayList<>(cluster.blueprint().network().prefix(from.spec().number()));
        command.addAll(List.of("timeout", "3", "bash", "-c", "</dev/tcp/" + to.spec().host() + "/" + to.spec().port()));
        return Exec.attempt(command).ok();
    }

    /**
     * Nobody gets in over TCP without TLS and a password, the nodes neither; and then nobody else gets in at all. The two
     * fresh nodes have data that was made for more connections than they are allowed, and start with it all the same.
     */
    @Test @Promise({P7, P11, P13})
    void fullAndOverTlsOnly() throws IOException {
        try (var cluster = Cluster.of(3).set("ssl", "on").set("max_connections", "12").create()) {
            for (var node : cluster.nodes()) {
                var certificate = node.files().home().resolve("certificate");
                var key = node.files().home().resolve("key");
                Exec.run(List.of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + node,
                        "-keyout", key.toString(), "-out", certificate.toString()));
                Account.forServers().own(certificate);
                Account.forServers().own(key);
                node.reconfigure(Map.of("pg_replica.priority", Habits.turn(node), "ssl_cert_file", certificate.toString(),
                        "ssl_key_file", key.toString()));
                node.launchedBy(Habits.atHome(node));
                Files.writeString(node.files().hba(), Files.readString(node.files().hba()).replaceAll("(?m)^host ", "hostssl "));
            }
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            var primary = cluster.awaitPrimary();
            assertThat(primary.sql("select bool_and(ssl) from pg_stat_ssl natural join pg_stat_replication").single())
                    .isEqualTo("t");

            var timeline = primary.status().server().orElseThrow().timeline();
            var taken = Habits.takeSessions(primary, primary.superuser("app"));
            assertThat(taken).as("sessions").hasSizeBetween(8, 12);
            Await.staysTrue("it keeps its place", SEVERAL_TRIALS, () -> primary.worker().isPresent(), cluster::describe);
            taken.forEach(Session::close);
            Await.condition("somebody gets in again", LIMIT, () -> primary.status().server().isPresent(), cluster::describe);
            assertThat(primary.status().server().orElseThrow().timeline()).as("nothing happened").isEqualTo(timeline);
            assertThat(primary.isWritable()).isTrue();

            // Standbys as well; what is reserved for superusers is left for us to look.
            var all = new ArrayList<Session>();
            for (var node : cluster.nodes()) {
                all.addAll(Habits.takeSessions(node, Habits.ordinaryUser(node)));
            }
            Habits.everyNodeFailsOverAndComesBack(cluster);
            all.forEach(Session::close);
        }
    }

    /** The workers talk to each other over it, and WAL is streamed over it. */
    @Test @Promise({P7, P11})
    void overIpv6() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/net/if_inet6")), "this machine has no IPv6");
        try (var cluster = Cluster.of(3).create()) {
            for (var node : cluster.nodes()) {
                node.reconfigure(Map.of("pg_replica.nodes", Habits.listed(cluster, spec -> "[::1]"), "listen_addresses", "::1",
                        "pg_replica.listen_addresses", "::1"));
                Files.writeString(node.files().hba(), Files.readString(node.files().hba()).replace("127.0.0.1/32", "::1/128"));
            }
            cluster.startAll();
            var former = cluster.awaitWhole().awaitPrimary();
            assertThat(former.sql("select distinct host(client_addr) from pg_stat_replication").single()).isEqualTo("::1");
            former.kill();
            cluster.awaitPrimaryOtherThan(former);
            former.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** What a server leaves behind for a moment holds the lock on the data directory a little longer than postmaster.pid. */
    @Test @Promise({P8, P11})
    void aStartWaitsForTheEndOfTheServerBefore() throws IOException {
        try (var cluster = Cluster.of(1).create()) {
            var node = cluster.node("n1").start();
            cluster.awaitPrimary();
            assertThat(chores(node)).as("processes that a postmaster does not wait for").isNotEmpty()
                    .noneMatch(pid -> hasOpen(pid, node.files().data()));
            var lock = List.of("flock", node.files().data().toString(), "sh", "-c", "echo locked; exec cat");
            for (var inTime : List.of(true, false)) {
                node.stop();
                var holder = Exec.builder(lock, Map.of()).start();
                try {
                    assertThat(holder.getInputStream().read()).isEqualTo('l');
                    node.start();
                    var said = inTime ? "pg_replica waits up to 5 s" : "is locked by another process";
                    Await.condition("the server says: " + said, LIMIT, () -> node.log().contains(said), cluster::describe);
                    if (!inTime) Await.condition("it ends", LIMIT, () -> node.postmaster().isEmpty(), cluster::describe);
                } finally {
                    holder.getOutputStream().close();
                }
                if (!inTime) node.start();
                node.awaitAccepting(LIMIT);
            }
        }
    }

    private static List<Long> chores(Node node) {
        var postmaster = node.postmaster().orElseThrow();
        return node.processes().stream().filter(process -> process.pid() != postmaster && process.parent() != postmaster)
                .map(ProcessTable.Entry::pid).toList();
    }

    private static boolean hasOpen(long pid, Path file) {
        return Exec.run(List.of("find", "/proc/" + pid + "/fd", "-lname", file.toString())).contains("/fd/");
    }

    /** A server with data becomes a cluster's first node, and an ordinary server again. */
    @Test @Promise({P7, P11})
    void inAndOutAgain() {
        try (var cluster = Cluster.of(3).syncMode("quorum").create()) {
            var settings = new HashMap<String, Map<String, String>>();
            cluster.nodes().forEach(node -> settings.put(node.name(), Map.of("pg_replica.priority", Habits.turn(node))));
            var single = cluster.node("n1");
            single.reconfigure(Map.of("shared_preload_libraries", "", "pg_replica.sync_mode", "off"));
            single.start().awaitAccepting(LIMIT);
            single.sql("app", "create table old as select i from generate_series(1, 1000) i");
            single.stop();

            cluster.nodes().forEach(node -> node.reconfigure(settings.get(node.name())));
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            for (var node : cluster.nodes()) {
                Await.condition(node + " has the old data", LIMIT, () -> node.sql("app", "select count(*) from old").single()
                        .equals("1000"), cluster::describe);
            }
            Habits.everyNodeFailsOverAndComesBack(cluster);

            var last = cluster.awaitPrimary();
            cluster.others(last).forEach(Node::stop);
            last.stop();
            leave(last);
            assertOrdinary(last);
        }
    }

    /** As the README says it. */
    private static void leave(Node node) {
        node.reconfigure(Map.of("shared_preload_libraries", ""));
        node.start().awaitAccepting(LIMIT);
        node.sql("alter system reset synchronous_standby_names");
        node.sql("alter system reset pg_replica.sync_generation");
        node.sql("select pg_reload_conf()");
        node.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like 'pg_replica_%'");
        Await.condition("commits wait for nobody", LIMIT, () -> node.sql("show synchronous_standby_names").single().isEmpty(),
                node::describe);
        node.sql("drop extension pg_replica");
    }

    private static void assertOrdinary(Node node) {
        for (int start = 1; start <= 2; start++) {
            node.sql("app", "create table new" + start + " as select * from old");
            assertThat(node.sql("app", "select count(*) from new" + start).single()).isEqualTo("1000");
            assertThat(node.sql("select pg_is_in_recovery()").single()).isEqualTo("f");
            assertThat(node.sql("select count(*) from pg_replication_slots").single()).as("slots that hold WAL").isEqualTo("0");
            assertThat(node.sql("select count(*) from pg_namespace where nspname = 'pg_replica'").single()).isEqualTo("0");
            assertThat(node.worker()).isEmpty();
            node.restart();
            node.awaitAccepting(LIMIT);
        }
    }
}
