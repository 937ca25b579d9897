package pgreplica.harness.run;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.HarnessException;

/**
 * Free ports and subnets for clusters of this machine. A port stays reserved while its node is down, by a file that names the
 * cluster's home; a reservation whose home is gone is void.
 */
public final class Ports {
    private static final Path RESERVATIONS = Path.of("/var/tmp/pg_replica-ports");
    private static final int DEFAULT_FIRST = 22000;
    private static final int DEFAULT_LAST = 29999;

    private Ports() {}

    public static List<Integer> reserve(int count, Path home) {
        var reserved = new ArrayList<Integer>();
        try {
            prepareDirectory();
            for (int port = first(); port <= last() && reserved.size() < count; port++) {
                if (take(port, home)) reserved.add(port);
            }
        } catch (IOException failure) {
            throw new HarnessException("cannot reserve ports in " + RESERVATIONS + ": " + failure.getMessage(), failure);
        }
        if (reserved.size() < count) {
            release(home);
            throw new HarnessException("only " + reserved.size() + " of " + count + " ports are free between "
                    + first() + " and " + last() + ". Stop other clusters, or set PGREPLICA_PORTS=first-last.");
        }
        return reserved;
    }

    /** The first of these numbers that nobody else has reserved for a network of its own. */
    static int reserveSubnet(List<Integer> candidates, Path home) {
        try {
            prepareDirectory();
            for (int subnet : candidates) {
                if (claim(RESERVATIONS.resolve("subnet" + subnet), home)) return subnet;
            }
        } catch (IOException failure) {
            throw new HarnessException("cannot reserve a subnet in " + RESERVATIONS + ": " + failure.getMessage(), failure);
        }
        throw new HarnessException("no subnet of 10.213.0.0/16 is free");
    }

    /** Gives back everything reserved for this home. */
    public static void release(Path home) {
        if (!Files.isDirectory(RESERVATIONS)) return;
        try (var files = Files.list(RESERVATIONS)) {
            for (var file : files.toList()) {
                if (ownerOf(file).equals(home.toString())) Files.deleteIfExists(file);
            }
        } catch (IOException failure) {
            throw new HarnessException("cannot release ports in " + RESERVATIONS + ": " + failure.getMessage(), failure);
        }
    }

    private static boolean take(int port, Path home) throws IOException {
        var file = RESERVATIONS.resolve(String.valueOf(port));
        if (!claim(file, home)) return false;
        if (isFree(port)) return true;
        Files.deleteIfExists(file);
        return false;
    }

    private static boolean claim(Path file, Path home) throws IOException {
        if (Files.exists(file) && !ownerOf(file).isEmpty() && !Files.exists(Path.of(ownerOf(file)))) {
            Files.deleteIfExists(file);
        }
        try {
            Files.writeString(file, home.toString(), StandardOpenOption.CREATE_NEW);
            return true;
        } catch (FileAlreadyExistsException taken) {
            return false;
        }
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
            return true;
        } catch (IOException inUse) {
            return false;
        }
    }

    private static String ownerOf(Path file) throws IOException {
        return Files.isReadable(file) ? Files.readString(file) : "";
    }

    private static void prepareDirectory() throws IOException {
        if (Files.isDirectory(RESERVATIONS)) return;
        Files.createDirectories(RESERVATIONS);
        Files.setPosixFilePermissions(RESERVATIONS, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    private static int first() {
        return bound(0, DEFAULT_FIRST);
    }

    private static int last() {
        return bound(1, DEFAULT_LAST);
    }

    private static int bound(int which, int otherwise) {
        var range = System.getenv("PGREPLICA_PORTS");
        return range == null ? otherwise : Integer.parseInt(range.split("-")[which].trim());
    }
}
