package pgreplica.harness.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

import pgreplica.harness.HarnessException;

/** One look at the processes of this machine. */
public final class ProcessTable {

    /** One process. {@code state} is the kernel's letter: T is stopped, Z a zombie. */
    public record Entry(long pid, long parent, char state, String commandLine, String directory) {
        public boolean frozen() {
            return state == 'T';
        }
    }

    private static final Set<String> SERVER_PROGRAMS = Set.of("postgres", "pg_rewind", "pg_basebackup");

    private final SortedMap<Long, Entry> entries;

    private ProcessTable(SortedMap<Long, Entry> entries) {
        this.entries = entries;
    }

    /** Zombies are left out: they hold nothing and answer nobody. */
    public static ProcessTable look() {
        var entries = new TreeMap<Long, Entry>();
        var names = Path.of("/proc").toFile().list((directory, name) -> Character.isDigit(name.charAt(0)));
        if (names == null) throw new HarnessException("/proc is not readable");
        for (var name : names) {
            read(Long.parseLong(name)).ifPresent(entry -> entries.put(entry.pid(), entry));
        }
        return new ProcessTable(entries);
    }

    /** One process, now. */
    public static Optional<Entry> find(long pid) {
        return read(pid);
    }

    /**
     * Everything that belongs to a server: its postmaster, whatever descends from it, and orphans, which are known by
     * a working directory below the node's home or by naming that home on their command line.
     */
    public List<Entry> belongingTo(Optional<Long> postmaster, Path home) {
        var pids = new TreeSet<Long>();
        postmaster.filter(entries::containsKey).ifPresent(pids::add);
        var prefix = home + "/";
        for (var entry : entries.values()) {
            boolean here = entry.directory().startsWith(prefix) || entry.commandLine().contains(prefix);
            if (here && isServerProgram(entry)) pids.add(entry.pid());
        }
        boolean grown = true;
        while (grown) {
            grown = false;
            for (var entry : entries.values()) grown |= pids.contains(entry.parent()) && pids.add(entry.pid());
        }
        pids.remove(ProcessHandle.current().pid());
        return pids.stream().map(entries::get).toList();
    }

    /** The server that works in this data directory; what it forked before its start is not it. */
    public Optional<Entry> postmasterIn(Path data) {
        return entries.values().stream().filter(entry -> isPostmasterIn(entry, data))
                .filter(entry -> entries.get(entry.parent()) == null || !isPostmasterIn(entries.get(entry.parent()), data))
                .findFirst();
    }

    private static boolean isPostmasterIn(Entry entry, Path data) {
        var program = entry.commandLine().split(" ", 2)[0];
        return entry.directory().equals(data.toString()) && program.endsWith("/postgres")
                && !entry.commandLine().contains(" --single ");
    }

    /** A psql, a shell or an editor of a person may sit in that directory as well, and is not the server's. */
    private static boolean isServerProgram(Entry entry) {
        var line = entry.commandLine();
        if (line.startsWith("postgres:")) return true;
        var program = line.split(" ", 2)[0];
        return SERVER_PROGRAMS.contains(program.substring(program.lastIndexOf('/') + 1));
    }

    /** Resident, private and peak memory and CPU of one process; empty if it has gone. */
    public static Optional<Usage> usage(long pid) {
        try {
            long resident = 0;
            long proportional = 0;
            long ownKib = 0;
            for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
                if (line.startsWith("Rss:")) resident = number(line);
                if (line.startsWith("Pss:")) proportional = number(line);
                if (line.startsWith("Private_Clean:") || line.startsWith("Private_Dirty:")) ownKib += number(line);
            }
            long descriptors = count(Path.of("/proc/" + pid + "/fd"));
            return Optional.of(new Usage(resident, proportional, ownKib, cpuNanos(pid), wakes(pid), descriptors));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /**
     * Memory in KiB, CPU time, how often it was scheduled after waiting for something, open file descriptors. What is
     * proportional counts a page that n processes share as 1/n of a page.
     */
    public record Usage(long residentKib, long proportionalKib, long privateKib, long cpuNanos, long wakes,
            long descriptors) {}

    /** CPU time so far. */
    public static long cpuNanos(long pid) throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/" + pid + "/schedstat")).split(" ")[0]);
    }

    private static long wakes(long pid) throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("voluntary_ctxt_switches:")) return number(line);
        }
        return 0;
    }

    private static long number(String line) {
        return Long.parseLong(line.trim().split("\\s+")[1]);
    }

    private static long count(Path directory) throws IOException {
        try (var entries = Files.list(directory)) {
            return entries.count();
        }
    }

    private static Optional<Entry> read(long pid) {
        try {
            var fields = afterName(Files.readString(Path.of("/proc/" + pid + "/stat")));
            char state = fields[0].charAt(0);
            if (state == 'Z' || state == 'X') return Optional.empty();
            return Optional.of(new Entry(pid, Long.parseLong(fields[1]), state, commandLine(pid), directory(pid)));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** The fields of a stat line from the state on; the name before them may itself contain blanks and brackets. */
    private static String[] afterName(String stat) {
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    }

    private static String commandLine(long pid) throws IOException {
        var bytes = Files.readAllBytes(Path.of("/proc/" + pid + "/cmdline"));
        return new String(bytes, StandardCharsets.UTF_8).replace('\0', ' ').trim();
    }

    private static String directory(long pid) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + pid + "/cwd")).toString();
        } catch (IOException notOurs) {
            return "";
        }
    }

    /** Sends one signal to all of them at once. Those that have ended meanwhile do not matter. */
    public static void signal(String signal, List<Long> pids) {
        if (pids.isEmpty()) return;
        var command = new ArrayList<>(List.of("kill", "-" + signal));
        pids.forEach(pid -> command.add(pid.toString()));
        Exec.attempt(command);
    }

    /** SIGKILL without starting a program: as close to "now" as it gets. */
    public static void killAtOnce(List<Long> pids) {
        var handles = pids.stream().flatMap(pid -> ProcessHandle.of(pid).stream()).toList();
        handles.forEach(ProcessHandle::destroyForcibly);
    }
}
