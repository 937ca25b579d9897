package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P13;
import static pgreplica.clustertests.P.P4;

import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;

/** The operator's own question to the primary (lesson 32). */
@Tag("cluster")
@Timeout(180)
class HealthCheckTest {
    private static final String COMMAND = "pg_replica.health_check_command";
    private static final int GRACE_SECONDS = 5;
    /** The grace, what a run is behind, and a command that is waited for. */
    private static final Duration FOUND_WITHIN = Duration.ofSeconds(3 * GRACE_SECONDS);

    /** Passes on every node that the table does not name. */
    private static final String CHECK = """
            create table sick (node text primary key);
            create function check_application() returns void language plpgsql as $$
            begin
              if exists (select from sick where node = current_setting('pg_replica.node_name')) then
                raise exception 'the application is not served well';
              end if;
            end $$""";

    @Test @Promise({P4, P11, P13})
    void aPrimaryThatDoesNotServeWellHandsOverAndLosesNothing() {
        try (var cluster = cluster()) {
            var former = awaitPassing(cluster.awaitPrimary());
            var files = Checks.dataFileIdentity(former);
            var writer = cluster.startWriter().awaitRows(50);
            long mark = former.logMark();

            former.sql("insert into sick values ('" + former + "')");
            var promoted = cluster.awaitPrimaryOtherThan(former);
            assertThat(former.logSince(mark)).contains("the application is not served well")
                    .contains("does not pass: its exit status was 1").contains("asks for a failover")
                    .contains("handing over to " + promoted);
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            assertThat(former.logSince(mark)).as("it had nothing that the new primary had not")
                    .doesNotContain("rewinding to ");
            awaitPassing(promoted);
            assertThat(health(former)).containsExactly(List.of("is run on the primary", "t"));
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(promoted)).as("lost by a handover").isEmpty();
            assertThat(Checks.dataFileIdentity(former)).as("not cloned").isEqualTo(files);
        }
    }

    /** A check that asks for what is nowhere must not send the cluster round in circles. */
    @Test @Promise({P11, P13})
    void aCheckThatPassesNowhereCostsOneFailover() {
        try (var cluster = cluster()) {
            var former = awaitPassing(cluster.awaitPrimary());
            former.sql("insert into sick values ('n1'), ('n2'), ('n3')");
            var promoted = cluster.awaitPrimaryOtherThan(former);
            Await.condition("check() tells it", FOUND_WITHIN,
                    () -> health(promoted).equals(List.of(List.of("does not pass", "f"))), promoted::log);
            var writer = cluster.startWriter().awaitRows(50);
            Await.staysTrue("it stays", Duration.ofSeconds(2 * GRACE_SECONDS), promoted::isWritable, cluster::describe);

            promoted.sql("delete from sick");
            awaitPassing(promoted);
            writer.awaitRows(20).stop();
        }
    }

    /** Nor is a command waited for that does not end. */
    @Test @Promise({P11, P13})
    void aPrimaryThatNobodyCanReplaceGoesOn() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            for (var standby : cluster.others(primary)) {
                standby.reconfigure(Map.of("pg_replica.priority", "0"));
                standby.restart();
            }
            cluster.awaitWhole();
            configure(primary, "true");
            awaitPassing(primary);
            var writer = cluster.startWriter().awaitRows(50);
            long mark = primary.logMark();

            configure(primary, "sleep 1001; true");
            Await.condition("the command is run", FOUND_WITHIN, () -> !primary.processesTitled("sleep 1001").isEmpty(),
                    primary::describe);
            primary.awaitLog("it did not end within " + GRACE_SECONDS + "000 ms", mark, FOUND_WITHIN);
            primary.awaitLog("pg_replica was refused its failover: no standby can take over", mark, FOUND_WITHIN);
            configure(primary, "");
            Await.condition("the command has ended", FOUND_WITHIN,
                    () -> primary.processesTitled("sleep 1001").isEmpty(), primary::describe);
            assertThat(health(primary)).isEmpty();
            writer.awaitRows(50).stop();
            assertThat(cluster.awaitPrimary()).isEqualTo(primary);
        }
    }

    private static Cluster cluster() {
        var cluster = Cluster.of(3).start();
        try {
            cluster.awaitPrimary().sql(CHECK);
            for (var node : cluster.nodes()) {
                configure(node, node.program("psql") + " -XAtq -U " + cluster.blueprint().options().superuser()
                        + " -d postgres -c \"select check_application()\"");
            }
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }

    private static void configure(Node node, String command) {
        node.reconfigure(Map.of(COMMAND, command, "pg_replica.health_check_grace", GRACE_SECONDS + "s"));
        node.sql("select pg_reload_conf()");
    }

    private static Node awaitPassing(Node primary) {
        Await.condition("the check passes on " + primary, FOUND_WITHIN,
                () -> health(primary).equals(List.of(List.of("passes", "t"))), () -> health(primary).toString());
        return primary;
    }

    private static List<List<String>> health(Node node) {
        return node.sql("select value, ok from pg_replica.check() where setting = 'health check'").values();
    }
}
