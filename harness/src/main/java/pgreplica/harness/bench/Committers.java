package pgreplica.harness.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** Clients that stay connected and, when told to, commit one row after the other for a while. */
final class Committers implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What one turn of all clients showed. */
    record Turn(double meanMillis, double perSecond) {}

    private final List<Session> sessions = new ArrayList<>();
    private final ExecutorService threads;

    Committers(Node primary, int clients) {
        threads = Executors.newFixedThreadPool(clients);
        try {
            for (int client = 0; client < clients; client++) sessions.add(Session.open(primary.superuser("postgres"), LIMIT));
        } catch (IOException | SqlFailure failure) {
            close();
            throw new HarnessException("a client cannot connect to " + primary + ": " + failure.getMessage(), failure);
        }
    }

    Turn run(Duration span) {
        long start = System.nanoTime();
        long deadline = start + span.toNanos();
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (var session : sessions) tasks.add(() -> commit(session, deadline));
        int commits = 0;
        try {
            for (var task : threads.invokeAll(tasks)) commits += task.get();
        } catch (ExecutionException failure) {
            throw new HarnessException("a commit failed: " + failure.getCause().getMessage(), failure);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new HarnessException("interrupted while clients commit", interrupted);
        }
        double millis = (System.nanoTime() - start) / 1e6;
        return new Turn(millis * sessions.size() / commits, 1000 * commits / millis);
    }

    private static int commit(Session session, long deadline) throws IOException, SqlFailure {
        int commits = 0;
        do {
            session.query("insert into commits values (1)", LIMIT);
            commits++;
        } while (System.nanoTime() < deadline);
        return commits;
    }

    @Override public void close() {
        threads.shutdownNow();
        sessions.forEach(Session::close);
    }
}
