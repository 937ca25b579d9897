package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.ServerCopy;

/** A later release of the extension, which ./dev makes from this one: extension/test/later says what differs. */
@Tag("cluster")
class UpgradeTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final double LONGEST_HANDOVER_MILLIS = 3_000;

    /**
     * The README's recipe. Nodes of both releases agree at every moment on a version of the protocol that both speak, and
     * the functions of the old one's SQL answer everywhere; the new one's SQL comes last.
     */
    @Test @Promise({P3, P11}) @Timeout(300)
    void aLaterReleaseComesNodeByNodeUnderLoad() throws IOException {
        try (var cluster = Cluster.of(3).configInside().syncMode("quorum").set("log_min_messages", "debug1").create()) {
            cluster.nodes().forEach(node -> node.launchedBy(Habits.pgCtl(node)));
            cluster.startAll();
            cluster.awaitWhole().prepareLedger();
            var primary = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(100);
            var made = ServerCopy.laterFor(primary.version()).orElseThrow();
            var present = release(ServerCopy.builtFor(primary.version()).orElseThrow());
            var later = release(made);
            assertThat(later).isNotEqualTo(present);
            cluster.install(made);
            assertThatThrownBy(() -> primary.sql("alter extension pg_replica update")).as("before its library runs")
                    .hasMessageContaining("pgr_sql_later");

            var restart = Recipe.inReadme("Minor upgrades of PostgreSQL");
            var upgraded = new TreeMap<String, String>(Map.of("n1", present, "n2", present, "n3", present));
            awaitVersions(cluster, upgraded);
            for (var standby : cluster.others(primary)) {
                restart.getFirst().followOn(cluster, standby);
                upgraded.put(standby.name(), later);
                awaitVersions(cluster, upgraded);
                cluster.nodes().forEach(UpgradeTest::functionsAnswer);
                writer.awaitRows(20);
            }
            var mark = primary.logMark();
            restart.getLast().followOn(cluster, primary);
            upgraded.put(primary.name(), later);
            awaitVersions(cluster, upgraded);
            spokeInTheMixture(cluster, primary, mark);

            cluster.awaitWhole();
            cluster.nodes().forEach(UpgradeTest::functionsAnswer);
            var promoted = cluster.awaitPrimary();
            assertThat(extension(promoted)).isEqualTo(present);
            Recipe.inReadme("Upgrades of pg_replica").getFirst().followOn(cluster, promoted);
            assertThat(extension(promoted)).isEqualTo(later);
            for (var node : cluster.nodes()) {
                Await.condition(node + " has the new SQL", LIMIT, () -> extension(node).equals(later), node::describe);
                assertThat(node.sql("select pg_replica.later()").single()).isEqualTo("later");
                functionsAnswer(node);
            }
            writer.awaitRows(50).stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
            assertThat(Checks.longestSilenceMillis(writer.acknowledged())).isLessThan(LONGEST_HANDOVER_MILLIS);
            Checks.allNodesIdentical(cluster);
        }
    }

    private static String release(Path build) throws IOException {
        return Files.readString(build.resolve("pg_replica.control")).replaceAll("(?s).*default_version = '([^']*)'.*", "$1");
    }

    /** As every node sees them, itself and the others. */
    private static void awaitVersions(Cluster cluster, Map<String, String> versions) {
        for (var node : cluster.nodes()) {
            Await.condition(node + " sees " + versions, LIMIT, () -> node.sql(
                    "select string_agg(node || '=' || version, ', ' order by node) from pg_replica.members()").single()
                    .equals(versions.toString().replaceAll("[{}]", "")), node::describe);
        }
    }

    /** Version 1 with and among those that know no other; version 2, which has other signatures, as soon as both do. */
    private static void spokeInTheMixture(Cluster cluster, Node last, long upgradedAt) {
        for (var standby : cluster.others(last)) {
            assertThat(spoken(standby.log(), last)).as("by " + standby).containsSequence(1, 2).doesNotContainSequence(2, 1);
            for (var other : cluster.others(last)) {
                if (other != standby) assertThat(spoken(standby.log(), other)).contains(2);
            }
            assertThat(spoken(last.logSince(upgradedAt), standby).getLast()).isEqualTo(2);
        }
    }

    private static List<Integer> spoken(String log, Node with) {
        return log.lines().filter(line -> line.contains("pg_replica speaks version ") && line.contains('"' + with.name() + '"'))
                .map(line -> Integer.parseInt(line.replaceAll(".*speaks version (\\d+) .*", "$1"))).toList();
    }

    private static String extension(Node node) {
        return node.sql("select extversion from pg_extension where extname = 'pg_replica'").single();
    }

    /** All but failover(), which the recipe calls. */
    private static void functionsAnswer(Node node) {
        assertThat(node.sql("select node from pg_replica.status()").single()).isEqualTo(node.name());
        assertThat(node.sql("select count(*) from pg_replica.members() where role is not null").single()).isEqualTo("3");
        assertThat(node.sql("select count(*) > 0 and bool_and(reason is not null) from pg_replica.history()").single())
                .isEqualTo("t");
        assertThat(node.sql("select count(*) > 5 from pg_replica.rules()").single()).isEqualTo("t");
        assertThat(node.sql("select string_agg(problem, '; ') from pg_replica.check() where not ok").single()).isNull();
    }
}
