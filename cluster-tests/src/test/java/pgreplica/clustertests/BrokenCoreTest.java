package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P14;
import static pgreplica.clustertests.P.P2;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.Writer;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;

/** The core breaks, as compiled Java can: the worker leaves and starts anew, and nobody else notices. */
@Tag("cluster")
class BrokenCoreTest {
    private static final Duration LIMIT = Duration.ofSeconds(15);

    @Test @Promise({P14, P11}) @Timeout(300)
    void whateverItDiesOfTheServerAndItsClientsGoOn() throws Exception {
        var ways = new LinkedHashMap<String, String>();
        ways.put("division by zero", "SIGFPE");
        ways.put("endless recursion", "SIGSEGV");
        ways.put("out of heap", "SIGABRT");
        ways.put("broken invariant", "broken invariant: it was told to");
        ways.put("changed state", "a collection changed the state");
        try (var cluster = Cluster.of(3).breakable().start()) {
            var writer = cluster.startWriter().awaitRows(50);
            for (var way : ways.entrySet()) {
                outlives(cluster.awaitPrimary(), way.getKey(), way.getValue());
                cluster.awaitWhole();
                outlives(cluster.others(cluster.awaitPrimary()).getFirst(), way.getKey(), way.getValue());
                cluster.awaitWhole();
                writer.awaitRows(50);
            }
            writer.stop();
            assertThat(writer.acknowledgedButMissingFrom(cluster.awaitPrimary())).isEmpty();
        }
    }

    private static void outlives(Node node, String way, String words) throws Exception {
        try (var session = Session.open(node.application(), LIMIT)) {
            long worker = node.worker().orElseThrow();
            long postmaster = node.postmaster().orElseThrow();
            long mark = node.logMark();
            node.breakCore(way);
            node.awaitLog("pg_replica node worker leaves: ", mark, LIMIT);
            assertThat(session.query("select 1", LIMIT).single()).as("a session of " + node + " after " + way).isEqualTo("1");
            Await.condition(node + " has another worker after " + way, LIMIT,
                    () -> node.worker().filter(another -> another != worker).isPresent(), node::describe);
            assertThat(node.logSince(mark)).contains(words)
                    .doesNotContain("terminating any other active server processes").doesNotContain("was terminated by signal");
            assertThat(node.postmaster()).contains(postmaster);
            // A worker that left several times in a row takes its time, and until it speaks nobody knows who will be primary.
            Await.condition("the new worker of " + node + " speaks after " + way, LIMIT,
                    () -> node.logSince(mark).split("worker leaves: ", 2)[1].contains("[term "), node::describe);
        }
    }

    /** Nothing of it renews the lease, and nobody has to do anything about that. */
    @Test @Promise({P14, P2}) @Timeout(180)
    void aCoreThatNeverReturnsLosesItsLease() throws Exception {
        try (var cluster = Cluster.of(3).breakable().start()) {
            var former = cluster.awaitPrimary();
            var pinned = cluster.startWriter(Writer.Options.pinnedTo(former)).awaitRows(50);
            var writer = cluster.startWriter().awaitRows(50);
            long mark = former.logMark();

            // The watchdog would bring a new worker so soon that this node keeps its place (B3).
            former.freezeTitled("watchdog");
            long broken = former.breakCore("endless loop");
            var promoted = cluster.awaitPrimaryOtherThan(former);
            writer.awaitRowAfter(broken, node -> node.equals(promoted.name()), Cluster.PRIMARY_LIMIT);
            Checks.acknowledgedNothingAfterTheLease(pinned, former, broken);
            former.thaw();

            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.logSince(mark)).doesNotContain("terminating any other active server processes");
            cluster.awaitWhole();
            Checks.nothingAcknowledgedByBoth(writer.stop(), pinned.stop(), former, promoted);
            Checks.allNodesIdentical(cluster);
        }
    }

    /** A postmaster with a crash waits five seconds for its children before it kills them, and serves nobody meanwhile. */
    @Test @Promise({P14, P11}) @Timeout(180)
    void aCrashDoesNotWaitForACoreThatNeverReturns() throws Exception {
        try (var cluster = Cluster.of(3).breakable().start()) {
            var node = cluster.awaitPrimary();
            var session = Session.open(node.superuser("postgres"), LIMIT);
            long mark = node.logMark();

            node.breakCore("endless loop");
            ProcessTable.signal("KILL", List.of((long) session.backendPid()));
            session.abandon();

            node.awaitLog("terminating any other active server processes", mark, LIMIT);
            node.awaitLog("starting PostgreSQL", mark, LIMIT);
            assertThat(node.logSince(mark)).doesNotContain("issuing SIGKILL");
            cluster.awaitWhole();
        }
    }
}
