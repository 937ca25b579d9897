package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import pgreplica.harness.Await;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.Network;

/**
 * A machine of its own as far as its commands can see (tools/machine), which begins with the files of the one that runs the
 * tests. All that is written there vanishes with it.
 */
record Machine(String name, Process holder, long first) {
    private static final Path PROGRAM = Path.of(System.getProperty("user.dir")).resolveSibling("tools/machine");
    private static final Duration LIMIT = Duration.ofSeconds(20);
    /** Long enough to compile the extension on a busy machine. */
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(300);

    /** @param shared is /shared on the machine */
    static Machine start(String name, Network network, int number, String hosts, Path home, Path shared) throws IOException {
        Files.createDirectories(home);
        var command = new ArrayList<>(network.prefix(number));
        command.addAll(List.of(PROGRAM.toString(), "/", home.toString(), shared.toString(), name, "sleep", "infinity"));
        var surroundings = Map.of("HOSTS", hosts);
        var log = home.resolveSibling(name + ".log").toFile();
        var holder = Exec.builder(command, surroundings).redirectErrorStream(true).redirectOutput(log).start();
        long first = Await.value(name + " runs", LIMIT, () -> firstProcess(holder), () -> readable(log.toPath()));
        return new Machine(name, holder, first);
    }

    private static Optional<Long> firstProcess(Process holder) {
        return holder.children().filter(child -> readable(Path.of("/proc/" + child.pid() + "/comm")).equals("sleep\n"))
                .map(ProcessHandle::pid).findFirst();
    }

    private static String readable(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException gone) {
            return "";
        }
    }

    /** The output of a command that must succeed, given to a shell of this user in this directory. */
    String run(String user, String directory, String command) {
        var result = attempt(user, directory, command);
        assertThat(result.exitCode()).as(name + "$ " + command + "\n" + result.output()).isZero();
        return result.output().strip();
    }

    Exec.Result attempt(String user, String directory, String command) {
        // A login finds more, and other, than we have.
        var surroundings = List.of("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8", "MAKEFLAGS=-j2", "DEBIAN_FRONTEND=noninteractive");
        var full = new ArrayList<>(List.of("nsenter", "--target", String.valueOf(first), "--mount", "--pid", "--net", "--ipc",
                "--uts", "--root", "--wd"));
        full.addAll(List.of("runuser", "-u", user, "--"));
        full.addAll(surroundings);
        full.addAll(List.of("sh", "-c", "cd " + directory + " && " + command));
        return Exec.attempt(full, Map.of(), "", COMMAND_LIMIT);
    }

    /** As when its power is cut. */
    void kill() {
        Exec.attempt(List.of("kill", "-KILL", String.valueOf(first)));
        holder.destroyForcibly();
        holder.onExit().join();
    }
}
