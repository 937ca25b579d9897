package pgreplica.harness;

import java.nio.file.Path;

/** Where clusters live. */
public final class Homes {
    private static final String DEFAULT_NAME = "main";

    private Homes() {}

    /** The home of a named cluster: below $PGREPLICA_HOMES, or /var/tmp. */
    public static Path ofName(String name) {
        return Path.of(System.getenv().getOrDefault("PGREPLICA_HOMES", "/var/tmp"), "pg_replica-" + name);
    }

    /** The home that a command means: of the name it was given, $PGREPLICA_HOME, or of the cluster "main". */
    public static Path ofCommand(String name) {
        if (name != null) return ofName(name);
        var home = System.getenv("PGREPLICA_HOME");
        return home != null ? Path.of(home).toAbsolutePath() : ofName(DEFAULT_NAME);
    }

    public static String nameOf(Path home) {
        return home.getFileName().toString().replaceFirst("^pg_replica-", "");
    }
}
