package pgreplica.simulator.mutants;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every planted bug can still be planted: what it changes is where it says, and the test that it names is there. */
class PlantedBugsTest {
    private static final Path ROOT = Path.of("..");

    static List<Path> ofJava() throws IOException {
        return files(Path.of("src", "mutants"));
    }

    static List<Path> ofTheHost() throws IOException {
        return files(ROOT.resolve("extension/test/mutants"));
    }

    private static List<Path> files(Path folder) throws IOException {
        try (var found = Files.list(folder)) {
            return found.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("ofJava")
    void isPlantable(Path file) throws IOException {
        for (var change : Mutant.read(file).changes()) isThereOnce(ROOT.resolve(change.path()), change.from());
    }

    @ParameterizedTest
    @MethodSource("ofTheHost")
    void isPlantableInC(Path file) throws IOException {
        var source = ROOT.resolve("extension/src").resolve(field(file, "in "));
        isThereOnce(source, field(file, "change "));
        var net = field(file, "caught ");
        if (net.equals("wire")) return;
        // Behind the version of PostgreSQL that it needs.
        var test = net.substring(net.indexOf(' ') + 1).split("#");
        assertThat(ROOT.resolve("cluster-tests/src/test/java/pgreplica/clustertests").resolve(test[0] + ".java"))
                .content().contains("void " + test[1] + "(");
    }

    private static void isThereOnce(Path source, String text) {
        assertThat(source).content().containsOnlyOnce(text);
    }

    private static String field(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream().filter(line -> line.startsWith(name)).findFirst().orElseThrow()
                .substring(name.length());
    }
}
