package pgreplica.clustertests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** A file system of its own for one directory of a node that is down; it hangs or turns read-only when told to. */
final class FaultyDisk implements AutoCloseable {
    /** Goes on when this JVM ends, however it ends: a mount that stays frozen would hang whoever comes after. */
    private static final String GUARD = "trap '' INT TERM HUP; cat >/dev/null; fsfreeze -u $1; umount -l $1 $2";

    private final Node node;
    private final Path image;
    private final Path mount;
    private final Process guard;

    private FaultyDisk(Node node, Path image, Path mount) throws IOException {
        this.node = node;
        this.image = image;
        this.mount = mount;
        this.guard = new ProcessBuilder("setsid", "sh", "-c", GUARD, "guard", mount.toString(),
                mount.getParent().toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    /** The directory becomes a symbolic link to where its contents go. */
    static FaultyDisk under(Node node, Path directory, String size) throws IOException {
        var image = node.files().home().resolve("disk.img");
        var place = Files.createDirectory(node.files().home().resolve("disk"));
        // Servers of another Debian have mounts of their own, and would hold this one when it is repaired.
        Exec.run(List.of("mount", "--bind", place.toString(), place.toString()));
        Exec.run(List.of("mount", "--make-shared", place.toString()));
        var mount = Files.createDirectory(place.resolve("mount"));
        Exec.run(List.of("truncate", "-s", size, image.toString()));
        Exec.run(List.of("mkfs.ext4", "-q", "-F", "-m", "0", image.toString()));
        var disk = new FaultyDisk(node, image, mount);
        disk.mount();
        Exec.run(List.of("mv", directory.toString(), mount.resolve("content").toString()));
        Files.createSymbolicLink(directory, mount.resolve("content"));
        Account.forServers().own(mount);
        Exec.run(List.of("sync", "-f", mount.toString()));
        return disk;
    }

    private void mount() {
        Exec.run(List.of("mount", "-o", "loop,errors=remount-ro", image.toString(), mount.toString()));
    }

    /** Whoever writes waits, and cannot even be killed. Returns System.nanoTime just before, as all faults do. */
    long hang() {
        long instant = System.nanoTime();
        Exec.run(List.of("fsfreeze", "-f", mount.toString()));
        return instant;
    }

    void goOn() {
        Exec.run(List.of("fsfreeze", "-u", mount.toString()));
    }

    /** As the kernel does it by itself when it meets an error; it does not make it writable again. */
    long turnReadOnly() throws IOException {
        var device = Path.of(Exec.run(List.of("findmnt", "-no", "SOURCE", mount.toString())).trim()).getFileName();
        long instant = System.nanoTime();
        Files.writeString(Path.of("/sys/fs/ext4", device.toString(), "trigger_fs_error"), "1");
        return instant;
    }

    /** What an operator does about that; the server is down. */
    void repair() {
        Exec.run(List.of("umount", mount.toString()));
        // Its status says that it corrected something.
        Exec.attempt(List.of("fsck.ext4", "-p", image.toString()));
        mount();
    }

    @Override public void close() {
        Exec.attempt(List.of("fsfreeze", "-u", mount.toString()));
        node.kill();
        try {
            guard.getOutputStream().close();
            guard.waitFor();
        } catch (IOException | InterruptedException failure) {
            throw new AssertionError("cannot end the guard of " + mount, failure);
        }
    }
}
