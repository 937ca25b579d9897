package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P10;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** A node that has gone its own way comes back: by rewind if possible, by clone if not, and never by losing its data first. */
@Tag("cluster")
@Timeout(300)
class RejoinTest {
    private static final int KEPT_SETS = 3;
    private static final int LINES_OF_AN_ATTEMPT = 10;

    /** Three failovers later, and what is taken away from it can be looked for. */
    @Test @Promise({P4, P7, P10, P11}) @Tag("essential")
    void aDivergedPrimaryIsRewound() throws IOException {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(former);
            Checks.commitUnreplicated(former, 20);
            former.kill();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            var fork = promoted.sql("select fork_lsn from pg_replica.history() order by timeline desc limit 1").single();
            cluster.startWriter().awaitRows(50).stop();
            for (int handover = 0; handover < 2; handover++) promoted = handOver(cluster, former, promoted);
            var older = keepOlderSets(former);

            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.sql("app", "select to_regclass('unreplicated')").single())
                    .as("what nobody else had").isNull();
            assertThat(Checks.dataFileIdentity(former)).as("rewound, not cloned").isEqualTo(files);
            assertThat(cluster.awaitPrimary().name()).isEqualTo(promoted.name());
            assertRewoundWalIsKept(cluster, former, fork, older);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static Node handOver(Cluster cluster, Node absent, Node primary) {
        cluster.others(primary).stream().filter(node -> node != absent).forEach(node -> node.awaitStreaming(Cluster.WHOLE_LIMIT));
        // A standby knows that it streams up to a fifth of a second before the primary has looked.
        Await.condition(primary + " takes a failover", Cluster.WHOLE_LIMIT, () -> accepts(primary), cluster::describe);
        return cluster.awaitPrimaryOtherThan(primary);
    }

    private static boolean accepts(Node primary) {
        try {
            primary.sql("select pg_replica.failover()");
            return true;
        } catch (HarnessException refused) {
            return false;
        }
    }

    /** As if it had been rewound before, the first of them the oldest. */
    private static List<Path> keepOlderSets(Node node) throws IOException {
        var sets = new ArrayList<Path>();
        for (int age = KEPT_SETS; age > 0; age--) {
            var set = Files.createDirectories(rewoundWal(node).resolve("1-0-" + age));
            Files.setLastModifiedTime(set, FileTime.from(Instant.now().minus(Duration.ofDays(age))));
            sets.add(set);
        }
        Account.forServers().own(rewoundWal(node));
        return sets;
    }

    private static Path rewoundWal(Node node) {
        return node.files().state().resolve("rewound");
    }

    /** Its commits are read back from there; the oldest set made room for it; log and check() name the place. */
    private static void assertRewoundWalIsKept(Cluster cluster, Node node, String fork, List<Path> older) throws IOException {
        List<Path> kept;
        try (var sets = Files.list(rewoundWal(node))) {
            kept = sets.sorted().toList();
        }
        assertThat(kept).hasSize(KEPT_SETS).containsAll(older.subList(1, KEPT_SETS)).doesNotContain(older.getFirst());
        var set = kept.stream().filter(path -> !older.contains(path)).findFirst().orElseThrow();
        // It ends with an error where the WAL ends.
        var dump = Exec.attempt(cluster.blueprint().install().command("pg_waldump", "--path", set.toString(), "--timeline", "2",
                "--start", fork, "--rmgr", "Transaction")).output();
        assertThat(dump.lines().filter(line -> line.contains("COMMIT")).count()).as("commits in\n" + dump)
                .isGreaterThanOrEqualTo(20);
        assertThat(node.log()).contains("kept the rewound WAL in \"" + set + "\"");
        assertThat(node.sql("select value from pg_replica.check() where setting = 'rewound WAL' and ok").single())
                .startsWith(KEPT_SETS + " kept in \"" + rewoundWal(node) + "\", ").doesNotContain(" 0 bytes");
    }

    /**
     * The WAL before its last checkpoint is gone, and pg_rewind needs it back to the checkpoint before the fork. What is
     * there of the WAL behind the fork is kept, as before a rewind.
     */
    @Test @Promise({P4, P7, P11})
    void withoutTheWalForARewindItIsCloned() throws IOException {
        try (var cluster = Cluster.of(3).set("wal_keep_size", "0").start()) {
            var former = cluster.awaitPrimary();
            var files = Checks.dataFileIdentity(former);
            Checks.divergeTooFarForARewind(former);
            cluster.awaitPrimaryOtherThan(former);

            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(Checks.dataFileIdentity(former)).as("cloned").isNotEqualTo(files);
            assertLastCommitsAreKept(cluster, former);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static void assertLastCommitsAreKept(Cluster cluster, Node node) throws IOException {
        List<Path> segments;
        try (var files = Files.walk(rewoundWal(node))) {
            segments = files.filter(file -> file.getFileName().toString().matches("[0-9A-F]{24}")).sorted().toList();
        }
        assertThat(segments).isNotEmpty();
        var dump = Exec.attempt(cluster.blueprint().install().command("pg_waldump", "--rmgr", "Transaction",
                segments.getLast().toString())).output();
        assertThat(dump.lines().filter(line -> line.contains("COMMIT")).count()).as("commits in\n" + dump)
                .isGreaterThanOrEqualTo(3);
        assertThat(node.sql("select value from pg_replica.check() where setting = 'rewound WAL' and ok").single())
                .startsWith("1 kept in \"" + rewoundWal(node) + "\", ");
    }

    /** A node whose data directory was replaced by a fresh one clones the cluster's data. */
    @Test @Promise({P7, P11}) @Tag("essential")
    void aWipedNodeClones() {
        try (var cluster = Cluster.of(3).start()) {
            var standby = cluster.others(cluster.awaitPrimary()).getFirst();
            standby.stop();
            standby.wipeData();
            standby.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            standby.stop();
            standby.wipeState();
            standby.wipeData();
            standby.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** First only its slot is gone, then the WAL that it needs as well. */
    @Test @Promise({P7, P10, P11})
    void aNodeThatWasAwayForLongIsClonedOnlyIfItMust() {
        try (var cluster = Cluster.of(3).set("wal_keep_size", "0").set("max_slot_wal_keep_size", "32MB").start()) {
            var primary = cluster.awaitPrimary();
            var node = cluster.others(primary).getFirst();
            var files = Checks.dataFileIdentity(node);
            var slot = "pg_replica_" + node;
            node.stop();
            awaitInactive(slot, primary);
            primary.sql("select pg_drop_replication_slot('" + slot + "')");
            node.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(primary.sql("select active from pg_replication_slots where slot_name = '" + slot + "'").single())
                    .isEqualTo("t");

            node.stop();
            awaitInactive(slot, primary);
            var needed = primary.sql("select pg_walfile_name(pg_current_wal_lsn())").single();
            long mark = primary.logMark();
            primary.sql("app", "create table passing (i int)");
            for (int segment = 0; segment < 5; segment++) {
                primary.sql("app", "insert into passing values (" + segment + ")");
                primary.sql("select pg_switch_wal()");
            }
            Await.condition("the WAL that " + node + " needs is gone", Cluster.WHOLE_LIMIT, () -> {
                primary.sql("checkpoint");
                return primary.sql("select min(name) > '" + needed + "' from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'")
                        .single().equals("t");
            }, primary::describe);
            primary.awaitLog("makes slot \"" + slot + "\" anew", mark, Cluster.WHOLE_LIMIT);
            assertThat(Checks.dataFileIdentity(node)).as("not cloned").isEqualTo(files);

            mark = node.logMark();
            node.start().awaitLog("cloning from " + primary + ": the WAL it needs next", mark, Cluster.WHOLE_LIMIT);
            node.awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(Checks.dataFileIdentity(node)).as("cloned").isNotEqualTo(files);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    private static void awaitInactive(String slot, Node primary) {
        Await.condition("nobody uses " + slot, Cluster.PRIMARY_LIMIT, () -> primary.sql(
                "select active from pg_replication_slots where slot_name = '" + slot + "'").single().equals("f"),
                primary::describe);
    }

    /** It says so elsewhere, tries again less and less often, and needs nobody when there is space. */
    @Test @Promise({P8, P10, P11})
    void aCloneThatFindsTheDiskFullWaitsForSpace() throws IOException {
        assumeTrue(Account.isRoot(), "mounting needs root");
        try (var cluster = Cluster.of(3).create()) {
            var node = cluster.nodes().getLast();
            try (var disk = SmallDisk.underData(node, 256)) {
                disk.fillBut(20);
                var files = Checks.dataFileIdentity(node);
                cluster.startAll();
                cluster.others(cluster.nodes().getFirst()).getFirst().awaitStreaming(Cluster.WHOLE_LIMIT);
                cluster.prepareLedger();
                var primary = cluster.awaitPrimary();
                Await.condition("three attempts", Cluster.WHOLE_LIMIT, () -> failures(node).size() >= 3, cluster::describe);
                SlowWork.awaitReason(primary, node, "clone: waiting for the next attempt: pg_basebackup from node \"n1\" failed: ",
                        cluster);
                assertThat(SlowWork.member(primary, node).get("reason")).contains("No space left on device");
                assertThat(Checks.dataFileIdentity(node)).as("the old data").isEqualTo(files);

                var failed = failures(node);
                assertThat(failed.get(1) - failed.getFirst()).as("log lines of an attempt").isLessThan(LINES_OF_AN_ATTEMPT);
                assertThat(failed.get(2) - failed.get(1)).as("log lines of an attempt").isLessThan(LINES_OF_AN_ATTEMPT);
                disk.free();
                node.awaitStreaming(Cluster.WHOLE_LIMIT);
                assertPausesGrow(node);
                cluster.awaitWhole();
                Checks.allNodesIdentical(cluster);
            }
        }
    }

    /** In which lines of the log. */
    private static List<Integer> failures(Node node) {
        var lines = node.log().lines().toList();
        return IntStream.range(0, lines.size()).filter(i -> lines.get(i).contains("pg_basebackup from node \"n1\" failed")).boxed()
                .toList();
    }

    /** One second, two, four. */
    private static void assertPausesGrow(Node node) {
        var lines = node.log().lines().toList();
        var times = failures(node).stream().map(line -> lines.get(line).substring(0, 23)).map(text ->
                LocalDateTime.parse(text, DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS"))).toList();
        for (int i = 1; i < times.size(); i++) {
            assertThat(Duration.between(times.get(i - 1), times.get(i))).as("pause after attempt " + i)
                    .isGreaterThanOrEqualTo(Duration.ofSeconds(1L << (i - 1)));
        }
    }

    @Test @Promise({P7, P8, P11}) @Tag("slow")
    void aCloneThatIsKilledAtAnyMomentIsTriedAgainAndTheOldDataIsThereMeanwhile() throws IOException {
        try (var cluster = Cluster.of(3).set("wal_keep_size", "0").start()) {
            var former = cluster.awaitPrimary();
            former.sql("app", "create table bulk as select i, repeat('x', 200) from generate_series(1, 600000) i");
            cluster.others(former).forEach(standby -> Checks.awaitReceived(standby, former));
            Checks.divergeTooFarForARewind(former);
            cluster.awaitPrimaryOtherThan(former);

            long seed = System.currentTimeMillis();
            var random = new Random(seed);
            for (int attempt = 0; attempt < 8; attempt++) {
                long until = System.nanoTime() + random.nextLong(100, 2500) * 1_000_000;
                former.start();
                Await.condition("the moment of the kill", Cluster.PRIMARY_LIMIT, () -> System.nanoTime() >= until, () -> "");
                former.kill();
                assertThat(completeDataDirectories(cluster, former)).as("complete data directories, seed " + seed).isNotEmpty();
            }
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Directories below the node's home whose control file is valid and that hold the big table. */
    private static List<Path> completeDataDirectories(Cluster cluster, Node node) throws IOException {
        var install = cluster.blueprint().install();
        try (var paths = Files.walk(node.files().home(), 4)) {
            return paths.filter(path -> path.endsWith("global/pg_control")).map(path -> path.getParent().getParent())
                    .filter(data -> Exec.attempt(install.command("pg_controldata", "-D", data.toString())).ok())
                    .filter(data -> sizeOf(data) > 100_000_000).toList();
        }
    }

    private static long sizeOf(Path directory) {
        try (var files = Files.walk(directory.resolve("base"))) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        } catch (IOException failure) {
            return 0;
        }
    }
}
