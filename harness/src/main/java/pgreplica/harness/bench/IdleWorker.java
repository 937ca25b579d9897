package pgreplica.harness.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.HarnessException;
import pgreplica.harness.Trees;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.PgInstall;

/** A module for the server with workers that do nothing; compiled for the measurement and gone with it. */
final class IdleWorker implements AutoCloseable {
    private static final String NAME = "idle_worker";
    private static final String MAKEFILE = """
            MODULES = idle_worker
            override with_llvm = no
            PG_CPPFLAGS = -Wall -Werror -DIDLE_WORKER_LIBRARY='"$(CURDIR)/idle_worker"'
            PGXS := $(shell $(PG_CONFIG) --pgxs)
            include $(PGXS)
            """;

    private final Path directory;

    private IdleWorker(Path directory) {
        this.directory = directory;
    }

    static IdleWorker compile(PgInstall install) {
        try (var source = source()) {
            // Below the place of the clusters: a server may not see what is in somebody's /tmp.
            var directory = Files.createTempDirectory(Path.of("/var/tmp"), "pg_replica-bench");
            var worker = new IdleWorker(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.copy(source, directory.resolve(NAME + ".c"));
            Files.writeString(directory.resolve("Makefile"), MAKEFILE);
            var make = new ArrayList<>(List.of("make", "-s", "-C", directory.toString()));
            make.addAll(install.makeVariables());
            Exec.run(make);
            return worker;
        } catch (IOException failure) {
            throw new HarnessException("cannot compile " + NAME + ".c: " + failure.getMessage(), failure);
        }
    }

    private static InputStream source() {
        return IdleWorker.class.getResourceAsStream(NAME + ".c");
    }

    /** As shared_preload_libraries names it. */
    String library() {
        return directory.resolve(NAME).toString();
    }

    @Override public void close() {
        Trees.delete(directory);
    }
}
