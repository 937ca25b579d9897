package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import pgreplica.harness.Await;
import pgreplica.harness.Blueprint;
import pgreplica.harness.Cluster;
import pgreplica.harness.run.Exec;

/** Ordinary clients with ordinary multi-host addresses follow a failover by doing nothing but connect again. */
@Tag("cluster")
@Timeout(180)
class ClientsTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private Cluster cluster;

    @BeforeEach void start() {
        cluster = Cluster.of(3).start();
        cluster.awaitPrimary().sql("app", "create table followed (client text, turn int); alter table followed owner to app");
    }

    @AfterEach void stop() {
        cluster.close();
    }

    @Test @Promise(P11)
    void psqlFollows() {
        assertThat(psql("before")).isTrue();
        var former = cluster.awaitPrimary();
        former.kill();
        Await.condition("psql commits again", LIMIT, () -> psql("after"), cluster::describe);
        assertFollowed("psql");
        former.start();
        cluster.awaitWhole();
        assertThat(psql("again")).isTrue();
    }

    private boolean psql(String turn) {
        int number = List.of("before", "after", "again").indexOf(turn);
        return Exec.attempt(cluster.blueprint().install().command("psql", "-X", "-q", "-d",
                cluster.uri(), "-c", "insert into followed values ('psql', " + number + ")")).ok();
    }

    @Test @Promise(P11)
    void pgjdbcFollows() throws SQLException {
        var connection = jdbc();
        insert(connection, 0);
        var former = cluster.awaitPrimary();
        former.kill();
        Await.condition("pgjdbc commits again", LIMIT, () -> {
            try (var again = jdbc()) {
                insert(again, 1);
                return true;
            } catch (SQLException notYet) {
                return false;
            }
        }, cluster::describe);
        connection.close();
        assertFollowed("pgjdbc");
    }

    private static void insert(Connection connection, int turn) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.executeUpdate("insert into followed values ('pgjdbc', " + turn + ")");
        }
    }

    /** The driver remembers for some seconds what each host was; after a failover that is out of date. */
    private Connection jdbc() throws SQLException {
        var hosts = cluster.nodes().stream().map(node -> node.spec().host() + ":" + node.spec().port())
                .collect(Collectors.joining(","));
        return DriverManager.getConnection("jdbc:postgresql://" + hosts + "/app?targetServerType=primary"
                + "&hostRecheckSeconds=1&connectTimeout=2&socketTimeout=5", Blueprint.APPLICATION,
                cluster.blueprint().passwords().application());
    }

    @Test @Promise(P11)
    void nodesPostgresPackageFollows(@TempDir Path directory) throws IOException {
        assumeTrue(Exec.attempt(List.of("sh", "-c", "command -v node && command -v npm")).ok(), "Node.js is not installed");
        Exec.run(List.of("npm", "install", "--prefix", directory.toString(), "--no-audit", "--no-fund", "postgres@3"));
        var script = directory.resolve("follow.mjs");
        try (var source = getClass().getResourceAsStream("/follow.mjs")) {
            Files.copy(source, script);
        }
        var hosts = cluster.nodes().stream().map(node -> node.spec().host() + ":" + node.spec().port())
                .collect(Collectors.joining(","));
        var environment = Map.of("HOSTS", hosts, "PASSWORD", cluster.blueprint().passwords().application(),
                "READY", directory.resolve("ready").toString());
        var client = Thread.ofPlatform().start(() -> Exec.run(List.of("node", script.toString()), environment, ""));
        Await.condition("the client has committed", LIMIT, () -> Files.exists(directory.resolve("ready")), cluster::describe);
        cluster.awaitPrimary().kill();
        Await.condition("the client has followed", LIMIT, () -> !client.isAlive(), cluster::describe);
        assertFollowed("node");
    }

    private void assertFollowed(String client) {
        assertThat(cluster.awaitPrimary().sql("app", "select distinct turn from followed where client = '" + client
                + "' order by 1").column(0)).contains("0", "1");
    }
}
