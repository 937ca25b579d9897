package pgreplica.clustertests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** A file system of its own for a part of a node's data. */
record SmallDisk(Node node, Path mount) implements AutoCloseable {
    static SmallDisk underWal(Node node) throws IOException {
        var disk = mounted(node, "wal", 192);
        var wal = node.files().data().resolve("pg_wal");
        disk.take(wal);
        Exec.run(List.of("sh", "-c", "rmdir " + wal + " && ln -s " + disk.mount + " " + wal));
        return disk;
    }

    static SmallDisk underData(Node node, int megabytes) throws IOException {
        var disk = mounted(node, "disk", megabytes);
        disk.take(node.files().data());
        Exec.run(List.of("mount", "--bind", disk.mount.toString(), node.files().data().toString()));
        return disk;
    }

    private static SmallDisk mounted(Node node, String name, int megabytes) throws IOException {
        var mount = Files.createDirectory(node.files().home().resolve(name));
        Exec.run(List.of("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m,mode=0700", "tmpfs", mount.toString()));
        return new SmallDisk(node, mount);
    }

    private void take(Path directory) {
        Exec.run(List.of("sh", "-c", "mv " + directory + "/* " + mount + "/"));
        Account.forServers().own(mount);
    }

    void fill() {
        // It ends with "no space left", as it should.
        Exec.attempt(List.of("dd", "if=/dev/zero", "of=" + filler(), "bs=64k"));
    }

    void fillBut(int megabytes) {
        fill();
        Exec.run(List.of("truncate", "--size=-" + megabytes + "M", filler().toString()));
    }

    void free() throws IOException {
        Files.delete(filler());
    }

    private Path filler() {
        return mount.resolve("filler");
    }

    @Override public void close() {
        node.kill();
        Exec.attempt(List.of("umount", "-l", node.files().data().toString()));
        Exec.run(List.of("umount", "-l", mount.toString()));
    }
}
