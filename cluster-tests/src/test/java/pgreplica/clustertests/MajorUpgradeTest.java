package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** pg_upgrade to the same version, because servers of two Debians do not see each other's programs. */
@Tag("cluster")
@Timeout(300)
class MajorUpgradeTest {
    @Test @Promise({P7, P11})
    void aClusterIsFoundedFromUpgradedData() throws IOException {
        try (var cluster = Cluster.of(3).start()) {
            cluster.prepareLedger();
            var primary = cluster.awaitWhole().awaitPrimary();
            var writer = cluster.startWriter().awaitRows(100).stop();
            var system = systemIdentifier(primary);
            for (var standby : cluster.others(primary)) standby.stop();
            primary.stop();

            var old = primary.files().home().resolve("old");
            Files.move(primary.files().data(), old);
            primary.wipeData();
            upgrade(cluster, primary, old);
            for (var node : cluster.nodes()) node.wipeState();
            for (var other : cluster.others(primary)) other.wipeData();
            cluster.startAll();

            assertThat(cluster.awaitWhole().awaitPrimary()).isEqualTo(primary);
            assertThat(systemIdentifier(primary)).isNotEqualTo(system);
            assertThat(writer.acknowledgedButMissingFrom(primary)).isEmpty();
            assertThat(primary.sql("select string_agg(problem, '; ') from pg_replica.check() where not ok").single())
                    .isNull();
            PrivilegesTest.asInstalled(primary);
            primary.sql("select pg_replica.failover()");
            cluster.awaitPrimaryOtherThan(primary);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static String systemIdentifier(Node node) {
        return node.sql("select system_identifier from pg_control_system()").single();
    }

    /** With the old configuration in the old data's directory, where pg_upgrade looks for it. */
    private static void upgrade(Cluster cluster, Node node, Path old) throws IOException {
        var data = node.files().data().toString();
        Files.writeString(old.resolve("postgresql.conf"),
                Files.readString(node.files().config()).replace(data, old.toString()));
        var programs = Path.of(node.program("pg_upgrade")).getParent().toString();
        var command = Recipe.blocksInReadme("Major upgrades of PostgreSQL").getFirst().getFirst()
                .replace("/old/bin", programs).replace("/new/bin", programs)
                .replace("/old/data", old.toString()).replace("/new/data", data);
        var asServer = Account.forServers().command(Habits.in(node.files().home(),
                List.of("sh", "-c", programs + "/" + command)));
        var user = Map.of("PGUSER", node.superuser("postgres").user());
        Exec.run(cluster.blueprint().install().inItsSystem(asServer), user, "");
    }
}
