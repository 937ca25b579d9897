package pgreplica.harness.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import pgreplica.harness.HarnessException;

/** The unprivileged user that servers run as. Postgres refuses to run as root. */
public record Account(String name, int uid, int gid, boolean switchTo) {
    private static final String OWN_ACCOUNT = "pgreplica";

    /** Ourselves if unprivileged; for root the user {@code postgres}, or one made for the purpose. */
    public static Account forServers() {
        int uid = ownUid();
        if (uid != 0) return find(uid).orElse(new Account(String.valueOf(uid), uid, uid, false));
        var existing = find("postgres").or(() -> find(OWN_ACCOUNT));
        if (existing.isPresent()) return existing.get().switched();
        Exec.run(List.of("useradd", "--system", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OWN_ACCOUNT));
        return find(OWN_ACCOUNT).orElseThrow(() -> new HarnessException("user " + OWN_ACCOUNT + " was not created"))
                .switched();
    }

    public static boolean isRoot() {
        return ownUid() == 0;
    }

    /** The command as this user. Each program of the chain replaces the one before, so the process id stays. */
    public List<String> command(List<String> command) {
        if (!switchTo) return command;
        var full = new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + gid, "--init-groups", "--"));
        full.addAll(command);
        return full;
    }

    public void own(Path path) {
        if (!switchTo) return;
        Exec.run(List.of("chown", "-R", uid + ":" + gid, path.toString()));
    }

    private Account switched() {
        return new Account(name, uid, gid, true);
    }

    private static int ownUid() {
        for (var line : lines(Path.of("/proc/self/status"))) {
            if (line.startsWith("Uid:")) return Integer.parseInt(line.trim().split("\\s+")[1]);
        }
        throw new HarnessException("/proc/self/status names no user");
    }

    private static Optional<Account> find(String name) {
        return passwd().stream().filter(account -> account.name().equals(name)).findFirst();
    }

    private static Optional<Account> find(int uid) {
        return passwd().stream().filter(account -> account.uid() == uid).findFirst();
    }

    private static List<Account> passwd() {
        var accounts = new ArrayList<Account>();
        for (var line : lines(Path.of("/etc/passwd"))) {
            var fields = line.split(":");
            if (fields.length < 4) continue;
            accounts.add(new Account(fields[0], Integer.parseInt(fields[2]), Integer.parseInt(fields[3]), false));
        }
        return accounts;
    }

    private static List<String> lines(Path path) {
        try {
            return Files.readAllLines(path);
        } catch (IOException failure) {
            throw new HarnessException("cannot read " + path + ": " + failure.getMessage(), failure);
        }
    }
}
