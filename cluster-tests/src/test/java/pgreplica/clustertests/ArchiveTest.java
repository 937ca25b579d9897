package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P4;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;

/**
 * The archive of WAL is whole after a failover, also when the former primary had archived nothing for a while
 * (lesson 34). With {@code archive_mode = on} no standby does it in its place.
 */
@Tag("cluster")
@Timeout(200)
class ArchiveTest {
    private static final int SEGMENTS = 5;
    private static final int SEGMENT_BYTES = 16 * 1024 * 1024;

    @Test @Promise({P4, P11})
    void aFormerPrimaryThatFollowsArchivesWhatItHadNot() throws IOException {
        try (var cluster = Cluster.of(3).set("archive_mode", "on").set("archive_command", "false").start()) {
            var former = cluster.awaitPrimary();
            var segments = fillSegments(former);
            former.sql("select pg_replica.failover()");
            cluster.awaitPrimaryOtherThan(former);
            cluster.awaitWhole();
            awaitArchived(cluster, former, segments, openArchive(cluster, former));
        }
    }

    /** It had one more commit than the others, so the segments are taken away from it. */
    @Test @Promise({P4, P11})
    void aFormerPrimaryThatIsRewoundArchivesWhatItHadNot() throws IOException {
        try (var cluster = Cluster.of(3).set("archive_mode", "on").set("archive_command", "false").start()) {
            var former = cluster.awaitPrimary();
            var segments = fillSegments(former);
            cluster.awaitWhole();
            Checks.commitUnreplicated(former, 20);
            former.kill();
            cluster.awaitPrimaryOtherThan(former);
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.log()).contains("rewinding to ");
            assertThat(unarchived(former)).as("check() tells it").startsWith("f: ").endsWith(" files");
            awaitArchived(cluster, former, segments, openArchive(cluster, former));
        }
    }

    private static List<String> fillSegments(Node primary) {
        var segments = new ArrayList<String>();
        for (int i = 0; i < SEGMENTS; i++) {
            segments.add(primary.sql("select pg_walfile_name(pg_current_wal_lsn())").single());
            primary.sql("create table filled" + i + " (i int); select pg_switch_wal()");
        }
        return segments;
    }

    /** From now on all nodes can archive. As usual, a command that replaces nothing. */
    private static Path openArchive(Cluster cluster, Node node) throws IOException {
        var archive = Files.createDirectory(node.files().home().resolve("archive"));
        Account.forServers().own(archive);
        Quorums.reconfigure(cluster, Map.of("archive_command",
                "test ! -e " + archive + "/%f && cp %p " + archive + "/%f"));
        return archive;
    }

    private static void awaitArchived(Cluster cluster, Node former, List<String> segments, Path archive) {
        Await.condition("nothing is left, and nothing is tried again", Quorums.LIMIT,
                () -> unarchived(former).equals("t: none") && !isLeft(former), former::describe);
        for (var segment : segments) assertThat(archive.resolve(segment)).hasSize(SEGMENT_BYTES);
        cluster.awaitWhole();
    }

    private static String unarchived(Node node) {
        return node.sql("select concat(ok, ': ', value) from pg_replica.check() where setting = 'unarchived WAL'").single();
    }

    private static boolean isLeft(Node node) {
        return node.sql("select pg_ls_dir('pg_wal/archive_status')").column(0).stream()
                .anyMatch(name -> name.endsWith(".ready"));
    }
}
