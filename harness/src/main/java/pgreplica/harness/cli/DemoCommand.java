package pgreplica.harness.cli;

import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import pgreplica.harness.Await;
import pgreplica.harness.Blueprint;
import pgreplica.harness.Cluster;
import pgreplica.harness.Fidelity;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Homes;
import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.Outage;
import pgreplica.harness.Writer;
import pgreplica.harness.run.PgInstall;

/** Three servers, a writer, a kill: what a failover looks like, in half a minute. */
@Command(name = "demo", mixinStandardHelpOptions = true,
        description = "Start three servers, kill the primary while clients write, and watch.")
public final class DemoCommand implements Callable<Integer> {
    private static final Duration WATCH = Duration.ofSeconds(3);
    private static final Duration FAILOVER_LIMIT = Duration.ofSeconds(30);

    @Option(names = "--stop", description = "end the cluster that an earlier demo left running")
    private boolean stop;

    @Option(names = "--pg", paramLabel = "VERSION", defaultValue = "${env:PGREPLICA_PG:-15}", description = "major version of PostgreSQL (default ${DEFAULT-VALUE})")
    private String version;

    private final Display display = new Display();

    @Override public Integer call() {
        var home = Homes.ofName("demo");
        if (Files.exists(home.resolve(Blueprint.FILE))) {
            Cluster.open(home).close();
            System.out.println("removed the demo's cluster in " + home);
        } else if (stop) {
            System.out.println("no demo is running");
        }
        return stop ? 0 : play();
    }

    private int play() {
        System.out.println("pg_replica on three PostgreSQL " + PgInstall.find(version).fullVersion() + " servers\n");
        display.event("making three servers; only n1 has data");
        var cluster = Cluster.of(3).name("demo").home(Homes.ofName("demo")).version(version).create();
        cluster.startAll();
        display.event("started all three at once; they elect a primary, and the others clone it");
        cluster.awaitWhole();
        cluster.prepareLedger();
        var primary = cluster.awaitPrimary();
        display.highlight(primary + " is the primary, " + Display.list(cluster.others(primary)) + " stream from it");

        var writer = cluster.startWriter();
        display.event("two clients commit one row after the other");
        watchFor(cluster, writer, WATCH);
        var outage = failOver(cluster, writer, primary);
        watchFor(cluster, writer, WATCH);
        rejoin(cluster, writer, primary);
        watchFor(cluster, writer, Duration.ofSeconds(1));
        return conclude(cluster, writer.stop(), outage);
    }

    private Outage failOver(Cluster cluster, Writer writer, Node primary) {
        display.blank();
        long killed = primary.kill();
        display.highlight("SIGKILL to every process of " + primary);
        watch(cluster, writer, FAILOVER_LIMIT, "another node acknowledges a commit",
                () -> writer.acknowledged().reversed().stream().limit(1).anyMatch(row -> !row.node().equals(primary.name())));
        var outage = writer.outageAfter(killed).orElseThrow();
        display.highlight(String.format("%s has taken over: first commit %.0f ms after the kill",
                outage.firstAfter().node(), outage.millis()));
        display.blank();
        return outage;
    }

    private void rejoin(Cluster cluster, Writer writer, Node former) {
        long started = System.nanoTime();
        former.start();
        display.event("started " + former + " again, as it is: its data may have gone its own way");
        watch(cluster, writer, Cluster.WHOLE_LIMIT, former + " streams from the new primary",
                () -> former.status().isStreamingStandby());
        display.highlight(String.format("%s is a standby of the new primary, %.1f s after its start", former,
                (System.nanoTime() - started) / 1e9));
    }

    private int conclude(Cluster cluster, Writer writer, Outage outage) {
        var primary = cluster.awaitPrimary();
        int lost = writer.acknowledgedButMissingFrom(primary).size();
        var different = cluster.others(primary).stream()
                .filter(standby -> standby.status().role() != NodeStatus.Role.STANDBY
                        || !Fidelity.differences(primary, standby).isEmpty()).toList();
        display.blank();
        System.out.printf("  gap between the kill and the next commit   %.0f ms%n", outage.millis());
        System.out.printf("  rows acknowledged                          %d%n", writer.count());
        System.out.printf("  acknowledged rows lost                     %d%n", lost);
        System.out.printf("  nodes identical                            %s%n%n", different.isEmpty() ? "yes" : "no: " + different);
        cluster.release();
        System.out.println("The cluster keeps running. Look around, and end it with ./dev demo --stop");
        System.out.println("  ./dev cluster status --name demo\n  ./dev cluster psql --name demo " + primary
                + "\n  psql '" + cluster.uri() + "'");
        return lost == 0 && different.isEmpty() ? 0 : 1;
    }

    private void watchFor(Cluster cluster, Writer writer, Duration span) {
        long end = System.nanoTime() + span.toNanos();
        Await.condition("the time to watch is over", span.plusSeconds(30), () -> {
            display.state(cluster, writer);
            return System.nanoTime() - end >= 0;
        }, () -> "");
    }

    private void watch(Cluster cluster, Writer writer, Duration limit, String what, BooleanSupplier happened) {
        boolean seen = Await.comesTrue(limit, () -> {
            if (happened.getAsBoolean()) return true;
            display.state(cluster, writer);
            return false;
        });
        if (!seen) throw new HarnessException("not within " + limit.toSeconds() + " s: " + what + "\n" + cluster.describe());
    }
}
