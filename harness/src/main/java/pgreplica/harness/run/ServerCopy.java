package pgreplica.harness.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

import pgreplica.harness.HarnessException;

/**
 * A server of one's own, with the extension as it was just built: nothing is installed system-wide, and a rebuild
 * does not change a running cluster.
 *
 * <p>Postgres finds its libraries and its share directory relative to where its program really lies. So the programs
 * are copied, everything else is linked to, and below a new root all keep the paths that they had.
 */
public record ServerCopy(Path root) {
    private static final String LIBRARY = "pg_replica.so";

    /** The directory that ./dev build wrote to, if it did: build/17, build, here or beside this module. */
    public static Optional<Path> builtFor(String version) {
        var configured = System.getenv("PGREPLICA_BUILD");
        if (configured != null) return Optional.of(Path.of(configured));
        var here = Path.of(System.getProperty("user.dir"));
        for (var place : List.of(here, here.resolveSibling("."))) {
            for (var name : List.of("build/" + version, "build")) {
                var directory = place.resolve(name).normalize();
                if (isFor(version, directory)) return Optional.of(directory);
            }
        }
        return Optional.empty();
    }

    private static boolean isFor(String version, Path build) {
        try {
            return Files.isReadable(build.resolve(LIBRARY))
                    && Files.readString(build.resolve("SERVER")).startsWith("PostgreSQL " + version + ".");
        } catch (IOException neverBuilt) {
            return false;
        }
    }

    /** Beside it, with a core that can be told to die: {@link pgreplica.harness.Node#breakCore}. */
    public static Optional<Path> breakableFor(String version) {
        return variant("breakable", version);
    }

    /** Beside it, as a later release could be. */
    public static Optional<Path> laterFor(String version) {
        return variant("later", version);
    }

    private static Optional<Path> variant(String name, String version) {
        return builtFor(version).map(build -> build.resolve(name)).filter(build -> Files.isReadable(build.resolve(LIBRARY)));
    }

    public static boolean exists(Path root) {
        return Files.isDirectory(root);
    }

    /** The copy, seen as an installation. */
    public PgInstall install(PgInstall original) {
        return new PgInstall(original.version(), below(original.binaries()), original.system());
    }

    public void create(PgInstall original, Path build) {
        var libraries = original.configured("--pkglibdir");
        var share = original.configured("--sharedir");
        try {
            copyAll(original, original.binaries());
            linkAll(original, libraries);
            linkAll(original, share);
            var extension = share.resolve("extension");
            Files.delete(below(extension));
            linkAll(original, extension);
        } catch (IOException failure) {
            throw new HarnessException("cannot copy the server to " + root + ": " + failure, failure);
        }
        install(original, build);
    }

    /** The extension of this build, as new files: a server that has others open keeps them until it starts anew. */
    public void install(PgInstall original, Path build) {
        var libraries = below(original.configured("--pkglibdir"));
        var extension = below(original.configured("--sharedir")).resolve("extension");
        try {
            replace(build.resolve(LIBRARY), libraries);
            try (var files = Files.list(build)) {
                for (var file : files.toList()) {
                    var name = file.getFileName().toString();
                    if (name.equals("pg_replica.control") || name.endsWith(".sql")) replace(file, extension);
                }
            }
        } catch (IOException failure) {
            throw new HarnessException("cannot install " + build + " in " + root + ": " + failure, failure);
        }
    }

    private Path below(Path original) {
        return root.resolve(original.toString().substring(1));
    }

    private void copyAll(PgInstall original, Path directory) throws IOException {
        Files.createDirectories(below(directory));
        try (var files = Files.list(original.seenFromOutside(directory))) {
            for (var file : files.toList()) {
                Files.copy(file, below(directory.resolve(file.getFileName())), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private void linkAll(PgInstall original, Path directory) throws IOException {
        Files.createDirectories(below(directory));
        try (var entries = Files.list(original.seenFromOutside(directory))) {
            for (var entry : entries.map(found -> directory.resolve(found.getFileName())).toList()) {
                // The programs may lie below the library directory, as on Debian, and are already there.
                if (!Files.exists(below(entry), LinkOption.NOFOLLOW_LINKS)) Files.createSymbolicLink(below(entry), entry);
            }
        }
    }

    private static void replace(Path file, Path directory) throws IOException {
        var draft = directory.resolve(file.getFileName() + ".new");
        Files.copy(file, draft, StandardCopyOption.REPLACE_EXISTING);
        Files.move(draft, directory.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
    }
}
