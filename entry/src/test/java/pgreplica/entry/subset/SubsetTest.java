package pgreplica.entry.subset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import pgreplica.base.NodeId;
import pgreplica.codec.ByteReader;
import pgreplica.entry.NativeEntry;

/** What is compiled to C stays in the part of Java where both builds were shown to agree. */
class SubsetTest {
    @Test void compiledCodeStaysInTheSubset() throws IOException, URISyntaxException {
        var found = new ArrayList<String>();
        int classes = 0;
        for (var one : List.of(NodeId.class, ByteReader.class, NativeEntry.class)) {
            var root = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
            try (var files = Files.walk(root)) {
                for (var file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
                    found.addAll(violations(Bytecode.usesOf(file)));
                    classes++;
                }
            }
        }
        assertThat(classes).isGreaterThan(20);
        assertThat(found).isEmpty();
    }

    @TestFactory List<DynamicTest> everyRuleCatchesItsOffenders() {
        var tests = new ArrayList<DynamicTest>();
        for (var rule : Rules.ALL) {
            tests.add(DynamicTest.dynamicTest(rule.name(), () -> {
                var offenders = Offenders.byRule().get(rule.name());
                assertThat(offenders).as("classes that break this rule").isNotEmpty();
                for (var offender : offenders) {
                    assertThat(rulesBrokenBy(offender)).as(offender.getName()).containsExactly(rule.name());
                }
            }));
        }
        return tests;
    }

    private static TreeSet<String> rulesBrokenBy(Class<?> type) throws IOException {
        var names = new TreeSet<String>();
        try (var in = type.getResourceAsStream("/" + type.getName().replace('.', '/') + ".class")) {
            for (var use : Bytecode.usesOf(in.readAllBytes())) {
                for (var rule : Rules.ALL) if (rule.forbids().test(use)) names.add(rule.name());
            }
        }
        return names;
    }

    private static List<String> violations(List<Use> uses) {
        var found = new ArrayList<String>();
        for (var use : uses) {
            for (var rule : Rules.ALL) {
                if (rule.forbids().test(use)) {
                    found.add(use.place() + ": " + rule.name() + ". Instead: " + rule.instead());
                }
            }
        }
        return found;
    }
}
