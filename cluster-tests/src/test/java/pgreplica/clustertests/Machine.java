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
 * A machine of its own as far as its commands can see: processes, network, name, and a file system in which everything that
 * is written stays its own and vanishes with it. What it begins with are the files of the machine that runs the tests.
 */
record Machine(String name, Process holder, long first) {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    /** Long enough to compile the extension on a busy machine. */
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(300);

    /** The files below are seen, and hidden by what is written. Mounts of its own end with its last process. */
    private static final String BEGIN = """
            set -e
            mount -t tmpfs -o mode=755 tmpfs "$HOME_OF_MACHINE"
            cd "$HOME_OF_MACHINE"
            mkdir upper work root
            mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
            mount --rbind /dev root/dev
            mount -t tmpfs tmpfs root/dev/shm
            mount -t proc proc root/proc
            mount -t tmpfs -o mode=1777 tmpfs root/tmp
            mount -t tmpfs -o mode=755 tmpfs root/run
            mkdir -p root/shared
            mount --bind "$SHARED" root/shared
            hostname "$NAME"
            printf '127.0.0.1 localhost\\n%s\\n' "$HOSTS" >root/etc/hosts
            exec chroot root sleep infinity
            """;

    /** @param shared is /shared on the machine */
    static Machine start(String name, Network network, int number, String hosts, Path home, Path shared) throws IOException {
        Files.createDirectories(home);
        var command = new ArrayList<>(network.prefix(number));
        command.addAll(List.of("unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "sh", "-c", BEGIN));
        var surroundings = Map.of("HOME_OF_MACHINE", home.toString(), "SHARED", shared.toString(), "NAME", name, "HOSTS", hosts);
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
