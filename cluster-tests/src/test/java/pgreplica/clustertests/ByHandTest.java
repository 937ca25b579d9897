package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P5;
import static pgreplica.clustertests.P.P7;

import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Writer;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** A standby is promoted as if it were in no cluster. */
@Tag("cluster")
@Timeout(200)
class ByHandTest {
    /** Safety rule A3: no appointment explains its timeline, so it takes no writes, and is cloned instead of rewound. */
    @Test @Promise({P2, P5, P7})
    void whoIsPromotedByHandTakesNoWritesAndIsCloned() {
        try (var cluster = Cluster.of(3).start()) {
            cluster.prepareLedger();
            var primary = cluster.awaitWhole().awaitPrimary();
            var standby = cluster.others(primary).getFirst();
            assertThatThrownBy(() -> standby.sql("select pg_promote()")).hasMessageContaining("pg_replica.failover()");

            var pinned = cluster.startWriter(Writer.Options.pinnedTo(standby));
            var writer = cluster.startWriter().awaitRows(50);
            long mark = standby.logMark();
            Exec.run(cluster.blueprint().install().inItsSystem(Account.forServers().command(
                    List.of(standby.program("pg_ctl"), "promote", "-W", "-D", standby.files().data().toString()))));
            standby.awaitLog("pg_replica clones this node from", mark, Cluster.WHOLE_LIMIT);
            standby.awaitStreaming(Cluster.WHOLE_LIMIT);
            writer.awaitRows(50);
            assertThat(pinned.stop().acknowledged()).as("acknowledged by " + standby).isEmpty();
            assertThat(cluster.awaitWhole().awaitPrimary()).as("nothing happened to it").isEqualTo(primary);
            assertThat(writer.stop().acknowledgedButMissingFrom(primary)).isEmpty();
            Checks.allNodesIdentical(cluster);
        }
    }
}
