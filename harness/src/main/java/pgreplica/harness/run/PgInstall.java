package pgreplica.harness.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.HarnessException;

/** An installed PostgreSQL of one major version. */
public record PgInstall(String version, Path binaries) {

    /** Looks at $PGREPLICA_PG_BIN_{version}, then where Debian, RPM and source installations live. */
    public static PgInstall find(String version) {
        var places = new ArrayList<String>();
        var configured = System.getenv("PGREPLICA_PG_BIN_" + version);
        if (configured != null) places.add(configured);
        places.addAll(List.of("/usr/lib/postgresql/" + version + "/bin", "/usr/pgsql-" + version + "/bin",
                "/usr/local/pgsql-" + version + "/bin", "/opt/postgresql/" + version + "/bin"));
        for (var place : places) {
            if (Files.isExecutable(Path.of(place, "postgres"))) return new PgInstall(version, Path.of(place));
        }
        throw new HarnessException("PostgreSQL " + version + " is not installed: looked in " + places
                + ". Install it or set PGREPLICA_PG_BIN_" + version + " to the directory of its programs.");
    }

    public String program(String name) {
        return binaries.resolve(name).toString();
    }

    /** The full version, for reports: "15.20". */
    public String fullVersion() {
        return Exec.run(List.of(program("postgres"), "--version")).trim().replaceAll("^[^0-9]*([0-9.]+).*$", "$1");
    }

    /** The extension's library is resolved by name and its SQL through the share directory, so it must be installed. */
    public void requireExtension() {
        var libraries = configured("--pkglibdir").resolve("pg_replica.so");
        var control = configured("--sharedir").resolve("extension").resolve("pg_replica.control");
        for (var file : List.of(libraries, control)) {
            if (!Files.isReadable(file)) {
                throw new HarnessException("the extension is neither built nor installed for PostgreSQL " + version + ": " + file
                        + " does not exist. Run ./dev build, or start plain servers with --plain.");
            }
        }
    }

    /** A directory that pg_config tells. */
    Path configured(String option) {
        return Path.of(Exec.run(List.of(program("pg_config"), option)).trim());
    }
}
