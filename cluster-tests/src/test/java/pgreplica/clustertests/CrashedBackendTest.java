package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;

/** One backend is killed: Postgres recovers by itself, and has commits that no standby has. It gets the time for that. */
@Tag("cluster")
class CrashedBackendTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    @Test @Promise({P4, P11}) @Timeout(180) @Tag("essential")
    void inAsyncModeThePrimaryComesBackWithEveryAcknowledgedCommit() throws Exception {
        try (var cluster = Cluster.of(3).start()) {
            var primary = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(100);
            var session = Session.open(primary.superuser("postgres"), LIMIT);

            // Until the crash no standby receives what is committed from here on.
            primary.freezeTitled("walsender");
            writer.awaitRows(50);
            var marks = cluster.others(primary).stream().collect(Collectors.toMap(Function.identity(), Node::logMark));
            ProcessTable.signal("KILL", List.of((long) session.backendPid()));
            long killed = System.nanoTime();
            session.abandon();
            // The postmaster waits for its walsenders as it would for the end of many processes. In this time another
            // leader is elected, which knows from the node worker's last word that this server will be back.
            Await.condition("another leader waits for " + primary, LIMIT,
                    () -> marks.entrySet().stream().anyMatch(at -> at.getKey().logSince(at.getValue()).contains("rule 80:")),
                    cluster::describe);
            primary.thaw();

            writer.awaitRowAfter(killed, node -> true, Cluster.PRIMARY_LIMIT);
            writer.awaitRows(50).stop();
            var now = cluster.awaitPrimary();
            assertThat(now.name()).as("the same node, within its grace").isEqualTo(primary.name());
            assertThat(writer.acknowledgedButMissingFrom(now)).isEmpty();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }
}
