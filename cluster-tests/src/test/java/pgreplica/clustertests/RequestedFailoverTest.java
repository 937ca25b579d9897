package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.clustertests.P.P4;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;

/** An operator wants another primary. */
@Tag("cluster")
@Timeout(200)
class RequestedFailoverTest {

    /** Asynchronous: what the standbys have not received would be lost, and the primary has no fault. */
    @Test @Promise(P4)
    void aPrimaryIsNotGivenUpForStandbysThatLackItsLastCommits() {
        try (var cluster = Cluster.of(3).start()) {
            var n1 = cluster.awaitPrimary();
            var writer = cluster.startWriter().awaitRows(50);
            cluster.others(n1).forEach(Quorums::stopReceiving);
            writer.awaitRows(50);
            assertThatThrownBy(() -> n1.sql("select pg_replica.failover()")).hasMessageContaining("still lacks")
                    .hasMessageContaining("the primary goes on");
            writer.awaitRows(50);
            assertThat(cluster.awaitPrimary()).isEqualTo(n1);
            cluster.nodes().forEach(Quorums::thaw);
            cluster.awaitWhole();
            writer.awaitRows(50);
            n1.sql("select pg_replica.failover()");
            var next = cluster.awaitPrimaryOtherThan(n1);
            writer.awaitRows(20).stop();
            assertThat(writer.acknowledgedButMissingFrom(next)).isEmpty();
            cluster.awaitWhole();
        }
    }
}
