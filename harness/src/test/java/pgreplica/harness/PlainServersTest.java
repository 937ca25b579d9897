package pgreplica.harness;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.harness.NodeStatus.Life.DOWN;
import static pgreplica.harness.NodeStatus.Life.FROZEN;
import static pgreplica.harness.NodeStatus.Life.RUNNING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import pgreplica.harness.run.SharedMemory;

/** The harness itself, on ordinary servers without the extension: what it breaks is broken, what it counts is right. */
@Tag("postgres")
class PlainServersTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static Cluster cluster;

    private final Node node = cluster.node("n1");
    private final Node bystander = cluster.node("n2");

    @BeforeAll static void start() {
        cluster = Cluster.of(2).plain().start();
    }

    @AfterAll static void stop() {
        var home = cluster.blueprint().home();
        cluster.close();
        assertThat(home).doesNotExist();
        assertThat(cluster.node("n1").processes()).isEmpty();
    }

    @BeforeEach void running() {
        if (node.life() != RUNNING) node.kill();
        if (node.life() == DOWN) node.start();
        node.awaitRole(NodeStatus.Role.PRIMARY, LIMIT);
    }

    @Test void everyAcknowledgedRowIsThereAndARowThatIsNotIsMissed() {
        var writer = cluster.startWriter(Writer.Options.pinnedTo(node)).awaitRows(50).stop();
        assertThat(writer.acknowledgedButMissingFrom(node)).isEmpty();
        var removed = writer.acknowledged().get(20);
        node.sql("app", "delete from ledger where connection = " + removed.connection() + " and id = " + removed.id());
        assertThat(writer.acknowledgedButMissingFrom(node)).containsExactly(removed);
    }

    @Test void killedIsGoneAndNobodyElseIs() {
        node.kill();
        assertThat(node.life()).isEqualTo(DOWN);
        assertThat(node.processes()).isEmpty();
        assertThat(bystander.life()).isEqualTo(RUNNING);
    }

    /** Identifiers of it are few (kernel.shmmni), and nothing but Postgres's next start would remove it. */
    @Test void theSharedMemoryOfKilledServersIsRemovedWithTheCluster(@TempDir Path kept) throws IOException {
        var notes = kept.resolve("notes");
        try (var another = Cluster.of(2).plain().start()) {
            // More statistics than fit into what the postmaster maps.
            for (var victim : another.nodes()) {
                victim.sql("do $$ begin for i in 1..2000 loop "
                        + "execute format('create table t%s as select 1 as a', i); end loop; end $$");
            }
            another.node("n1").kill();
            another.node("n2").killPostmaster();
            for (var victim : another.nodes()) {
                Files.write(notes, SharedMemory.left(victim.files().sharedMemory()), CREATE, APPEND);
            }
            assertThat(Files.readAllLines(notes)).as("of each server a System V segment, a list, and one listed")
                    .hasSizeGreaterThanOrEqualTo(6);
        }
        assertThat(SharedMemory.left(notes)).isEmpty();
    }

    @Test void aWriterSeesTheOutageOfAKilledServer() {
        var writer = cluster.startWriter(Writer.Options.following(java.util.List.of(node))).awaitRows(20);
        long killed = node.kill();
        node.start();
        writer.awaitRowAfter(System.nanoTime(), name -> name.equals("n1"), LIMIT);
        assertThat(writer.outageAfter(killed).orElseThrow().millis()).isBetween(50.0, 20_000.0);
        assertThat(writer.stop().acknowledgedButMissingFrom(node)).isEmpty();
    }

    @Test void orphansOfAKilledPostmasterAreFound() throws Exception {
        try (var session = pgreplica.harness.wire.Session.open(node.superuser("postgres"), LIMIT)) {
            var busy = Thread.ofVirtual().start(() -> assertThatThrownBy(() -> session.query(
                    "do $$ begin for i in 1..2000000000 loop end loop; end $$", Duration.ofMinutes(1))));
            Await.condition("a busy backend", LIMIT, () -> node.sql("select count(*) from pg_stat_activity"
                    + " where query like 'do $$%' and state = 'active'").single().equals("1"), node::describe);
            node.killPostmaster();
            assertThat(node.processes()).anyMatch(entry -> entry.pid() == session.backendPid());
            assertThat(node.life()).isEqualTo(NodeStatus.Life.ORPHANED);
            node.kill();
            assertThat(node.life()).isEqualTo(DOWN);
            busy.join();
        }
    }

    @Test void frozenIsSilentAndGoesOnAfterTheThaw() {
        var writer = cluster.startWriter(Writer.Options.pinnedTo(node)).awaitRows(10);
        long frozen = node.freeze();
        assertThat(node.life()).isEqualTo(FROZEN);
        assertThat(node.status().role()).isEqualTo(NodeStatus.Role.SILENT);
        int before = writer.count();
        Await.staysTrue("nothing is acknowledged", Duration.ofMillis(500), () -> writer.count() <= before + 2, node::describe);
        node.thaw();
        writer.awaitRows(10);
        assertThat(writer.outageAfter(frozen).orElseThrow().millis()).isGreaterThan(500);
    }

    @Test void stoppedByTheBookNeedsNoRecovery() {
        long mark = node.logMark();
        node.restart();
        node.awaitRole(NodeStatus.Role.PRIMARY, LIMIT);
        assertThat(node.logSince(mark)).contains("received fast shutdown request").doesNotContain("not properly shut down");
    }

    @Test void aWaitThatRunsOutShowsStatusAndLog() {
        assertThatThrownBy(() -> node.awaitStreaming(Duration.ofMillis(50)))
                .isInstanceOf(HarnessException.class)
                .hasMessageContaining("n1 is a streaming standby")
                .hasMessageContaining("n1: primary")
                .hasMessageContaining("database system is ready to accept connections");
    }

    @Test void twoServersWithDifferentDataDiffer() {
        node.sql("create table if not exists only_here (i int)");
        assertThat(Fidelity.fingerprints(node)).isNotEqualTo(Fidelity.fingerprints(bystander));
        assertThat(Fidelity.fingerprints(node)).isEqualTo(Fidelity.fingerprints(node));
    }

    @Test void wipedIsFreshAndKeepsItsConfiguration() throws Exception {
        var other = cluster.node("n2");
        var identifier = other.status().server().orElseThrow().systemIdentifier();
        assertThatThrownBy(other::wipeData).hasMessageContaining("n2 is running");
        other.stop();
        Files.writeString(other.files().state().resolve("ballot"), "x");
        other.wipeState();
        other.wipeData();
        assertThat(other.files().state()).isEmptyDirectory();
        other.start().awaitRole(NodeStatus.Role.PRIMARY, LIMIT);
        assertThat(other.status().server().orElseThrow().systemIdentifier()).isNotEqualTo(identifier);
    }

    @Test void theCommandLineReachesTheSameCluster() {
        var reopened = Cluster.open(cluster.blueprint().home());
        assertThat(reopened.blueprint()).isEqualTo(cluster.blueprint());
        assertThat(reopened.node("n1").postmaster()).isEqualTo(node.postmaster());
    }
}
