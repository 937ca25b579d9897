package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

import pgreplica.harness.Cluster;
import pgreplica.harness.Launch;
import pgreplica.harness.Node;
import pgreplica.harness.NodeSpec;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.ServerCopy;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;
import pgreplica.harness.wire.Target;

/** Ways in which operators run servers, and what must go well in each of them. */
final class Habits {
    private static final int FAILOVERS_AT_MOST = 6;
    private static final Duration SESSION_LIMIT = Duration.ofSeconds(30);
    private static final List<String> DEBIANS_PLACES =
            List.of("/usr/lib/postgresql/%s/lib", "/usr/share/postgresql/%s/extension");

    private Habits() {}

    /** By hand, from the directory above. */
    static Launch relative(Node node) {
        return Launch.inside(server -> in(node.files().home(), replaced(server, "-D", "data")));
    }

    /** As root of a process namespace, without any environment. */
    static Launch container() {
        return Launch.outside(server -> prefixed(
                List.of("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "env", "-i"), server));
    }

    /** As after a login: libpq looks for certificates there. */
    static Launch atHome(Node node) {
        return Launch.inside(server -> prefixed(List.of("env", "HOME=" + node.files().home()), server));
    }

    static Launch pgCtl(Node node) {
        return Launch.inside(server -> in(node.files().home(), List.of(node.program("pg_ctl"), "start", "-w",
                "-D", "data", "-l", node.files().log().toString())));
    }

    /** Moves the configuration below /etc, as Debian's tools do, and starts by their rules. */
    static Launch debian(Node node) {
        Exec.run(debian(node, "pg_createcluster", "-d", node.files().data().toString(), "-s",
                node.files().socket().toString(), "-l", node.files().log().toString(), "-p",
                String.valueOf(node.spec().port()), node.version(), node.name()));
        return Launch.outside(server -> debian(node, "pg_ctlcluster", node.version(), node.name(), "start"));
    }

    /** Debian's tools know one place for a server's programs, and find the extension there as if it were installed. */
    static List<String> debian(Node node, String program, String... arguments) {
        var build = ServerCopy.builtFor(node.version()).orElseThrow();
        var mounts = DEBIANS_PLACES.stream().map(place -> place.formatted(node.version()))
                .map(place -> "mount -t overlay overlay -o lowerdir=" + build + ":" + place + " " + place + " && ")
                .collect(Collectors.joining());
        return prefixed(List.of("unshare", "--mount", "sh", "-c", mounts + "exec \"$@\"", "sh", "env",
                "PG_CLUSTER_CONF_ROOT=" + node.files().home().resolve("debian"), program), List.of(arguments));
    }

    /** For pg_replica.nodes: the nodes of the cluster at other hosts. */
    static String listed(Cluster cluster, Function<NodeSpec, String> host) {
        return cluster.nodes().stream().map(Node::spec).map(spec -> new NodeSpec(spec.name(), spec.number(),
                host.apply(spec), spec.port(), spec.raftPort()).listed()).collect(Collectors.joining(","));
    }

    static List<String> in(Path directory, List<String> command) {
        return prefixed(List.of("sh", "-c", "cd \"$0\" && exec \"$@\"", directory.toString()), command);
    }

    private static List<String> prefixed(List<String> prefix, List<String> command) {
        var whole = new ArrayList<>(prefix);
        whole.addAll(command);
        return whole;
    }

    private static List<String> replaced(List<String> command, String option, String value) {
        var changed = new ArrayList<>(command);
        changed.set(command.indexOf(option) + 1, value);
        return changed;
    }

    /**
     * Each node is the primary once and is frozen then: another takes over, and the thawed one restarts in place and
     * streams. Nodes come to their turn by priority, see {@link #turn}.
     */
    static void everyNodeFailsOverAndComesBack(Cluster cluster) {
        var waiting = new TreeSet<>(cluster.nodes().stream().map(Node::name).toList());
        for (int turn = 1; turn <= FAILOVERS_AT_MOST && !waiting.isEmpty(); turn++) {
            var former = cluster.awaitPrimary();
            former.sql("app", "create table if not exists turns (turn int, node text)");
            former.sql("app", "insert into turns values (" + turn + ", '" + former + "')");
            cluster.others(former).forEach(standby -> Checks.awaitReceived(standby, former));
            var postmaster = former.postmaster();
            former.freeze();
            cluster.awaitPrimaryOtherThan(former).sql("app", "insert into turns values (" + turn + ", 'after')");
            former.thaw();
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.postmaster()).as(former + " restarted in place").isEqualTo(postmaster);
            waiting.remove(former.name());
            cluster.awaitWhole();
        }
        assertThat(waiting).as("nodes that never were the primary").isEmpty();
        Checks.allNodesIdentical(cluster);
    }

    /** Who may not use the sessions that are reserved for superusers. */
    static Target ordinaryUser(Node node) {
        return new Target(node.files().socket().toString(), node.spec().port(), "app", "app", "");
    }

    /** All that there is room for. */
    static List<Session> takeSessions(Node node, Target target) throws IOException {
        var sessions = new ArrayList<Session>();
        while (true) {
            try {
                sessions.add(Session.open(target, SESSION_LIMIT));
            } catch (SqlFailure refused) {
                assertThat(refused.sqlState()).as(node + ": " + refused).isEqualTo("53300");
                return sessions;
            }
        }
    }

    /** A priority: the second and the third become primary before the first does again. */
    static String turn(Node node) {
        return String.valueOf(List.of(90, 110, 100).get(node.spec().number() - 1));
    }
}
