package pgreplica.clustertests;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

import pgreplica.harness.Await;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A statement on its way: it was sent, and its answer is waited for elsewhere. */
final class SentStatement {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** What the client knows in the end. */
    enum Outcome { ACKNOWLEDGED, REFUSED, UNKNOWN }

    private final Node node;
    private final Session session;
    private final CompletableFuture<Outcome> outcome;

    private SentStatement(Node node, Session session, CompletableFuture<Outcome> outcome) {
        this.node = node;
        this.session = session;
        this.outcome = outcome;
    }

    static Session open(Node node) throws IOException, SqlFailure {
        return Session.open(node.application(), LIMIT);
    }

    static SentStatement send(Node node, String sql) throws IOException, SqlFailure {
        return send(node, open(node), sql);
    }

    static SentStatement send(Node node, Session session, String sql) {
        var outcome = new CompletableFuture<Outcome>();
        Thread.ofPlatform().daemon().start(() -> outcome.complete(run(session, sql)));
        return new SentStatement(node, session, outcome);
    }

    private static Outcome run(Session session, String sql) {
        try {
            session.query(sql, PATIENCE);
            return Outcome.ACKNOWLEDGED;
        } catch (SqlFailure failure) {
            return failure.isFatal() ? Outcome.UNKNOWN : Outcome.REFUSED;
        } catch (IOException failure) {
            return Outcome.UNKNOWN;
        }
    }

    /** Its commit is durable here and waits for a standby. */
    SentStatement awaitWaiting() {
        Await.condition("the commit waits for a standby", LIMIT, () -> outcome.isDone() || isWaiting(), node::describe);
        if (outcome.isDone()) throw new AssertionError("answered without waiting: " + outcome.join());
        return this;
    }

    boolean isWaiting() {
        return node.sql("select count(*) from pg_stat_activity where wait_event = 'SyncRep' and pid = " + session.backendPid())
                .single().equals("1");
    }

    boolean isAnswered() {
        return outcome.isDone();
    }

    Outcome await() {
        Await.condition("the statement is answered", Duration.ofSeconds(60), outcome::isDone, node::describe);
        return outcome.join();
    }

    void cancel() {
        node.sql("select pg_cancel_backend(" + session.backendPid() + ")");
    }

    void terminate() {
        node.sql("select pg_terminate_backend(" + session.backendPid() + ")");
    }

    void abandon() {
        session.abandon();
    }
}
