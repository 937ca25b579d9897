package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.wire.Session;

/**
 * Data that is not all in the data directory: a tablespace and pg_wal lie elsewhere, behind symbolic links. All nodes
 * are on one machine here, so that each needs another place for the tablespace.
 */
@Tag("cluster")
@Timeout(300)
class TablespacesTest {
    private static final String LACKS_SESSION = "remaining connection slots are reserved";

    private Cluster cluster;
    private Node founder;
    private Node linked;
    private Node unlinked;
    private String oid;

    /** A single server with data in a tablespace, and two fresh ones, of which one has a link for it. */
    @BeforeEach void aServerWithATablespace() throws IOException {
        cluster = Cluster.of(3).set("wal_keep_size", "0").set("max_connections", "16").create();
        founder = cluster.node("n1");
        linked = cluster.node("n2");
        unlinked = cluster.node("n3");
        for (var node : cluster.nodes()) {
            own(Files.createDirectory(place(node)));
            moveWalAway(node);
        }
        founder.reconfigure(Map.of("shared_preload_libraries", ""));
        founder.start().awaitAccepting(Cluster.PRIMARY_LIMIT);
        founder.sql("app", "create tablespace space location '" + place(founder) + "'");
        founder.sql("app", "create table far (i int, filler text) tablespace space");
        founder.sql("app", "insert into far select i, repeat('x', 100) from generate_series(1, 20000) i");
        oid = founder.sql("select oid from pg_tablespace where spcname = 'space'").single();
        founder.stop();
        founder.reconfigure(Map.of());
        link(linked, place(linked));
    }

    @AfterEach void stop() {
        cluster.close();
    }

    @Test @Promise({P7, P8, P11})
    void eachNodeKeepsItsPlacesThroughCloneAndRewind() throws IOException {
        cluster.startAll();
        linked.awaitStreaming(Cluster.WHOLE_LIMIT);
        awaitReason(unlinked, "belongs to no tablespace of this node");
        assertThat(unlinked.files().data().resolve("base/1")).as("old data while the clone cannot be made").exists();
        link(unlinked, place(unlinked));
        cluster.awaitWhole();
        assertEverythingInItsPlace();

        var rewound = cluster.awaitPrimary();
        var files = Checks.dataFileIdentity(rewound);
        Checks.commitUnreplicated(rewound, 10);
        rewound.sql("app", "delete from far where i % 2 = 0");
        rewound.kill();
        cluster.awaitPrimaryOtherThan(rewound).sql("app", "insert into far select i, 'new' from generate_series(1, 100) i");
        rewound.start().awaitStreaming(Cluster.WHOLE_LIMIT);
        assertThat(Checks.dataFileIdentity(rewound)).as("rewound, not cloned").isEqualTo(files);
        assertEverythingInItsPlace();

        var cloned = cluster.awaitPrimary();
        files = Checks.dataFileIdentity(cloned);
        cluster.others(cloned).forEach(standby -> Checks.awaitReceived(standby, cloned));
        Checks.divergeTooFarForARewind(cloned);
        cluster.awaitPrimaryOtherThan(cloned).sql("app", "delete from far where i % 3 = 0");
        cloned.start().awaitStreaming(Cluster.WHOLE_LIMIT);
        assertThat(Checks.dataFileIdentity(cloned)).as("cloned").isNotEqualTo(files);
        assertEverythingInItsPlace();
    }

    /** A rewind needs a session of the source, and waits for one; a clone needs none, also where it has to ask for tablespaces. */
    @Test @Promise({P7, P8, P11})
    void clientsHoldAllSessionsOfTheSource() throws IOException {
        link(unlinked, place(unlinked));
        cluster.startAll();
        cluster.awaitWhole();
        var former = cluster.awaitPrimary();
        var files = Checks.dataFileIdentity(former);
        Checks.commitUnreplicated(former, 10);
        former.kill();
        var source = cluster.awaitPrimaryOtherThan(former);
        var sessions = Habits.takeSessions(source, Habits.ordinaryUser(source));
        former.start();
        Await.condition("three attempts to rewind", Cluster.WHOLE_LIMIT, () -> lacksSession(former).count() >= 3, cluster::describe);
        awaitReason(former, LACKS_SESSION);
        sessions.forEach(Session::close);
        former.awaitStreaming(Cluster.WHOLE_LIMIT);
        assertThat(Checks.dataFileIdentity(former)).as("rewound, not cloned").isEqualTo(files);

        cluster.awaitWhole();
        Checks.commitUnreplicated(source, 10);
        files = Checks.dataFileIdentity(source);
        source.kill();
        var next = cluster.awaitPrimaryOtherThan(source);
        sessions = Habits.takeSessions(next, Habits.ordinaryUser(next));
        source.start().awaitStreaming(Cluster.WHOLE_LIMIT);
        assertThat(Checks.dataFileIdentity(source)).as("cloned, when there was no session for half a minute").isNotEqualTo(files);
        assertEverythingInItsPlace();
        sessions.forEach(Session::close);
    }

    /** Nobody may read before there is a quorum, except who asks for tablespaces to become part of it. */
    @Test @Promise({P8, P11})
    void clonesMakeTheQuorumThatReadsWaitFor() throws IOException {
        cluster.nodes().forEach(node -> node.reconfigure(Map.of("pg_replica.sync_mode", "quorum")));
        link(unlinked, place(unlinked));
        cluster.startAll();
        assertEverythingInItsPlace();
    }

    /** Another server's tablespace is not this node's to replace, whatever link says so; be it the source's or a third one's. */
    @Test @Promise({P8, P11})
    void aPlaceThatIsAnotherServersIsNotTouched() throws IOException, InterruptedException {
        link(unlinked, place(founder));
        cluster.startAll();
        linked.awaitStreaming(Cluster.WHOLE_LIMIT);
        awaitReason(unlinked, "is linked in this node's pg_tblspc, too");
        founder.stop();
        cluster.awaitPrimaryOtherThan(founder);
        awaitReason(unlinked, "belongs to no tablespace of this node");
        founder.start().awaitStreaming(Cluster.WHOLE_LIMIT);
        assertThat(founder.sql("app", "select count(*) from far").single()).isEqualTo("20000");
        exchangeLinkDuringAnAttempt(unlinked);
        cluster.awaitWhole();
        assertEverythingInItsPlace();
    }

    /** While the node asks the source, so that the new link does not lead to what the attempt has made behind the old one. */
    private void exchangeLinkDuringAnAttempt(Node node) throws IOException, InterruptedException {
        var link = node.files().data().resolve("pg_tblspc/" + oid);
        var place = Files.readSymbolicLink(link);
        try (var made = place.getFileSystem().newWatchService()) {
            place.register(made, StandardWatchEventKinds.ENTRY_CREATE);
            assertThat(made.poll(Cluster.WHOLE_LIMIT.toSeconds(), TimeUnit.SECONDS)).as("an attempt to clone " + node).isNotNull();
        }
        Files.delete(link);
        link(node, place(node));
    }

    private static Stream<String> lacksSession(Node node) {
        return node.log().lines().filter(line -> line.contains("pg_rewind from node") && line.contains(LACKS_SESSION));
    }

    private void awaitReason(Node node, String reason) {
        Await.condition("members() says of " + node + ": " + reason, Cluster.WHOLE_LIMIT, () -> cluster.primary()
                .map(primary -> primary.sql("create extension if not exists pg_replica; select * from pg_replica.members()"))
                .filter(members -> members.values().toString().contains(reason)).isPresent(), cluster::describe);
    }

    private void assertEverythingInItsPlace() throws IOException {
        cluster.awaitWhole();
        Checks.allNodesIdentical(cluster);
        for (var node : cluster.nodes()) {
            assertThat(Files.readSymbolicLink(node.files().data().resolve("pg_tblspc/" + oid))).isEqualTo(place(node));
            assertThat(names(place(node))).as("what " + node + " has there").singleElement().asString().startsWith("PG_");
            assertThat(Files.readSymbolicLink(node.files().data().resolve("pg_wal"))).isEqualTo(wal(node));
            assertThat(names(wal(node))).as("WAL of " + node).contains("archive_status").doesNotContain("pg_replica.clone");
            assertThat(names(node.files().data())).doesNotContain("pg_replica.clone", "pg_replica.rewind");
        }
    }

    private static List<String> names(Path directory) throws IOException {
        try (var entries = Files.list(directory)) {
            return entries.map(path -> path.getFileName().toString()).toList();
        }
    }

    private static void moveWalAway(Node node) throws IOException {
        var link = node.files().data().resolve("pg_wal");
        Files.move(link, wal(node));
        Files.createSymbolicLink(link, wal(node));
    }

    private void link(Node node, Path place) throws IOException {
        Files.createSymbolicLink(node.files().data().resolve("pg_tblspc/" + oid), place);
    }

    private static void own(Path path) {
        Account.forServers().own(path);
    }

    private static Path place(Node node) {
        return node.files().home().resolve("space=" + node);
    }

    private static Path wal(Node node) {
        return node.files().home().resolve("wal");
    }
}
