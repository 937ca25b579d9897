package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.PgInstall;

/**
 * Makes a node's directories, its data directory and its configuration.
 *
 * <p>Only the first node is given roles and a database, by single-user mode and so before the extension ever ran; it
 * is the one with user data and founds the cluster. The others stay as initdb left them and clone themselves.
 */
final class NodeSetup {
    private final Blueprint blueprint;
    private final NodeSpec node;
    private final NodeFiles files;
    private final PgInstall install;
    private final Account account = Account.forServers();

    NodeSetup(Blueprint blueprint, NodeSpec node) {
        this.blueprint = blueprint;
        this.node = node;
        this.files = blueprint.files(node);
        this.install = blueprint.install();
    }

    void create(String secret) {
        for (var directory : List.of(files.home(), files.socket(), files.state(), files.home().resolve("etc"))) {
            makeDirectory(directory);
        }
        write(files.secret(), secret + "\n", "rw-------");
        write(files.passfile(), "*:*:*:" + Blueprint.REPLICATION + ":" + blueprint.passwords().replication() + "\n",
                "rw-------");
        write(files.log(), "", "rw-r--r--");
        account.own(files.home());
        initialise(node.number() == 1);
    }

    /** A data directory as initdb makes it, with our configuration, and with roles if this node is to found. */
    void initialise(boolean founder) {
        var command = new ArrayList<>(List.of(install.program("initdb"), "-D", files.data().toString(),
                "-U", blueprint.options().superuser(), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-A", "trust"));
        if (blueprint.options().checksums()) command.add("--data-checksums");
        Exec.run(install.inItsSystem(account.command(command)));
        configure();
        if (founder) runSingleUser(foundingSql());
    }

    /** Writes postgresql.conf and pg_hba.conf anew. */
    void configure() {
        var text = new StringBuilder();
        settings().forEach((name, value) ->
                text.append(name).append(" = '").append(value.replace("'", "''")).append("'\n"));
        write(files.config(), text.toString(), "rw-------");
        write(files.hba(), hba(), "rw-------");
        account.own(files.config());
        account.own(files.hba());
    }

    private Map<String, String> settings() {
        var settings = new LinkedHashMap<String, String>();
        if (!files.configInside()) {
            settings.put("data_directory", files.data().toString());
            settings.put("hba_file", files.hba().toString());
        }
        settings.put("listen_addresses", node.host());
        settings.put("port", String.valueOf(node.port()));
        settings.put("unix_socket_directories", files.socket().toString());
        settings.put("cluster_name", node.name());
        settings.put("shared_buffers", "32MB");
        settings.put("max_connections", "100");
        settings.put("min_wal_size", "80MB");
        settings.put("max_wal_size", "256MB");
        settings.put("log_line_prefix", "%m [%p] %b ");
        settings.put("hot_standby", "on");
        settings.put("fsync", blueprint.options().fsync() ? "on" : "off");
        if (!blueprint.options().plain()) addExtension(settings);
        settings.putAll(blueprint.settings());
        return settings;
    }

    private void addExtension(Map<String, String> settings) {
        settings.put("shared_preload_libraries", "pg_replica");
        settings.put("pg_replica.node_name", node.name());
        settings.put("pg_replica.nodes", blueprint.nodeList());
        settings.put("pg_replica.secret_file", files.secret().toString());
        settings.put("pg_replica.state_dir", files.state().toString());
        settings.put("pg_replica.replication_user", Blueprint.REPLICATION);
        settings.put("pg_replica.passfile", files.passfile().toString());
        settings.put("pg_replica.sync_mode", "off");
        settings.put("pg_replica.trace_file", files.trace().toString());
    }

    /** The socket directory is readable by the server's user and root only; over TCP everybody needs a password. */
    private String hba() {
        var range = blueprint.network().range();
        return "local all all trust\n"
                + "local replication all trust\n"
                + "host all all " + range + " scram-sha-256\n"
                + "host replication " + Blueprint.REPLICATION + " " + range + " scram-sha-256\n";
    }

    /** The replication role may do what pg_rewind asks of its source, and nothing more. */
    private List<String> foundingSql() {
        var passwords = blueprint.passwords();
        var sql = new ArrayList<String>();
        sql.add("alter role " + blueprint.options().superuser() + " password '" + passwords.superuser() + "'");
        sql.add("create role " + Blueprint.REPLICATION + " login replication password '" + passwords.replication() + "'");
        for (var function : List.of("pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)",
                "pg_read_binary_file(text)", "pg_read_binary_file(text, bigint, bigint, boolean)")) {
            sql.add("grant execute on function pg_catalog." + function + " to " + Blueprint.REPLICATION);
        }
        sql.add("create role " + Blueprint.APPLICATION + " login password '" + passwords.application() + "'");
        sql.add("create database " + Blueprint.APPLICATION + " owner " + Blueprint.APPLICATION);
        return sql;
    }

    private void runSingleUser(List<String> statements) {
        var command = new ArrayList<>(List.of(install.program("postgres"), "--single", "-D", files.data().toString(),
                "-c", "config_file=" + files.config(), "-c", "shared_preload_libraries=", "postgres"));
        var output = Exec.run(install.inItsSystem(account.command(command)), Map.of(), String.join("\n", statements) + "\n");
        if (output.contains("ERROR:") || output.contains("FATAL:")) {
            throw new HarnessException("preparing " + node.name() + " failed:\n" + output);
        }
    }

    private void makeDirectory(Path directory) {
        try {
            Files.createDirectories(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        } catch (IOException failure) {
            throw new HarnessException("cannot make " + directory + ": " + failure.getMessage(), failure);
        }
    }

    private void write(Path file, String text, String permissions) {
        try {
            Files.writeString(file, text);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
        } catch (IOException failure) {
            throw new HarnessException("cannot write " + file + ": " + failure.getMessage(), failure);
        }
    }
}
