package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import pgreplica.harness.Await;
import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** Commands of a section of README.md, in the words that operators find there. */
record Recipe(List<Step> steps) {
    private static final String UNTIL = "# until it says: ";

    /** @param until what it must say in the end; it is repeated until then */
    record Step(String command, Optional<String> until) {}

    /** The blocks of commands below this heading, in their order. */
    static List<Recipe> inReadme(String heading) throws IOException {
        return blocksInReadme(heading).stream().map(lines -> new Recipe(lines.stream().map(Recipe::step).toList())).toList();
    }

    /** What stands for itself below this heading: commands, SQL, settings. */
    static List<List<String>> blocksInReadme(String heading) throws IOException {
        var blocks = new ArrayList<List<String>>();
        var readme = Files.readString(Path.of(System.getProperty("user.dir")).resolveSibling("README.md"));
        var section = readme.split("\n## " + heading + "\n", 2)[1].split("\n## ", 2)[0];
        for (var block : section.split("\n\n")) {
            var lines = block.lines().toList();
            if (lines.stream().allMatch(line -> line.startsWith("    "))) blocks.add(lines.stream().map(String::strip).toList());
        }
        return blocks;
    }

    private static Step step(String line) {
        var parts = line.split(UNTIL, 2);
        return new Step(parts[0].strip(), parts.length == 2 ? Optional.of(parts[1].strip()) : Optional.empty());
    }

    /** As the server's user on this node's machine, whose surroundings name the server and its programs. */
    void followOn(Cluster cluster, Node node) {
        for (var step : steps) {
            if (step.until().isEmpty()) {
                assertThat(run(cluster, node, step.command())).as(() -> step.command() + "\n" + node.describe())
                        .matches(Exec.Result::ok, "succeeds");
            } else {
                Await.condition(step.command() + " says " + step.until().get() + " on " + node, Cluster.WHOLE_LIMIT,
                        () -> run(cluster, node, step.command()).output().strip().equals(step.until().get()), node::describe);
            }
        }
    }

    private static Exec.Result run(Cluster cluster, Node node, String command) {
        var psql = Path.of(node.program("psql"));
        var surroundings = Map.of("PATH", psql.getParent() + ":" + System.getenv("PATH"), "PGDATA", node.files().data().toString(),
                "PGHOST", node.files().socket().toString(), "PGPORT", String.valueOf(node.spec().port()),
                "PGUSER", node.superuser("postgres").user(), "PGDATABASE", "postgres");
        // What the server itself says belongs into its log.
        var logged = command.startsWith("pg_ctl") ? command + " >>" + node.files().log() + " 2>&1" : command;
        var asServer = Account.forServers().command(List.of("sh", "-c", logged));
        return Exec.attempt(cluster.blueprint().install().inItsSystem(asServer), surroundings, "");
    }
}
