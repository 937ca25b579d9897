package pgreplica.harness.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import pgreplica.harness.Node;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.run.Json;
import pgreplica.harness.run.ProcessTable;

/** Verbs that only look. */
final class Observing {
    private Observing() {}

    @Command(name = "status", mixinStandardHelpOptions = true, description = "Show what every node says.")
    static final class Status implements Callable<Integer> {
        @Mixin private Named named;

        @Option(names = "--json", description = "as JSON")
        private boolean json;

        @Override public Integer call() {
            var statuses = named.cluster().statuses();
            if (json) System.out.print(Json.write(statuses.stream().map(NodeStatus::toJson).toList()));
            else statuses.forEach(System.out::println);
            return statuses.stream().filter(NodeStatus::isWritable).count() == 1 ? 0 : 2;
        }
    }

    @Command(name = "psql", description = "Open psql on a node as superuser.")
    static final class Psql implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Parameters(index = "1..*", paramLabel = "ARGUMENT", description = "for psql; put -- before options")
        private List<String> arguments = new ArrayList<>();

        @Override public Integer call() throws IOException, InterruptedException {
            var cluster = chosen.cluster();
            var target = chosen.in(cluster).superuser("postgres");
            var command = new ArrayList<>(cluster.blueprint().install().command("psql",
                    "-h", target.host(), "-p", String.valueOf(target.port()), "-U", target.user(), "-d", target.database()));
            command.addAll(arguments);
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        }
    }

    @Command(name = "logs", mixinStandardHelpOptions = true, description = "Print a node's server log.")
    static final class Logs implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Option(names = "--tail", paramLabel = "LINES", description = "only the last lines")
        private Integer tail;

        @Override public Integer call() {
            var lines = chosen.node().log().lines().toList();
            int from = tail == null ? 0 : Math.max(0, lines.size() - tail);
            lines.subList(from, lines.size()).forEach(System.out::println);
            return 0;
        }
    }

    @Command(name = "url", mixinStandardHelpOptions = true, description = "Print a connection string that finds the primary.")
    static final class Url implements Callable<Integer> {
        @Mixin private Named named;

        @Override public Integer call() {
            System.out.println(named.cluster().uri());
            return 0;
        }
    }

    @Command(name = "env", mixinStandardHelpOptions = true, description = "Print ports, directories and process ids as JSON.")
    static final class Environment implements Callable<Integer> {
        @Mixin private Named named;

        @Override public Integer call() {
            var cluster = named.cluster();
            var json = new LinkedHashMap<String, Object>();
            json.put("name", cluster.blueprint().name());
            json.put("home", cluster.blueprint().home());
            json.put("version", cluster.blueprint().version());
            json.put("url", cluster.uri());
            json.put("nodes", cluster.nodes().stream().map(Environment::of).toList());
            System.out.print(Json.write(json));
            return 0;
        }

        private static Object of(Node node) {
            var json = new LinkedHashMap<String, Object>();
            json.put("name", node.name());
            json.put("host", node.spec().host());
            json.put("port", node.spec().port());
            json.put("raftPort", node.spec().raftPort());
            json.put("home", node.files().home());
            json.put("data", node.files().data());
            json.put("state", node.files().state());
            json.put("socket", node.files().socket());
            json.put("config", node.files().config());
            json.put("log", node.files().log());
            json.put("life", node.life().toString().toLowerCase());
            json.put("postmaster", node.postmaster().orElse(null));
            json.put("worker", node.worker().orElse(null));
            json.put("processes", node.processes().stream().map(ProcessTable.Entry::pid).toList());
            return json;
        }
    }
}
