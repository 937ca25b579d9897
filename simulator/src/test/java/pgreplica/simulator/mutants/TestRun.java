package pgreplica.simulator.mutants;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs JUnit tests up to the first that fails: what a planted bug is caught by.
 *
 * <p>Usage: TestRun [--without CLASS] DIRECTORY... | CLASS#METHOD
 */
public final class TestRun implements TestExecutionListener {
    private static volatile String failure = "";
    private int passed;

    private TestRun() {}

    public static void main(String[] arguments) {
        var said = run(arguments);
        System.out.println(said);
        // No tests found is no answer.
        System.exit(said.startsWith("FAILED") ? 1 : said.startsWith("0 ") ? 2 : 0);
    }

    /** The first failure, or how many tests passed. */
    static String run(String[] arguments) {
        var request = LauncherDiscoveryRequestBuilder.request()
                .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "true");
        for (int i = 0; i < arguments.length; i++) {
            var argument = arguments[i];
            if (argument.equals("--without")) {
                request.filters(ClassNameFilter.excludeClassNamePatterns(arguments[++i].replace(".", "\\.")));
            } else if (argument.contains("#")) {
                request.selectors(selectMethod(argument));
            } else {
                request.selectors(selectClasspathRoots(Set.of(Path.of(argument))));
            }
        }
        var run = new TestRun();
        LauncherFactory.create().execute(request.build(), run);
        return failure.isEmpty() ? run.passed + " tests passed" : failure;
    }

    @Override public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
            if (test.isTest()) passed++;
            return;
        }
        if (!failure.isEmpty()) return;
        var what = result.getThrowable().map(Throwable::toString).orElse("").strip().replaceAll("\\s+", " ");
        failure = "FAILED " + test.getUniqueId().replaceAll(".*\\[class:pgreplica.([^]]*)].*", "$1") + " "
                + test.getDisplayName() + ": " + what;
    }

    /** Found by its service entry, and asked only here. */
    public static final class NothingAfterAFailure implements ExecutionCondition {
        @Override public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return failure.isEmpty() ? ConditionEvaluationResult.enabled("nothing has failed")
                    : ConditionEvaluationResult.disabled("one failure is enough");
        }
    }
}
