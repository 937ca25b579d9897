package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P15;

import java.time.Duration;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.PgInstall;

/** One server of three runs with a later libc: two real ones, of two Debians. */
@Tag("cluster")
@Timeout(240)
class CollationTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /**
     * It would be preferred for its priority, and is passed over; members() and check() say why. Allowed by a reload, it
     * is promoted, and says what is to be done; then it is the other two that sort otherwise.
     */
    @Test @Promise({P11, P15})
    void whoSortsOtherwiseIsPromotedOnlyWhenThatIsAllowed() {
        try (var cluster = Cluster.of(3).create()) {
            var later = PgInstall.systemWithLaterLibc(cluster.blueprint().version());
            assumeTrue(later.isPresent(), "there is no server of this version with another libc");
            Node n3 = cluster.node("n3");
            n3.inSystem(later.get()).reconfigure(Map.of("pg_replica.priority", "200"));
            cluster.startAll();
            cluster.awaitWhole();
            cluster.prepareLedger();
            var former = cluster.awaitPrimary();
            assertThat(former).as("who founded the cluster").isNotSameAs(n3);

            var ours = collations(former);
            var theirs = collations(n3);
            assertThat(theirs).isNotEqualTo(ours).startsWith("libc ");
            Await.condition("members() says why n3 is not promoted", LIMIT,
                    () -> reason(former, "n3").contains("it sorts text by " + theirs), cluster::describe);
            assertThat(reason(former, "n3")).contains("the cluster's data is sorted by " + ours)
                    .contains("pg_replica.allow_collation_mismatch = on");
            assertThat(check(n3)).startsWith("f|").contains(ours).contains("Install the same libraries");
            assertThat(check(former)).isEqualTo("t");
            assertThat(n3.log()).contains("this node is not promoted: it sorts text by");

            former.kill();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            assertThat(promoted).isNotSameAs(n3);
            former.start();
            cluster.awaitWhole();

            n3.reconfigure(Map.of("pg_replica.priority", "200", "pg_replica.allow_collation_mismatch", "on"));
            n3.sql("select pg_reload_conf()");
            Await.condition("n3 may be promoted", LIMIT, () -> reason(promoted, "n3").isEmpty(), cluster::describe);
            assertThat(check(n3)).startsWith("t|").contains("REINDEX");
            promoted.kill();
            assertThat(cluster.awaitPrimaryOtherThan(promoted)).isSameAs(n3);
            assertThat(n3.sql("select reason from pg_replica.history() order by at desc limit 1").single())
                    .contains("REINDEX what is sorted by text");
            Await.condition("the others are those that sort otherwise", LIMIT,
                    () -> reason(n3, former.name()).contains("it sorts text by " + ours), cluster::describe);
        }
    }

    private static String collations(Node node) {
        return node.sql("select value from pg_replica.check() where setting = 'collations'").single();
    }

    private static String check(Node node) {
        return node.sql("select concat_ws('|', ok, problem, fix) from pg_replica.check() where setting = 'collations'")
                .single();
    }

    private static String reason(Node asked, String about) {
        return asked.sql("select coalesce(reason, '') from pg_replica.members() where node = '" + about + "'").single();
    }
}
