package pgreplica.harness.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import pgreplica.harness.HarnessException;

/**
 * The shared memory of servers that are killed. The kernel keeps it: Postgres removes it at its next start in the same
 * data directory, and if there is none it is there until the machine is restarted, one of its 4096 identifiers
 * (kernel.shmmni) each. So it is noted before a server is killed, and removed with the cluster.
 */
public final class SharedMemory {
    private static final Path POSIX = Path.of("/dev/shm");
    private static final String SYSTEM_V = "/SYSV";
    private static final int DSM_CONTROL_MAGIC = 0x9a503d32;

    private SharedMemory() {}

    /** Adds to the notes what these processes map: the identifier of a System V segment, the file of a POSIX one. */
    public static void note(Path notes, List<Long> pids) {
        try {
            var found = Files.exists(notes) ? new TreeSet<>(Files.readAllLines(notes)) : new TreeSet<String>();
            for (var pid : pids) found.addAll(mappedBy(pid));
            // Of a cluster that was not made to its end there may be no directory for it.
            if (!found.isEmpty()) Files.write(notes, found);
        } catch (IOException failure) {
            throw new HarnessException("cannot note the shared memory of " + pids + ": " + failure.getMessage(), failure);
        }
    }

    /** /proc/PID/maps: addresses, access, offset, device, inode (of a System V segment its identifier), name. */
    private static Set<String> mappedBy(long pid) {
        var found = new TreeSet<String>();
        try {
            for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/maps"))) {
                var fields = line.split(" +", 6);
                if (fields.length < 6) continue;
                if (fields[5].startsWith(SYSTEM_V)) found.add(fields[4]);
                if (fields[5].startsWith(POSIX + "/PostgreSQL.") && !fields[5].contains(" ")) found.add(fields[5]);
            }
        } catch (IOException gone) {
            // It ends by itself, and what it shared is mapped by its postmaster too.
        }
        return found;
    }

    /** Of what was noted, and of what is listed in it, what still exists. */
    public static List<String> left(Path notes) {
        if (!Files.exists(notes)) return List.of();
        try {
            var left = new TreeSet<String>();
            var identifiers = new TreeSet<String>();
            // key, shmid, ...
            for (var line : Files.readAllLines(Path.of("/proc/sysvipc/shm"))) identifiers.add(line.trim().split(" +")[1]);
            for (var noted : Files.readAllLines(notes)) {
                if (identifiers.contains(noted)) left.add(noted);
                if (!noted.startsWith("/") || !Files.exists(Path.of(noted))) continue;
                left.add(noted);
                listedIn(Path.of(noted)).filter(Files::exists).map(Path::toString).forEach(left::add);
            }
            return List.copyOf(left);
        } catch (IOException failure) {
            throw new HarnessException("cannot tell which shared memory of " + notes + " is left: " + failure.getMessage(),
                    failure);
        }
    }

    /**
     * A segment may be mapped by nobody and yet exist, as that of the statistics. Postgres lists all in one of them
     * (dsm_control_header in dsm.c): 16 bytes of which the first 8 are magic and count, then 40 for each, the handle
     * first.
     */
    private static Stream<Path> listedIn(Path segment) throws IOException {
        var bytes = ByteBuffer.wrap(Files.readAllBytes(segment)).order(ByteOrder.nativeOrder());
        if (bytes.limit() < 16 || bytes.getInt(0) != DSM_CONTROL_MAGIC) return Stream.of();
        return IntStream.range(0, bytes.getInt(4)).mapToObj(item -> bytes.getInt(16 + 40 * item))
                .map(handle -> POSIX.resolve("PostgreSQL." + Integer.toUnsignedString(handle)));
    }

    /** When nothing of the servers lives any more. */
    public static void remove(Path notes) {
        for (var noted : left(notes)) {
            try {
                if (noted.startsWith("/")) Files.deleteIfExists(Path.of(noted));
                else Exec.run(List.of("ipcrm", "-m", noted));
            } catch (IOException failure) {
                throw new HarnessException("cannot remove " + noted + ": " + failure.getMessage(), failure);
            }
        }
    }
}
