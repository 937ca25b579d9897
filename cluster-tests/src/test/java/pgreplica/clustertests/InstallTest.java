package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static pgreplica.clustertests.P.P11;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Await;
import pgreplica.harness.Homes;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.Json;
import pgreplica.harness.run.Namespaces;
import pgreplica.harness.run.Network;
import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.Ports;

/**
 * README's section on real servers, line by line on three machines that have nothing but a distribution's PostgreSQL and the
 * release. What is put in the place of something else is the password, the addresses of the network, a server's own name,
 * and the version of PostgreSQL.
 */
@Tag("cluster")
class InstallTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String DOCUMENTED_VERSION = "15";
    private static final String PASSWORD = "se-cret";

    private final String version = System.getenv().getOrDefault("PGREPLICA_PG", DOCUMENTED_VERSION);
    private final Path home = Homes.ofName("install-" + ProcessHandle.current().pid());
    private final Path root = Path.of(System.getProperty("user.dir")).getParent();
    private String release;
    private final List<Machine> machines = new ArrayList<>();
    private Network network;

    @Test @Promise(P11) @Timeout(500)
    void asTheReadmeSays() throws IOException {
        assumeTrue(Account.isRoot(), "namespaces need root");
        assumeTrue(PgInstall.find(version).system().isEmpty(), "PostgreSQL " + version + " is not this Debian's");
        assumeTrue(Exec.attempt(List.of("sh", "-c", "command -v pg_createcluster")).ok(), "this is no Debian");
        startMachines();
        var section = Recipe.blocksInReadme("Install on real servers");
        assertThat(section).as("blocks of the section").hasSize(9);
        var db1 = machines.getFirst();
        for (var machine : machines) asDistributionsLeaveIt(machine);
        asPostgres(db1, "createdb app && psql -d app -c 'create table old as select i from generate_series(1, 1000) i' "
                + "-c \"create role client login password 'c'\" -c 'grant select on old to client'");

        for (var machine : machines) section.get(0).forEach(line -> asRoot(machine, line));
        for (var line : section.get(1)) onOneAndCopied(line);
        asPostgres(db1, "psql -v ON_ERROR_STOP=1 <<'SQL'\n" + filledIn(String.join("\n", section.get(2))) + "\nSQL");
        for (var machine : machines.subList(1, 3)) section.get(3).forEach(line -> asRoot(machine, line));
        for (var machine : machines) {
            append(machine, "postgresql.conf", section.get(4).stream()
                    .map(line -> line.replace("node_name = 'db1'", "node_name = '" + machine.name() + "'")).toList());
            append(machine, "pg_hba.conf", section.get(5));
        }
        for (var machine : machines) section.get(6).forEach(line -> asRoot(machine, line));
        for (var line : section.get(7)) awaitOutput(db1, line);
        Await.condition("two standbys stream", LIMIT, () -> streaming(db1).equals("2"), this::logs);
        assertThat(asPostgres(db1, "psql -XAtc 'select count(*) from pg_replica.check() where not ok'")).isEqualTo("0");

        aClientGoesOn(section.get(8).getFirst());
    }

    /** A client on db3 gets to whoever is primary, and the old data has come along. */
    private void aClientGoesOn(String command) {
        for (var machine : machines) append(machine, "pg_hba.conf", List.of("host app client 10.0.0.0/24 scram-sha-256"));
        for (var machine : machines) asPostgres(machine, "psql -c 'select pg_reload_conf()'");
        var db3 = machines.getLast();
        var asked = "PGUSER=client PGPASSWORD=c PGCONNECT_TIMEOUT=2 " + command
                + " -XAtc \"select count(*), current_setting('pg_replica.node_name') from old\"";
        assertThat(awaitOutput(db3, asked)).isEqualTo("1000|db1");
        machines.getFirst().kill();
        assertThat(awaitOutput(db3, asked)).matches("1000\\|db[23]");
    }

    private void startMachines() throws IOException {
        Files.createDirectories(home.resolve("shared"));
        Exec.run(List.of("chmod", "755", home.toString()));
        release = "pg_replica-" + Json.readObject(Files.readString(root.resolve("META.json"))).get("version");
        Exec.run(List.of("tar", "-C", home.resolve("shared").toString(), "-xzf", root.resolve("build/" + release + ".tar.gz").toString()));
        network = Namespaces.choose(home);
        network.create(3);
        var hosts = new StringBuilder();
        for (int number = 1; number <= 3; number++) hosts.append(network.addressOf(number)).append(" db").append(number).append('\n');
        for (int number = 1; number <= 3; number++) {
            machines.add(Machine.start("db" + number, network, number, hosts.toString(), home.resolve("db" + number),
                    home.resolve("shared")));
        }
    }

    @AfterEach void endMachines() {
        machines.forEach(Machine::kill);
        if (network != null) network.remove();
        Ports.release(home);
        Exec.run(List.of("rm", "-rf", home.toString()));
    }

    /** One server, as it is a minute after the installation of the package; others that are here are not there. */
    private void asDistributionsLeaveIt(Machine machine) {
        asRoot(machine, "rm -rf /etc/postgresql/* /var/lib/postgresql/* /var/log/postgresql/*");
        asRoot(machine, "pg_createcluster 15 main --start");
        // What autovacuum has done by then.
        asPostgres(machine, "vacuumdb --all --analyze --quiet");
        // It reaches no other machine: what is to be installed must be there, and that there is a newer one is not known.
        asRoot(machine, "rm -rf /var/lib/apt/lists/*");
    }

    private void onOneAndCopied(String line) {
        if (!line.contains("# on one")) {
            machines.forEach(machine -> asRoot(machine, line));
            return;
        }
        asRoot(machines.getFirst(), line);
        var file = line.replaceAll(".*> *([^ ]+).*", "$1");
        asRoot(machines.getFirst(), "cp -p " + file + " /shared/copied");
        for (var other : machines.subList(1, machines.size())) asRoot(other, "cp -p /shared/copied " + file);
    }

    private void append(Machine machine, String file, List<String> lines) {
        asPostgres(machine, "cat >>/etc/postgresql/15/main/" + file + " <<'END'\n" + filledIn(String.join("\n", lines)) + "\nEND");
    }

    private String asRoot(Machine machine, String line) {
        return machine.run("root", "/shared/" + release, filledIn(line));
    }

    private String asPostgres(Machine machine, String line) {
        return machine.run("postgres", "/", filledIn(line));
    }

    /** What it says once it succeeds. */
    private String awaitOutput(Machine machine, String line) {
        return Await.value(line + " succeeds on " + machine.name(), LIMIT,
                () -> Optional.of(machine.attempt("postgres", "/", filledIn(line))).filter(Exec.Result::ok), this::logs)
                .output().strip();
    }

    private String filledIn(String line) {
        return line.replace("nodes-password", PASSWORD).replace("10.0.0.0/24", network.range())
                .replaceAll("\\b" + DOCUMENTED_VERSION + " main\\b", version + " main").replace("dev-15", "dev-" + version)
                .replace("/postgresql/15/", "/postgresql/" + version + "/");
    }

    private String streaming(Machine machine) {
        return asPostgres(machine, "psql -XAtc \"select count(*) from pg_replica.members() where state = 'streaming'\"");
    }

    private String logs() {
        var said = new StringBuilder();
        for (var machine : machines) {
            said.append("== ").append(machine.name()).append('\n')
                    .append(machine.attempt("root", "/", "grep -hEv 'ERROR|STATEMENT' /var/log/postgresql/* | tail -n 25").output());
        }
        return said.toString();
    }
}
