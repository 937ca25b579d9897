package pgreplica.harness.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** Clients that stay connected to one server and, when told to, send one statement after the other for a while. */
final class Clients implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What one turn of all clients showed; the CPU time is that of their backends, for each statement. */
    record Turn(double meanMillis, double perSecond, double cpuMicros) {}

    private final Function<Random, String> statement;
    private final List<Session> sessions = new ArrayList<>();
    private final ExecutorService threads;

    Clients(Node server, int count, Function<Random, String> statement) {
        this.statement = statement;
        threads = Executors.newFixedThreadPool(count);
        try {
            for (int client = 0; client < count; client++) sessions.add(Session.open(server.superuser("postgres"), LIMIT));
        } catch (IOException | SqlFailure failure) {
            close();
            throw new HarnessException("a client cannot connect to " + server + ": " + failure.getMessage(), failure);
        }
    }

    Turn run(Duration span) {
        long cpu = cpuNanos();
        long start = System.nanoTime();
        long deadline = start + span.toNanos();
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (var session : sessions) tasks.add(() -> send(session, deadline));
        int statements = 0;
        try {
            for (var task : threads.invokeAll(tasks)) statements += task.get();
        } catch (ExecutionException failure) {
            throw new HarnessException("a statement failed: " + failure.getCause().getMessage(), failure);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new HarnessException("interrupted while clients are at work", interrupted);
        }
        double millis = (System.nanoTime() - start) / 1e6;
        return new Turn(millis * sessions.size() / statements, 1000 * statements / millis,
                (cpuNanos() - cpu) / 1e3 / statements);
    }

    private int send(Session session, long deadline) throws IOException, SqlFailure {
        var random = new Random();
        int statements = 0;
        do {
            session.query(statement.apply(random), LIMIT);
            statements++;
        } while (System.nanoTime() < deadline);
        return statements;
    }

    private long cpuNanos() {
        long sum = 0;
        try {
            for (var session : sessions) sum += ProcessTable.cpuNanos(session.backendPid());
        } catch (IOException gone) {
            throw new HarnessException("a backend has ended: " + gone.getMessage(), gone);
        }
        return sum;
    }

    @Override public void close() {
        threads.shutdownNow();
        sessions.forEach(Session::close);
    }
}
