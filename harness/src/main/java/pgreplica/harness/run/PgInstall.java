package pgreplica.harness.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import pgreplica.harness.HarnessException;

/**
 * An installed PostgreSQL of one major version: this machine's, or one that ./dev servers unpacked together with the
 * system that it belongs to. Programs of the latter see that system's /usr instead of this machine's, and share
 * everything else; their paths are what they themselves see.
 */
public record PgInstall(String version, Path binaries, Optional<Path> system) {

    /** Looks at $PGREPLICA_PG_BIN_{version}, where Debian, RPM and source installations live, and what was unpacked. */
    public static PgInstall find(String version) {
        var places = new ArrayList<String>();
        var configured = System.getenv("PGREPLICA_PG_BIN_" + version);
        if (configured != null) places.add(configured);
        places.addAll(List.of("/usr/lib/postgresql/" + version + "/bin", "/usr/pgsql-" + version + "/bin",
                "/usr/local/pgsql-" + version + "/bin", "/opt/postgresql/" + version + "/bin"));
        for (var place : places) {
            if (Files.isExecutable(Path.of(place, "postgres"))) {
                return new PgInstall(version, Path.of(place), Optional.empty());
            }
        }
        var unpacked = unpacked(version);
        if (Files.isDirectory(unpacked.resolve("usr"))) {
            return new PgInstall(version, Path.of("/usr/lib/postgresql/" + version + "/bin"), Optional.of(unpacked));
        }
        throw new HarnessException("PostgreSQL " + version + " is not installed: looked in " + places
                + ". Install it, run ./dev servers " + version + ", or set PGREPLICA_PG_BIN_" + version
                + " to the directory of its programs.");
    }

    /** What holds the same server with a later libc, which sorts text otherwise, if it could be fetched. */
    public static Optional<Path> systemWithLaterLibc(String version) {
        return Optional.of(unpacked(version + "-libc")).filter(root -> Files.isDirectory(root.resolve("usr")));
    }

    private static Path unpacked(String name) {
        return Path.of(System.getenv().getOrDefault("PGREPLICA_SERVERS", "/var/cache/pg_replica"), name);
    }

    public PgInstall in(Path root) {
        return new PgInstall(version, binaries, Optional.of(root));
    }

    public String program(String name) {
        return binaries.resolve(name).toString();
    }

    /** One of its programs, to be run as the user that we are. */
    public List<String> command(String program, String... arguments) {
        var command = new ArrayList<>(List.of(program(program)));
        command.addAll(List.of(arguments));
        return inItsSystem(command);
    }

    /**
     * The command with /usr being that of the system that these programs belong to. That takes root, so a change of user
     * belongs inside. Each program of the chain replaces the one before, so the process id stays. What is unmounted below a
     * shared mount of this machine is unmounted for them, too.
     */
    public List<String> inItsSystem(List<String> command) {
        if (system.isEmpty()) return command;
        var full = new ArrayList<>(List.of("unshare", "--mount", "--propagation", "slave", "sh", "-c",
                "mount --bind \"$0/usr\" /usr && exec \"$@\"", system.get().toString()));
        full.addAll(command);
        return full;
    }

    /** What makes an extension for this server, on this machine. */
    public List<String> makeVariables() {
        return system.map(root -> List.of("PG_CONFIG=" + root.resolve("pg_config"), "CC=" + root.resolve("cc")))
                .orElse(List.of("PG_CONFIG=" + program("pg_config")));
    }

    /** Where a path that these programs see is for us. */
    Path seenFromOutside(Path path) {
        return system.map(root -> root.resolve(path.toString().substring(1))).orElse(path);
    }

    /** The full version, for reports: "15.20". */
    public String fullVersion() {
        return Exec.run(command("postgres", "--version")).trim().replaceAll("^[^0-9]*([0-9.]+).*$", "$1");
    }

    /** The extension's library is resolved by name and its SQL through the share directory, so it must be installed. */
    public void requireExtension() {
        var libraries = configured("--pkglibdir").resolve("pg_replica.so");
        var control = configured("--sharedir").resolve("extension").resolve("pg_replica.control");
        for (var file : List.of(libraries, control)) {
            if (!Files.isReadable(seenFromOutside(file))) {
                throw new HarnessException("the extension is neither built nor installed for PostgreSQL " + version + ": " + file
                        + " does not exist. Run ./dev build, or start plain servers with --plain.");
            }
        }
    }

    /** A directory that pg_config tells. */
    Path configured(String option) {
        return Path.of(Exec.run(command("pg_config", option)).trim());
    }
}
