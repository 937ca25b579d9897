package pgreplica.simulator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Plays written conversations and compares, or writes down what happens now. */
@Command(name = "scenario", mixinStandardHelpOptions = true,
        description = "Plays the conversations in simulator/src/scenarios and shows where they differ.")
final class ScenarioCommand implements Callable<Integer> {
    static final Path DIRECTORY = Path.of("simulator", "src", "scenarios");

    @Parameters(arity = "0..*", description = "files; all of them if none is named")
    private List<Path> files;

    @Option(names = "--rewrite", description = "write what happens into the files; review the difference")
    private boolean rewrite;

    @Override public Integer call() throws IOException {
        int different = 0;
        for (var file : files == null ? all(DIRECTORY) : files) {
            var written = Files.readAllLines(file);
            var played = Scenario.play(written);
            if (played.equals(written)) continue;
            different++;
            if (rewrite) Files.write(file, played);
            else System.out.println(file + ":" + firstDifference(written, played));
        }
        System.out.println(different == 0 ? "every scenario goes as written"
                : different + (rewrite ? " rewritten, review the difference" : " scenarios differ; --rewrite shows all"));
        return different == 0 || rewrite ? 0 : 1;
    }

    static List<Path> all(Path directory) throws IOException {
        try (var found = Files.list(directory)) {
            return found.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
        }
    }

    static String firstDifference(List<String> written, List<String> played) {
        for (int i = 0; i < Math.max(written.size(), played.size()); i++) {
            var before = i < written.size() ? written.get(i) : "(nothing more)";
            var now = i < played.size() ? played.get(i) : "(nothing more)";
            if (!before.equals(now)) return (i + 1) + "\n  written: " + before + "\n  played:  " + now;
        }
        return "no difference";
    }
}
