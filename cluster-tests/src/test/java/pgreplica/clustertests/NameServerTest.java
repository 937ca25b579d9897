package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P2;

import java.io.IOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Launch;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.wire.SqlFailure;

/** Nodes are listed by name. Names are looked up, and decide nothing (lessons 13 and 20). */
@Tag("cluster")
@Timeout(300)
class NameServerTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** As long as the name server is silent, everything that was known goes on to be, also to whoever starts anew. */
    @Test @Promise({P2, P11})
    void aSilentNameServerIsNotMissed() throws IOException, SqlFailure {
        assumeTrue(Account.isRoot(), "mount namespaces need root");
        try (var cluster = Quorums.of(3).create(); var names = new Names(cluster)) {
            cluster.startAll();
            var former = cluster.awaitWhole().awaitPrimary();
            cluster.prepareLedger();
            var writer = cluster.startWriter().awaitRows(50);

            names.forget();
            long killed = former.kill();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(killed, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);

            writer.stop();
            var told = "host \"" + former + ".test\" of node \"" + former + "\" cannot be looked up: ";
            Await.condition("check() names it", LIMIT, () -> problems(promoted).contains(told), promoted::describe);
            assertThat(promoted.log()).contains(told);
            promoted.freezeTitled("walsender");
            SentStatement.send(promoted, "create table waiting ()").awaitWaiting();
            promoted.kill();
            var next = cluster.awaitPrimaryOtherThan(promoted);
            promoted.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(promoted.log()).contains("rewinding to " + next);
            names.remember();
            Await.condition("check() names it no more", LIMIT, () -> problems(next).isEmpty(), next::describe);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static String problems(Node node) {
        return String.join("; ", node.sql("select problem from pg_replica.check() where not ok").column(0));
    }

    /** It comes back at another address. The others find it there, as a standby and as the primary. */
    @Test @Promise(P11)
    void aNodeThatMovedIsFound() throws IOException {
        assumeTrue(Account.isRoot(), "mount namespaces need root");
        try (var cluster = Cluster.of(3).create(); var names = new Names(cluster)) {
            cluster.startAll();
            var primary = cluster.awaitWhole().awaitPrimary();
            cluster.prepareLedger();
            var moved = cluster.others(primary).getFirst();
            moved.stop();
            names.move(moved, "127.0.0.3");
            moved.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            primary.sql("select pg_replica.failover()");
            assertThat(cluster.awaitPrimaryOtherThan(primary)).as("it has the highest priority").isEqualTo(moved);
            cluster.awaitWhole();
        }
    }

    /**
     * What the servers of a cluster take for the machine's hosts file, and a name server that never answers about
     * anything else.
     */
    private static final class Names implements AutoCloseable {
        private static final int NAME_SERVICE = 53;

        private final Cluster cluster;
        private final Map<String, String> addresses = new LinkedHashMap<>();
        private final Path hosts;
        private final DatagramSocket silent;

        Names(Cluster cluster) throws IOException {
            this.cluster = cluster;
            silent = listen();
            hosts = file("hosts", "");
            var resolver = file("resolv.conf", "nameserver " + silent.getLocalAddress().getHostAddress() + "\n");
            var order = file("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
            for (var node : cluster.nodes()) {
                addresses.put(node.name(), node.spec().host());
                node.launchedBy(Launch.outside(server -> {
                    var command = new ArrayList<>(List.of("unshare", "--mount", "sh", "-c", "mount --bind $1 /etc/hosts"
                            + " && mount --bind $2 /etc/resolv.conf && mount --bind $3 /etc/nsswitch.conf"
                            + " && shift 3 && exec \"$@\"", "sh",
                            hosts.toString(), resolver.toString(), order.toString()));
                    command.addAll(server);
                    return command;
                }));
                node.reconfigure(Map.of("pg_replica.nodes", list()));
            }
            write();
        }

        /** Another run of this test may do so at this moment, so each takes an address of its own. */
        private static DatagramSocket listen() throws IOException {
            for (int last = 1; ; last++) {
                try {
                    var address = InetAddress.getByName("127.0.9." + last);
                    return new DatagramSocket(new InetSocketAddress(address, NAME_SERVICE));
                } catch (BindException taken) {
                    if (last == 254) throw taken;
                }
            }
        }

        private Path file(String name, String text) throws IOException {
            return Files.writeString(cluster.nodes().getFirst().files().home().resolve(name), text);
        }

        private String list() {
            return Habits.listed(cluster, spec -> spec.name() + ".test");
        }

        /** In place, because what is mounted is the file and not its name. */
        private void write() throws IOException {
            var text = new StringBuilder("127.0.0.1 localhost\n");
            addresses.forEach((name, address) -> text.append(address).append(' ').append(name).append(".test\n"));
            Files.writeString(hosts, text);
        }

        void forget() throws IOException {
            Files.writeString(hosts, "");
        }

        void remember() throws IOException {
            write();
        }

        void move(Node node, String address) throws IOException {
            addresses.put(node.name(), address);
            write();
            node.reconfigure(Map.of("pg_replica.nodes", list(), "pg_replica.priority", "200",
                    "listen_addresses", address, "pg_replica.listen_addresses", address));
        }

        @Override public void close() {
            silent.close();
        }
    }
}
