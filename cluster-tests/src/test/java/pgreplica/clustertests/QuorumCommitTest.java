package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pgreplica.clustertests.P.P3;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;
import pgreplica.harness.wire.Target;

/** With sync_mode = quorum a client is told of a commit when a standby has it, and in no other case. */
@Tag("cluster")
@Timeout(240)
class QuorumCommitTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final String CANCEL = "select pg_cancel_backend(%d)";
    private static final String TERMINATE = "select pg_terminate_backend(%d)";

    /** Postgres itself would answer "COMMIT" with a warning. */
    @Test @Promise(P3)
    void aWaitThatIsCutShortIsNeverAcknowledged() throws Exception {
        try (var cluster = quorum()) {
            var primary = cluster.awaitPrimary();
            receivers(cluster, primary, "STOP");
            for (var strength : List.of("off", "local", "on")) {
                for (var end : List.of(CANCEL, TERMINATE)) {
                    var name = "'" + strength + end.hashCode() + "'";
                    neverAnswered(primary, strength, "insert into t values (1)", end);
                    neverAnswered(primary, strength, "begin; insert into t values (2); prepare transaction " + name, end);
                    neverAnswered(primary, strength, "commit prepared " + name, end);
                    neverAnswered(primary, strength, "begin; insert into t values (3); commit; select 1", end);
                }
            }
            assertThat(primary.sql("app", "select pg_current_xact_id() is not null").single())
                    .as("what writes no WAL waits for nobody").isEqualTo("t");
            receivers(cluster, primary, "CONT");
            cluster.awaitWhole();
        }
    }

    /** A session may want less. It gets what the cluster promises, and its own setting back. */
    @Test @Promise(P3)
    void aWeakerCommitIsRaisedForItsTransactionOnly() throws Exception {
        try (var cluster = quorum(); var session = Session.open(cluster.awaitPrimary().superuser("app"), LIMIT)) {
            var primary = cluster.awaitPrimary();
            for (var own : List.of("off", "local", "remote_write", "on", "remote_apply")) {
                session.query("set synchronous_commit = " + own, LIMIT);
                keeps(session, own, "insert into t values (1)");
                keeps(session, own, "begin; set local synchronous_commit = off; insert into t values (1); commit");
                keeps(session, own, "begin; set synchronous_commit = off; insert into t values (1); rollback");
                keeps(session, own, "begin; insert into t values (1); prepare transaction 'p'");
                keeps(session, own, "commit prepared 'p'");
            }
            keeps(session, "local", "begin; set synchronous_commit = local; insert into t values (1); commit");

            receivers(cluster, primary, "STOP");
            assertThat(weakerCommits(primary)).isEqualTo("0");
            session.query("set pg_replica.allow_weaker_commit = on", LIMIT);
            session.query("insert into t values (4)", SOON);
            session.query("set synchronous_commit = off; insert into t values (5)", SOON);
            assertThat(weakerCommits(primary)).as("those that waited for nobody").isEqualTo("2");
            receivers(cluster, primary, "CONT");
            refused("42501", primary.application(), "set pg_replica.allow_weaker_commit = on");
        }
    }

    /** A standby that has started alone may hold what no quorum has. */
    @Test @Promise(P3)
    void nobodyReadsWhatTheClusterHasNotConfirmed() throws Exception {
        try (var cluster = quorum()) {
            var primary = cluster.awaitPrimary();
            var alone = cluster.others(primary).getFirst();
            assertThat(read(alone.application(), "select count(*) from t")).isEqualTo("0");
            cluster.nodes().forEach(Node::stop);
            alone.start().awaitAccepting(Cluster.WHOLE_LIMIT);

            refused("57P03", alone.application(), "select count(*) from t");
            refused("57P03", alone.application(), "copy t to stdout");
            refused("57P03", alone.application(), "begin; declare c cursor for select * from t");
            refused("57P03", alone.application(), "do $$ begin perform count(*) from t; end $$");
            assertThat(read(alone.application(), "select count(*) > 0 from pg_class")).as("catalogs").isEqualTo("t");
            assertThat(read(alone.superuser("app"), "select count(*) from t")).as("a superuser").isEqualTo("0");

            cluster.others(alone).forEach(Node::start);
            Await.condition("ordinary users read on " + alone, Cluster.WHOLE_LIMIT,
                    () -> canRead(alone), cluster::describe);
            cluster.awaitWhole();
        }
    }

    /** Changed while the cluster runs, and brought back when somebody changes what is the cluster's. */
    @Test @Promise(P3)
    void theSettingFollowsTheMode() {
        try (var cluster = quorum()) {
            var primary = cluster.awaitPrimary();
            reload(primary, "alter system set pg_replica.sync_mode = off");
            awaitNames(cluster, primary, "");
            reload(primary, "alter system reset pg_replica.sync_mode");
            awaitNames(cluster, primary, "ANY 1 (");
            reload(primary, "alter system set synchronous_standby_names = 'somebody'");
            awaitNames(cluster, primary, "ANY 1 (");
            reload(primary, "alter system set pg_replica.sync_standbys = 7");
            Await.condition("check() names the mistake", SOON, () -> primary.sql(
                    "select count(*) from pg_replica.check() where setting = 'pg_replica.sync_standbys' and not ok")
                    .single().equals("1"), cluster::describe);
            awaitNames(cluster, primary, "ANY 1 (");
            // A mistake in one setting does not keep the others from being obeyed.
            reload(primary, "alter system set pg_replica.sync_mode = off");
            awaitNames(cluster, primary, "");
            reload(primary, "alter system reset pg_replica.sync_mode");
            awaitNames(cluster, primary, "ANY 1 (");
            cluster.awaitWhole();
        }
    }

    private static Cluster quorum() {
        var cluster = Cluster.of(3).syncMode("quorum").set("max_prepared_transactions", "20").start();
        try {
            var primary = cluster.awaitPrimary();
            primary.sql("create extension if not exists pg_replica");
            primary.sql("app", "create table t (i int); grant select on t to app");
            return cluster;
        } catch (RuntimeException failure) {
            cluster.close();
            throw failure;
        }
    }

    private static void receivers(Cluster cluster, Node primary, String signal) {
        for (var standby : cluster.others(primary)) {
            Await.condition("the WAL receiver of " + standby, LIMIT,
                    () -> !standby.processesTitled("walreceiver").isEmpty(), cluster::describe);
            ProcessTable.signal(signal, standby.processesTitled("walreceiver"));
        }
    }

    /** The statement waits for a standby; then its wait is ended, and with it the connection. */
    private static void neverAnswered(Node primary, String strength, String statement, String end) throws Exception {
        try (var session = Session.open(primary.superuser("app"), LIMIT)) {
            session.query("set synchronous_commit = " + strength, LIMIT);
            var answer = CompletableFuture.supplyAsync(() -> answerTo(session, statement));
            Await.condition(statement + " waits for a standby", LIMIT, () -> primary.sql("select count(*) from pg_stat_activity "
                    + "where wait_event = 'SyncRep' and pid = " + session.backendPid()).single().equals("1"), primary::describe);
            assertThat(answer).isNotDone();
            primary.sql(end.formatted(session.backendPid()));
            assertThat(answer.get()).as("%s, synchronous_commit = %s, %s", statement, strength, end)
                    .isEqualTo("connection lost");
        }
    }

    private static String answerTo(Session session, String statement) {
        try {
            return "answered: " + session.query(statement, Duration.ofSeconds(30));
        } catch (IOException gone) {
            return "connection lost";
        } catch (SqlFailure refused) {
            return "refused: " + refused.getMessage();
        }
    }

    private static void keeps(Session session, String own, String statement) throws Exception {
        session.query(statement, LIMIT);
        assertThat(session.query("show synchronous_commit", LIMIT).single()).as("after " + statement).isEqualTo(own);
    }

    private static String weakerCommits(Node node) {
        return node.sql("select weaker_commits from pg_replica.status()").single();
    }

    private static String read(Target target, String query) throws Exception {
        try (var session = Session.open(target, LIMIT)) {
            return session.query(query, LIMIT).single();
        }
    }

    private static boolean canRead(Node node) {
        try {
            return read(node.application(), "select count(*) from t").equals("0");
        } catch (Exception notYet) {
            return false;
        }
    }

    private static void refused(String sqlState, Target target, String statement) throws Exception {
        try (var session = Session.open(target, LIMIT)) {
            assertThatThrownBy(() -> session.query(statement, LIMIT)).as(statement)
                    .isInstanceOfSatisfying(SqlFailure.class, failure -> assertThat(failure.sqlState()).isEqualTo(sqlState));
        }
    }

    private static void reload(Node node, String change) {
        node.sql(change);
        node.sql("select pg_reload_conf()");
    }

    private static void awaitNames(Cluster cluster, Node primary, String beginning) {
        Await.condition("synchronous_standby_names begins with \"" + beginning + "\"", Cluster.WHOLE_LIMIT, () -> {
            try {
                var names = primary.sql("show synchronous_standby_names").single();
                var state = primary.sql("select coalesce(sync_state, '') from pg_replica.status()").single();
                return beginning.isEmpty() ? names.isEmpty() && state.isEmpty()
                        : names.startsWith(beginning) && state.startsWith(beginning);
            } catch (HarnessException notYet) {
                return false;
            }
        }, cluster::describe);
    }
}
