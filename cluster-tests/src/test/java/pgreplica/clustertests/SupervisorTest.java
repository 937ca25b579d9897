package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Launch;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.PgInstall;

/** What a service manager that a server reports to (systemd, {@code Type=notify}) is told of a restart in place. */
@Tag("cluster")
@Timeout(120)
class SupervisorTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String READY = "READY=1";
    private static final String STOPPING = "STOPPING=1";

    @Test @Promise(P11)
    void aRestartInPlaceIsNoEndOfTheService() throws IOException {
        try (var cluster = Cluster.of(3).create(); var manager = new Manager(cluster.node("n1").files().home())) {
            assumeTrue(reportsToSystemd(cluster.blueprint().install()), "this server does not report to systemd");
            var former = cluster.node("n1").launchedBy(manager.launch());
            cluster.startAll();
            assertThat(cluster.awaitWhole().awaitPrimary()).isEqualTo(former);
            Await.condition("it is ready", LIMIT, () -> manager.told().contains(READY), former::describe);
            var postmaster = former.postmaster();
            manager.forget();

            former.freeze();
            cluster.awaitPrimaryOtherThan(former);
            former.thaw();
            former.awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.postmaster()).as("restarted in place").isEqualTo(postmaster);
            assertThat(former.log()).contains("restarts this server");
            Await.condition("it is ready again", LIMIT, () -> manager.told().contains(READY), former::describe);
            assertThat(manager.told()).doesNotContain(STOPPING);

            former.stop();
            Await.condition("it ends", LIMIT, () -> manager.told().contains(STOPPING), former::describe);
        }
    }

    private static boolean reportsToSystemd(PgInstall install) {
        var letters = List.of("sh", "-c", "tr -cd a-z <\"$0\"", install.program("postgres"));
        return Exec.run(install.inItsSystem(letters)).contains("libsystemd");
    }

    /** Writes down what comes to a socket of the kind that Java does not know. */
    private static final class Manager implements AutoCloseable {
        private static final String LISTEN = "socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die $!; "
                + "chmod 0777, $ARGV[0]; $| = 1; while (defined(recv(S, $told, 4096, 0))) { print \"$told\\n\" }";

        private final Path socket;
        private final Path told;
        private final Process process;
        private int forgotten;

        Manager(Path directory) throws IOException {
            socket = directory.resolve("notify");
            told = directory.resolve("notified");
            process = new ProcessBuilder("perl", "-MSocket", "-e", LISTEN, socket.toString())
                    .redirectOutput(told.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            Await.condition("it listens", LIMIT, () -> Files.isWritable(socket) || !process.isAlive(), told::toString);
        }

        Launch launch() {
            return Launch.inside(server -> {
                var command = new ArrayList<>(List.of("env", "NOTIFY_SOCKET=" + socket));
                command.addAll(server);
                return command;
            });
        }

        List<String> told() {
            try {
                var lines = Files.readAllLines(told);
                return lines.subList(forgotten, lines.size());
            } catch (IOException failure) {
                throw new AssertionError(failure);
            }
        }

        void forget() {
            forgotten += told().size();
        }

        @Override public void close() {
            process.destroy();
        }
    }
}
