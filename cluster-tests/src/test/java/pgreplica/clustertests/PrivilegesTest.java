package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static pgreplica.clustertests.P.P12;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Rows;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;
import pgreplica.harness.wire.Target;

/** Who may see and who may act. */
@Tag("cluster")
class PrivilegesTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final List<String> READING = List.of("status", "members", "history", "rules", "check");

    @Test @Promise(P12) @Timeout(120)
    void monitorsReadAndNobodyActsWhoWasNotGrantedIt() throws IOException, SqlFailure {
        try (var cluster = Cluster.of(1).start()) {
            cluster.prepareLedger();
            var node = cluster.awaitPrimary();
            node.sql("create role watching login in role pg_monitor");
            node.sql("create role acting login; grant execute on function pg_replica.failover to acting");
            asInstalled(node);
            for (var function : READING) {
                assertThat(ask(node, "watching", function).values()).as(function + "() for a monitor").isNotEmpty();
            }
            refused(node, "watching", "failover");
            assertThatThrownBy(() -> ask(node, "acting", "failover")).hasMessageContaining("no standby can take over");
        }
    }

    /** Of a fresh extension: to whoever is nobody in particular. */
    static void asInstalled(Node node) {
        for (var function : READING) refused(node, "app", function);
        refused(node, "app", "failover");
    }

    private static void refused(Node node, String role, String function) {
        var refusal = catchThrowableOfType(SqlFailure.class, () -> ask(node, role, function));
        assertThat(refusal).as(function + "() for " + role).isNotNull();
        assertThat(refusal.sqlState()).isEqualTo("42501");
    }

    private static Rows ask(Node node, String role, String function) throws IOException, SqlFailure {
        var target = new Target(node.files().socket().toString(), node.spec().port(), "postgres", role, "");
        try (var session = Session.open(target, LIMIT)) {
            return session.query("select * from pg_replica." + function + "()", LIMIT);
        }
    }
}
