package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.P.P7;

import java.util.HashSet;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;

/**
 * A WAL receiver that is in the middle of a write when its node reports how far it is. What it holds is confirmed to
 * nobody, and flushed all the same, when the leader has long compared the position and told the node to follow.
 */
@Tag("cluster") @Tag("quorum")
@Timeout(180)
class LateFlushTest {
    /**
     * n2's WAL receiver waits for its disk, n3 takes over without those bytes, and n2 gets past the fork. Nobody has it
     * rewound yet, because its worker hangs; n4 follows, and n5, whose WAL receiver hangs, would be the second.
     */
    @Test @Promise({P3, P7, P11})
    void whatIsFlushedAfterTheReportConfirmsNothing() throws Exception {
        assumeTrue(Account.isRoot(), "mounting needs root");
        try (var cluster = Quorums.of(5).create()) {
            var n1 = cluster.node("n1");
            var n2 = cluster.node("n2");
            var n3 = cluster.node("n3");
            var n5 = cluster.node("n5");
            n3.reconfigure(Map.of("pg_replica.priority", "200"));
            try (var disk = FaultyDisk.under(n2, n2.files().data(), "1G")) {
                cluster.startAll();
                cluster.awaitWhole();
                cluster.prepareLedger();
                assertThat(cluster.awaitPrimary().name()).isEqualTo(n1.name());
                Quorums.awaitOneMind(cluster, 2, cluster.others(n1));

                stopSending(cluster, n1);
                disk.hang();
                writeFor(n2, n1);
                Quorums.stopReceiving(n5);
                n1.kill();
                n2.awaitLog("following n3 on timeline", 0, Cluster.PRIMARY_LIMIT);
                n2.freezeTitled("pg_replica watchdog");
                n2.freezeWorker();
                disk.goOn();
                Await.condition("n2 finds itself past the fork, or n3 serves", Cluster.PRIMARY_LIMIT,
                        () -> n2.log().contains("The leader has it rewound.") || n3.isWritable(), cluster::describe);
                assertThat(n3.isWritable()).as("served with one node that follows, where commits wait for two").isFalse();

                Quorums.thaw(n2, n5);
                n1.start();
                cluster.awaitWhole();
                assertThat(n2.log()).contains("rewinding to n3").doesNotContain("cloning from n3");
                Checks.allNodesIdentical(cluster);
            }
        }
    }

    /**
     * Ends with all walsenders of the primary stopped, and each standby with the same WAL. Hints are logged while nobody
     * writes: what some had and n2 was just about to write would be no more than the others hold.
     */
    private static void stopSending(Cluster cluster, Node primary) {
        Await.condition("the standbys of " + primary + " hold the same", Quorums.LIMIT, () -> {
            primary.freezeTitled("walsender");
            var positions = new HashSet<>(primary.sql("select sent_lsn from pg_stat_replication").column(0));
            for (var standby : cluster.others(primary)) {
                positions.add(standby.sql("select pg_last_wal_receive_lsn()").single());
            }
            if (positions.size() == 1) return true;
            ProcessTable.signal("CONT", primary.processesTitled("walsender"));
            return false;
        }, cluster::describe);
    }

    /** WAL that the primary sends to this standby alone, and that nobody waits for. */
    private static void writeFor(Node standby, Node primary) throws Exception {
        var sender = " from pg_stat_replication where application_name like '" + standby + "\\_%'";
        try (var session = Session.open(primary.superuser("app"), Quorums.LIMIT)) {
            session.query("begin; create table unconfirmed as select generate_series(1, 20000)", Quorums.LIMIT);
            // The first message has whole records then: what ends within its first one leads nobody past the fork.
            Await.condition(primary + " has flushed 256 kB that nobody was sent", Quorums.LIMIT,
                    () -> primary.sql("select pg_current_wal_flush_lsn() - sent_lsn > 256 * 1024" + sender).single().equals("t"),
                    primary::describe);
            var end = primary.sql("select pg_current_wal_flush_lsn()").single();
            ProcessTable.signal("CONT", List.of(Long.valueOf(primary.sql("select pid" + sender).single())));
            Await.condition(primary + " has sent " + end + " to " + standby, Quorums.LIMIT,
                    () -> primary.sql("select sent_lsn >= '" + end + "'" + sender).single().equals("t"), primary::describe);
        }
    }
}
