package pgreplica.harness.chaos;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;

import pgreplica.checker.Append;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** Cancels queries and terminates backends of the clients that put up with it, with a liking for commits that wait. */
final class Disturber implements Runnable {
    private static final Duration LIMIT = Duration.ofMillis(800);
    private static final String WAITING = "select pid from pg_stat_activity where usename = 'app' and wait_event = 'SyncRep'";

    private final Board board;
    private final Random random;

    Disturber(Board board, long seed) {
        this.board = board;
        this.random = new Random(seed);
    }

    @Override public void run() {
        while (!board.isStopping()) {
            board.newestAcknowledged().map(Append::node).ifPresent(name -> board.nodes().stream()
                    .filter(node -> node.name().equals(name)).forEach(this::disturb));
            board.pause(random.nextInt(50, 250));
        }
    }

    private void disturb(Node primary) {
        try (var session = Session.open(primary.superuser("postgres"), LIMIT)) {
            var candidates = board.disturbed();
            var waiting = session.query(WAITING, LIMIT).column(0).stream().map(Integer::parseInt)
                    .filter(candidates::containsKey).toList();
            var victims = waiting.isEmpty() ? candidates.keySet().stream().sorted().toList() : waiting;
            if (victims.isEmpty()) return;
            int victim = victims.get(random.nextInt(victims.size()));
            strike(session, victim, candidates.get(victim) && random.nextBoolean(), !waiting.isEmpty());
        } catch (IOException | SqlFailure failure) {
            board.count("disturbances that failed");
        }
    }

    /** Every commit that waits on this node is cancelled or terminated, whoever it belongs to. */
    void strikeAllWaiting(Node primary) {
        try (var session = Session.open(primary.superuser("postgres"), LIMIT)) {
            for (var pid : session.query(WAITING, LIMIT).column(0)) {
                strike(session, Integer.parseInt(pid), random.nextBoolean(), true);
            }
        } catch (IOException | SqlFailure failure) {
            board.count("disturbances that failed");
        }
    }

    private void strike(Session session, int pid, boolean terminate, boolean waiting) throws IOException, SqlFailure {
        session.query("select pg_" + (terminate ? "terminate" : "cancel") + "_backend(" + pid + ")", LIMIT);
        board.count((terminate ? "terminated" : "cancelled") + (waiting ? " in the wait of a commit" : ""));
    }
}
