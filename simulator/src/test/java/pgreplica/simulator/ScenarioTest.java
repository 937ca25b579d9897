package pgreplica.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import pgreplica.failover.Rule;

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

    @Test void everyRuleOfThePolicyDecidesInOne() throws IOException {
        var decided = new StringBuilder();
        for (var file : scenarios()) decided.append(Files.readString(file));
        assertThat(Rule.ALL).allSatisfy(rule -> assertThat(decided).contains("] rule " + rule.id() + ": "));
    }

    /** The rules of safety that a decision can break; what is not here is C's or the harness's to show. */
    @ParameterizedTest
    @ValueSource(strings = {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A13", "B1", "B3", "B4", "B5",
            "B7", "B8", "B9", "B10", "B13", "B14", "B19"})
    void everySafetyRuleIsShownByOne(String rule) throws IOException {
        assertThat(scenarios()).anySatisfy(file -> {
            var purpose = Files.readAllLines(file).stream().takeWhile(line -> line.startsWith("#")).toList();
            assertThat(String.join(" ", purpose)).containsPattern("\\b" + rule + "\\b");
        });
    }
}
