package pgreplica.harness.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import pgreplica.harness.HarnessException;

/** Runs commands of the machine to their end. */
public final class Exec {
    private static final Duration LIMIT = Duration.ofSeconds(120);

    private Exec() {}

    /** What a command said and how it ended. */
    public record Result(List<String> command, int exitCode, String output) {
        public boolean ok() {
            return exitCode == 0;
        }
    }

    /** Output of a command that must succeed. */
    public static String run(List<String> command) {
        return run(command, Map.of(), "");
    }

    public static String run(List<String> command, Map<String, String> environment, String input) {
        var result = attempt(command, environment, input);
        if (!result.ok()) {
            throw new HarnessException("command failed with status " + result.exitCode() + ": "
                    + String.join(" ", command) + "\n" + result.output());
        }
        return result.output();
    }

    public static Result attempt(List<String> command) {
        return attempt(command, Map.of(), "");
    }

    public static Result attempt(List<String> command, Map<String, String> environment, String input) {
        return attempt(command, environment, input, LIMIT);
    }

    /** Standard output and error go through a file: a grandchild that keeps them open cannot hold us up. */
    public static Result attempt(List<String> command, Map<String, String> environment, String input, Duration limit) {
        Path output = null;
        try {
            output = Files.createTempFile("pg_replica-exec", ".out");
            var builder = builder(command, environment).redirectErrorStream(true).redirectOutput(output.toFile());
            var process = builder.start();
            try (var standardInput = process.getOutputStream()) {
                standardInput.write(input.getBytes(StandardCharsets.UTF_8));
            }
            if (!process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new HarnessException("command did not end within " + limit.toSeconds() + " s: "
                        + String.join(" ", command) + "\n" + Files.readString(output));
            }
            return new Result(command, process.exitValue(), Files.readString(output));
        } catch (IOException failure) {
            throw new HarnessException("cannot run " + String.join(" ", command) + ": " + failure.getMessage(), failure);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new HarnessException("interrupted while running " + command.get(0), interrupted);
        } finally {
            deleteQuietly(output);
        }
    }

    /** A process builder whose environment holds nothing of the caller's that would steer Postgres. */
    public static ProcessBuilder builder(List<String> command, Map<String, String> environment) {
        var builder = new ProcessBuilder(command).directory(Path.of("/").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("LC_"));
        builder.environment().put("LANG", "C.UTF-8");
        builder.environment().putAll(environment);
        return builder;
    }

    private static void deleteQuietly(Path path) {
        if (path == null) return;
        try {
            Files.deleteIfExists(path);
        } catch (IOException leftBehind) {
            // A temporary file that stays does no harm, and the result of the command matters more.
        }
    }
}
