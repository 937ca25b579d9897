package pgreplica.simulator.mutants;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;

/** A copy of the sources that a bug is planted in, compiled apart from everything else; gone when it is closed. */
final class Workshop implements AutoCloseable {
    private static final List<String> MODULES = List.of("core", "codec", "simulator");
    private static final List<String> NATIVE = List.of("extension/src/pgr_core.c", "extension/src/pgr_core.h",
            "simulator/src/main/c/twin.c");
    /** A net that has no answer after this has caught nothing. */
    private static final int PATIENCE_SECONDS = 600;

    /** The net's answer in one line. */
    record Answer(boolean caught, String text) {}

    private final Path home;
    private final Path program;

    /** @param program the C build of the twin test; beside it lies the object of the generated code */
    Workshop(Path program) throws IOException {
        this.program = program;
        home = Files.createTempDirectory("mutant");
    }

    /** Copies, changes, compiles: only the changed modules, for no mutant changes what others see of them. */
    void plant(Mutant mutant) throws IOException {
        for (var module : MODULES) {
            if (mutant.modules().contains(module)) copySources(Path.of(module, "src", "main", "java"));
        }
        for (var file : NATIVE) copy(Path.of(file));
        for (var change : mutant.changes()) apply(mutant, change);
        compileJava();
        if (mutant.changesC()) compileNative();
    }

    private void copySources(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (var file : files.filter(Files::isRegularFile).toList()) copy(file);
        }
    }

    private void copy(Path file) throws IOException {
        var target = home.resolve(file);
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
    }

    private void apply(Mutant mutant, Mutant.Change change) throws IOException {
        var file = home.resolve(change.path());
        if (!Files.exists(file)) throw new IOException(mutant.name() + ": no source " + change.path());
        var text = Files.readString(file);
        int at = text.indexOf(change.from());
        if (at < 0 || text.indexOf(change.from(), at + 1) >= 0) {
            throw new IOException(mutant.name() + ": " + change.path() + " must contain exactly once: " + change.from());
        }
        Files.writeString(file, text.substring(0, at) + change.to() + text.substring(at + change.from().length()));
    }

    private void compileJava() throws IOException {
        var sources = new ArrayList<Path>();
        for (var module : MODULES) {
            if (!Files.exists(home.resolve(module))) continue;
            try (var files = Files.walk(home.resolve(module))) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
            }
        }
        var classes = Files.createDirectories(home.resolve("classes"));
        if (sources.isEmpty()) return;
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var said = new StringWriter();
            var options = List.of("-nowarn", "-proc:none", "-d", classes.toString(), "-cp",
                    System.getProperty("java.class.path"));
            boolean compiled = compiler.getTask(said, manager, null, options, null,
                    manager.getJavaFileObjectsFromPaths(sources)).call();
            if (!compiled) throw new IOException("the mutant does not compile: " + said);
        }
    }

    private void compileNative() throws IOException {
        run(List.of("gcc", "-std=gnu11", "-O2", "-w", "-I" + home.resolve("extension/src"),
                home.resolve("simulator/src/main/c/twin.c").toString(),
                home.resolve("extension/src/pgr_core.c").toString(), program + ".o", "-lm", "-o",
                home.resolve("twin").toString()), 120);
    }

    /** Unit tests run in this JVM with their own copy of our classes, every other net in a JVM of its own. */
    Answer ask(Net net, Set<String> modules, String rule, boolean brief) throws IOException {
        return net == Net.UNIT ? askUnitTests(net.command(modules, rule, program, brief))
                : askProcess(net, modules, rule, brief);
    }

    private Answer askUnitTests(List<String> command) throws IOException {
        long start = System.nanoTime();
        try (var planted = new PlantedClasses(home.resolve("classes"))) {
            var said = planted.test(command.subList(1, command.size()).toArray(String[]::new), PATIENCE_SECONDS);
            if (said.startsWith("0 ")) throw new IOException("no unit tests were found");
            return new Answer(said.startsWith("FAILED"), shortened(said) + " ("
                    + (System.nanoTime() - start) / 1_000_000_000 + " s)");
        }
    }

    private Answer askProcess(Net net, Set<String> modules, String rule, boolean brief) throws IOException {
        var twin = home.resolve("twin");
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Djqwik.database=" + home.resolve("jqwik"),
                "-cp", home.resolve("classes") + ":" + System.getProperty("java.class.path")));
        command.addAll(net.command(modules, rule, Files.exists(twin) ? twin : program, brief));
        long start = System.nanoTime();
        var output = run(command, PATIENCE_SECONDS);
        var seconds = (System.nanoTime() - start) / 1_000_000_000;
        return new Answer(output.status() == 1, told(output) + " (" + seconds + " s)");
    }

    /** @param status 0: nothing found; 1: caught; others say that the net itself went wrong */
    private record Output(int status, List<String> lines) {}

    private Output run(List<String> command, int patienceSeconds) throws IOException {
        var said = home.resolve("said");
        var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
        try {
            if (!process.waitFor(patienceSeconds, TimeUnit.SECONDS)) return new Output(0, List.of("found nothing in time"));
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        } finally {
            process.destroyForcibly();
        }
        var lines = Files.readAllLines(said);
        if (process.exitValue() > 1 || process.exitValue() < 0) {
            throw new IOException(String.join(" ", command) + " ended with " + process.exitValue() + "\n"
                    + String.join("\n", lines));
        }
        return new Output(process.exitValue(), lines);
    }

    private static String told(Output output) {
        for (int i = 0; i < output.lines().size(); i++) {
            var line = output.lines().get(i);
            // The simulation says on the next line which promise it is.
            var next = i + 1 < output.lines().size() ? ": " + output.lines().get(i + 1).strip() : "";
            boolean tells = line.contains("FAILED") || line.contains(".txt:");
            if (tells) return shortened(line + next);
        }
        if (output.lines().isEmpty()) return "said nothing";
        return shortened(output.status() == 1 ? output.lines().getFirst() : output.lines().getLast());
    }

    private static String shortened(String line) {
        var text = line.strip().replace("FAILED ", "");
        return text.length() <= 160 ? text : text.substring(0, 160) + "...";
    }

    @Override public void close() throws IOException {
        try (var files = Files.walk(home)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }
}
