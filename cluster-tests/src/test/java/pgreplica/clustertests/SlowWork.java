package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A clone or rewind that gets no further than the test lets it, because its source does not. */
final class SlowWork {
    static final Duration LIMIT = Duration.ofSeconds(60);
    /** pg_basebackup and pg_rewind tell their progress once a second. */
    private static final Duration BETWEEN_PULSES = Duration.ofMillis(1100);
    private static final String BASE_BACKUP = "sending backup";
    private static final String REWIND = "replicator postgres";

    private SlowWork() {}

    /** Starts a node that is to be cloned, and lets nothing be copied: the copy begins with a checkpoint of its source. */
    static void startHeldClone(Node node, Node source) {
        // What served an earlier copy, whose client is gone, must not be taken for what serves this one.
        Await.condition(source + " serves no copy any more", LIMIT, () -> source.processesTitled(BASE_BACKUP).isEmpty(),
                source::describe);
        source.freezeTitled("checkpointer");
        node.start();
        awaitTitled(source, BASE_BACKUP);
        source.freezeTitled(BASE_BACKUP);
        ProcessTable.signal("CONT", source.processesTitled("checkpointer"));
    }

    /** Lets the copy go on a little from time to time, until this node tells of so many bytes that another one has. */
    static void awaitBytesOfClone(Node observer, Node node, Node source) {
        awaitBytes(observer, node, source, BASE_BACKUP, "clone: copying");
    }

    static void awaitBytesOfRewind(Node observer, Node node, Node source) {
        awaitBytes(observer, node, source, REWIND, "rewind: rewinding");
    }

    static void letCloneGoOn(Node source) {
        ProcessTable.signal("CONT", source.processesTitled(BASE_BACKUP));
    }

    /**
     * Whoever rewinds from a node asks it for its tablespaces, and waits while this is held: before the data is touched,
     * before pg_rewind looks, and before pg_rewind works.
     */
    static final class HeldRewind implements AutoCloseable {
        private static final String LOCK = "begin; lock table pg_tablespace in access exclusive mode";
        private final Node source;
        private Session holding;
        private Session next;

        HeldRewind(Node source) {
            this.source = source;
            holding = open();
            next = open();
            query(holding, LOCK);
        }

        /** Known by its lock: whoever asks has one title as a WAL sender, and another as a session. */
        void await() {
            awaitWaiting(1);
        }

        /** Lets it go on to where it waits the next time. */
        void letGoOn() {
            var released = holding;
            var queued = CompletableFuture.runAsync(() -> query(next, LOCK));
            awaitWaiting(2);
            query(released, "commit");
            queued.join();
            holding = next;
            next = released;
            await();
        }

        /** Its program has ended; what served it at the source waits on, and is ended here. */
        void forget() {
            source.sql("select pg_terminate_backend(pid) from pg_locks where relation = 'pg_tablespace'::regclass "
                    + "and not granted");
            awaitWaiting(0);
        }

        /** From here on it gets as far as {@link #awaitBytesOfRewind} lets it. */
        void freeze() {
            source.freezeTitled(REWIND);
            query(holding, "commit");
        }

        private void awaitWaiting(int count) {
            Await.condition(count + " wait for " + source, LIMIT, () -> source.sql(
                    "select count(*) from pg_locks where relation = 'pg_tablespace'::regclass and not granted").single()
                    .equals(String.valueOf(count)), source::describe);
        }

        private Session open() {
            try {
                return Session.open(source.superuser("postgres"), LIMIT);
            } catch (IOException | SqlFailure failure) {
                throw new HarnessException("cannot hold rewinds from " + source + ": " + failure.getMessage(), failure);
            }
        }

        private void query(Session session, String sql) {
            try {
                session.query(sql, LIMIT);
            } catch (IOException | SqlFailure failure) {
                throw new HarnessException(source + ": " + sql + ": " + failure.getMessage(), failure);
            }
        }

        @Override public void close() {
            holding.close();
            next.close();
        }
    }

    private static void awaitTitled(Node source, String title) {
        Await.condition(source + " has a process titled " + title, LIMIT,
                () -> !source.processesTitled(title).isEmpty(), source::describe);
    }

    /** What a node's members() says of another one. */
    static Map<String, String> member(Node observer, Node node) {
        return observer.sql("select * from pg_replica.members() where node = '" + node + "'").maps().getFirst();
    }

    private static String reason(Node observer, Node node) {
        return Objects.requireNonNullElse(member(observer, node).get("reason"), "");
    }

    static void awaitReason(Node observer, Node node, String text, Cluster cluster) {
        Await.condition(observer + " gives as reason of " + node + ": " + text, LIMIT,
                () -> reason(observer, node).contains(text),
                () -> member(observer, node) + "\n" + cluster.describe());
    }

    private static void awaitBytes(Node observer, Node node, Node source, String title, String phase) {
        var pattern = Pattern.compile(Pattern.quote(phase) + ", (\\d+) of (\\d+) bytes \\((\\d+) %\\)");
        long[] pulsed = {0};
        var found = Await.value("bytes of a " + phase, LIMIT, () -> {
            if (System.nanoTime() - pulsed[0] > BETWEEN_PULSES.toNanos()) {
                var pids = source.processesTitled(title);
                ProcessTable.signal("CONT", pids);
                ProcessTable.signal("STOP", pids);
                pulsed[0] = System.nanoTime();
            }
            return Optional.of(pattern.matcher(reason(observer, node)))
                    .filter(Matcher::matches).filter(matcher -> number(matcher, 1) > 0);
        }, () -> member(observer, node) + "\n" + node.describe());
        assertThat(number(found, 1)).isLessThan(number(found, 2));
        assertThat(number(found, 3)).isEqualTo(number(found, 1) * 100 / number(found, 2));
    }

    private static long number(Matcher matcher, int group) {
        return Long.parseLong(matcher.group(group));
    }
}
