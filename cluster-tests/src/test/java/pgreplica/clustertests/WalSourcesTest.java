package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P6;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

/** WAL comes from the primary that the cluster appointed, and from nowhere else. */
@Tag("cluster")
@Timeout(200)
class WalSourcesTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    /** Later the node is started anew because it does not reach its new primary, and that would end the stream too. */
    private static final Duration SEALED = Duration.ofSeconds(2);
    private static final String SENDERS = "select application_name from pg_stat_replication";

    /** Safety rule A7: nothing ends the former primary's side of the streams, its worker and its watchdog hang. */
    @Test @Promise(P6)
    void whoVotedReceivesNothingMoreFromTheFormerPrimary() {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            assertThat(former.sql(SENDERS).column(0)).as("who streams from " + former).hasSize(2);
            former.freezeTitled("pg_replica watchdog");
            former.freezeWorker();
            cluster.awaitPrimaryOtherThan(former);
            Await.condition("nobody streams from " + former, SEALED, () -> former.sql(SENDERS).values().isEmpty(),
                    () -> former.sql(SENDERS).values() + "\n" + cluster.describe());
        }
    }

    /** Safety rule B18. Whoever names itself after a node is let in by exactly that name, and only by the primary. */
    @Test @Promise(P6)
    void onlyNamesOfTheClusterAreAdmitted() {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var standby = cluster.others(primary).getFirst();
            var name = primary.sql(SENDERS).column(0).getFirst();
            assertThat(connect(cluster, primary, name)).as("the name of a standby").contains("systemid");
            assertThat(connect(cluster, standby, name)).as("the same, but not at the primary")
                    .contains("does not admit replication connection \"" + name + "\"", "not serving as the primary");
            for (var unknown : List.of(name + "9", name.replaceAll("_t\\d+", ""), "other_i1_t1")) {
                assertThat(connect(cluster, primary, unknown)).as(unknown).contains("has not admitted this name");
            }

            assertThat(connect(cluster, standby, "backup")).as("a backup").contains("systemid");
            Quorums.reconfigure(cluster, Map.of("pg_replica.allow_other_replication", "off"));
            Await.condition("no backup is let in any more", LIMIT,
                    () -> connect(cluster, standby, "backup").contains("pg_replica.allow_other_replication is off"),
                    standby::describe);
            assertThat(connect(cluster, primary, name)).as("the name of a standby").contains("systemid");
        }
    }

    private static String connect(Cluster cluster, Node node, String name) {
        var target = node.superuser("postgres");
        return Exec.attempt(cluster.blueprint().install().command("psql", "-X", "-c", "IDENTIFY_SYSTEM",
                "host=" + target.host() + " port=" + target.port() + " user=" + target.user()
                + " replication=true application_name=" + name)).output();
    }

    /** Safety rule B2: an archive can hold what the cluster abandoned. */
    @Test @Promise({P6, P7})
    void anArchiveIsNeverAsked() throws IOException {
        try (var cluster = Cluster.of(3).create()) {
            var asked = directory(cluster.nodes().getFirst());
            for (var node : cluster.nodes()) {
                node.reconfigure(Map.of("restore_command", "touch " + asked + "/" + node + "-%f; false"));
            }
            cluster.startAll();
            var former = cluster.awaitWhole().awaitPrimary();
            former.kill();
            cluster.awaitPrimaryOtherThan(former);
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(asked).as("what an archive was asked for").isEmptyDirectory();
        }
    }

    /** Safety rule B2: of a promotion that did not happen the next start finds a history that leads nowhere. */
    @Test @Promise({P7, P11})
    void aPromotionThatDidNotHappenLeavesNothing() throws IOException {
        try (var cluster = Cluster.of(3).start()) {
            var standby = cluster.others(cluster.awaitPrimary()).getFirst();
            standby.stop();
            var left = Files.writeString(standby.files().data().resolve("pg_wal/00000009.history"),
                    "# pg_replica placeholder: timeline 9 was never used; it only keeps the number.\n"
                    + "8\t0/1\tplaceholder of pg_replica\n");
            Account.forServers().own(left);
            standby.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(left).doesNotExist();
        }
    }

    private static Path directory(Node node) throws IOException {
        var directory = Files.createDirectory(node.files().home().resolve("asked"));
        Account.forServers().own(directory);
        return directory;
    }
}
