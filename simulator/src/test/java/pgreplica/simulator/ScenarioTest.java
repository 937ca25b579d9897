package pgreplica.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each written conversation goes as it is written; ./dev scenario --rewrite shows what changed. */
class ScenarioTest {
    static List<Path> scenarios() throws IOException {
        return ScenarioCommand.all(Path.of("src", "scenarios"));
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void goesAsWritten(Path file) throws IOException {
        assertThat(Scenario.play(Files.readAllLines(file))).isEqualTo(Files.readAllLines(file));
    }
}
