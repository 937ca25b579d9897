package pgreplica.harness.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

import pgreplica.checker.Append;
import pgreplica.checker.Checker;
import pgreplica.checker.Contents;
import pgreplica.checker.History;
import pgreplica.checker.Verdict;
import pgreplica.harness.Await;
import pgreplica.harness.Blueprint;
import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;

/** Random faults under load, one after the other, and in the end the question whether clients were told the truth. */
public final class Chaos implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final List<Appender.Style> STYLES = List.of(Appender.Style.PLAIN, Appender.Style.PLAIN,
            Appender.Style.BLOCK, Appender.Style.BLOCK, Appender.Style.CANCELLED, Appender.Style.TERMINATED,
            Appender.Style.TIMED, Appender.Style.TWO_PHASE);

    /**
     * @param patience no new fault after this time
     * @param keep where history, contents and logs are left
     * @param only the kinds of faults, in small letters; all if it is empty
     */
    public record Options(int nodes, String syncMode, int runs, Duration patience, long seed, boolean namespaces,
            String version, Path keep, List<String> only) {}

    private final Options options;
    private final Cluster cluster;
    private final History history;
    private final Board board;
    private final Disturber disturber;
    private final Random random;
    private final List<Thread> clients = new ArrayList<>();
    private final ChaosReport report;

    private Chaos(Options options) throws IOException {
        this.options = options;
        Files.createDirectories(options.keep());
        this.history = History.to(options.keep().resolve("history"));
        this.report = new ChaosReport(options);
        this.random = new Random(options.seed());
        var builder = Cluster.of(options.nodes()).version(options.version()).syncMode(options.syncMode())
                .set("max_prepared_transactions", "64").set("max_connections", "200");
        this.cluster = (options.namespaces() ? builder.namespaces() : builder).start();
        this.board = new Board(cluster.nodes(), history, STYLES.size());
        this.disturber = new Disturber(board, options.seed() + 1);
    }

    /** Runs to the end or to the first thing that is wrong; then everything needed to look into it is kept. */
    public static ChaosReport run(Options options) throws IOException {
        try (var chaos = new Chaos(options)) {
            try {
                chaos.cluster.awaitPrimary().sql(Blueprint.APPLICATION, Lists.TABLE);
                chaos.startClients();
                chaos.strikeAgainAndAgain();
                chaos.conclude();
            } catch (HarnessException failure) {
                chaos.report.failed(failure.getMessage());
            } finally {
                chaos.stopClients();
                chaos.keepLogs();
            }
            return chaos.report;
        }
    }

    private boolean mayLose() {
        return options.syncMode().equals("off");
    }

    private void startClients() {
        for (int i = 0; i < STYLES.size(); i++) start("appender " + i, new Appender(board, i, STYLES.get(i)));
        start("reader stays", new Reader(board, "stays", true));
        start("reader comes", new Reader(board, "comes", false));
        start("disturber", disturber);
        awaitAppendAfter(System.nanoTime());
    }

    private void start(String name, Runnable client) {
        clients.add(Thread.ofPlatform().daemon().name(name).start(client));
    }

    private void stopClients() {
        board.stop();
        try {
            for (var client : clients) client.join(LIMIT.toMillis());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- faults

    private void strikeAgainAndAgain() {
        long end = System.nanoTime() + options.patience().toNanos();
        int from = 0;
        for (int run = 1; run <= options.runs() && System.nanoTime() < end; run++) from = strikeOnce(run, from);
    }

    /** Returns up to where the history is known to be on the primary. */
    private int strikeOnce(int run, int from) {
        var primary = cluster.awaitPrimary();
        var fault = Fault.choose(random, cluster, primary, options);
        report.begins(run, fault);
        long struck = fault.strike(cluster, disturber, random);
        fault.last();
        long healed = System.nanoTime();
        Fault.heal(cluster);
        cluster.awaitWhole();
        long whole = System.nanoTime();
        awaitAppendAfter(whole);

        var now = cluster.awaitPrimary();
        var appends = history.appends();
        var since = appends.subList(from, appends.size());
        var missing = missing(now, since);
        report.ran(run, fault, primary, now, silenceAfter(struck, since), (whole - healed) / 1e6, missing.size());
        if (!mayLose() && !missing.isEmpty()) throw new HarnessException("lost after " + fault + ": " + missing);
        return appends.size();
    }

    private void awaitAppendAfter(long nanos) {
        Await.condition("an acknowledged append", LIMIT,
                () -> board.newestAcknowledged().filter(append -> append.sentNanos() > nanos).isPresent(),
                () -> board.tally() + "\n" + cluster.describe());
    }

    /** The longest time in which nobody was acknowledged anything, among those that ended after the fault. */
    private static double silenceAfter(long struck, List<Append> appends) {
        var ends = appends.stream().filter(append -> append.outcome() == Append.Outcome.ACKNOWLEDGED)
                .mapToLong(Append::endedNanos).sorted().toArray();
        long longest = 0;
        for (int i = 1; i < ends.length; i++) {
            if (ends[i] > struck) longest = Math.max(longest, ends[i] - ends[i - 1]);
        }
        return longest / 1e6;
    }

    private static List<Append> missing(Node primary, List<Append> appends) {
        var acknowledged = appends.stream().filter(append -> append.outcome() == Append.Outcome.ACKNOWLEDGED).toList();
        var there = Lists.idsOf(primary, acknowledged.stream().map(Append::list).distinct().toList());
        return acknowledged.stream()
                .filter(append -> !there.getOrDefault(append.list(), new BitSet()).get(append.id())).toList();
    }

    // ---- the end

    private void conclude() throws HarnessException {
        stopClients();
        cluster.awaitWhole();
        var primary = cluster.awaitPrimary();
        // What a client could not finish is finished, as its transaction manager would.
        for (var name : primary.sql(Blueprint.APPLICATION, "select gid from pg_prepared_xacts").column(0)) {
            primary.sql(Blueprint.APPLICATION, "commit prepared '" + name + "'");
        }
        cluster.others(primary).forEach(standby -> awaitReplayed(primary, standby));
        var nodes = new ArrayList<>(List.of(primary));
        nodes.addAll(cluster.others(primary));
        var contents = nodes.stream().map(Lists::contentsOf).toList();
        keep(contents);
        report.concludes(board.tally(), verdict(primary, contents), history.appends().size(), history.reads().size());
    }

    private Verdict verdict(Node primary, List<Contents> contents) {
        if (!mayLose()) return Checker.check(history, contents);
        return Checker.checkAllowingLoss(history, contents, Published.forks(primary));
    }

    private static void awaitReplayed(Node primary, Node standby) {
        var end = primary.sql("select pg_current_wal_flush_lsn()").single();
        Await.condition(standby + " has replayed " + end, LIMIT, () -> standby.sql("select pg_last_wal_replay_lsn() >= '"
                + end + "'::pg_lsn").single().equals("t"), () -> primary.describe() + standby.describe());
    }

    // ---- what stays

    private void keep(List<Contents> contents) {
        try {
            for (var node : contents) node.write(options.keep().resolve(node.node() + ".contents"));
        } catch (IOException failure) {
            throw new HarnessException("cannot write to " + options.keep() + ": " + failure.getMessage(), failure);
        }
    }

    private void keepLogs() throws IOException {
        for (var node : cluster.nodes()) Files.writeString(options.keep().resolve(node.name() + ".log"), node.log());
    }

    /** Checks once more what an earlier run in quorum mode left in a directory. */
    public static Verdict again(Path kept) throws IOException {
        var contents = new TreeMap<String, Contents>();
        try (var files = Files.list(kept)) {
            for (var file : files.toList()) {
                var name = file.getFileName().toString();
                if (!name.endsWith(".contents")) continue;
                var node = name.substring(0, name.indexOf('.'));
                contents.put(node, Contents.read(node, file));
            }
        }
        if (contents.isEmpty()) throw new HarnessException("no contents of nodes in " + kept);
        return Checker.check(History.read(kept.resolve("history")), List.copyOf(contents.values()));
    }

    @Override public void close() throws IOException {
        stopClients();
        cluster.close();
        history.close();
    }
}
