package pgreplica.harness;

import java.nio.file.Path;

/**
 * Where a node keeps what. Configuration lies outside the data directory by default, as on Debian; inside it as
 * {@code initdb} and the container images leave it.
 */
public record NodeFiles(Path home, boolean configInside) {
    public Path data() {
        return home.resolve("data");
    }

    public Path state() {
        return home.resolve("state");
    }

    public Path socket() {
        return home.resolve("socket");
    }

    /** What the core of this node was told; former lives of it are beside it, with a number behind the name. */
    public Path trace() {
        return home.resolve("trace");
    }

    public Path log() {
        return home.resolve("log");
    }

    public Path config() {
        return (configInside ? data() : home.resolve("etc")).resolve("postgresql.conf");
    }

    public Path hba() {
        return config().resolveSibling("pg_hba.conf");
    }

    public Path secret() {
        return home.resolve("secret");
    }

    public Path passfile() {
        return home.resolve("passfile");
    }

    /** What its killed servers had mapped. */
    public Path sharedMemory() {
        return home.resolve("shared_memory");
    }

    /** The process id of the postmaster that the harness started last. */
    public Path pid() {
        return home.resolve("pid");
    }
}
