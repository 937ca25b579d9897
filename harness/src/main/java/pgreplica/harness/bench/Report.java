package pgreplica.harness.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import pgreplica.harness.HarnessException;
import pgreplica.harness.run.Exec;
import pgreplica.harness.run.Json;
import pgreplica.harness.run.PgInstall;

/** What was measured, on what, with which source. */
public final class Report {
    private final Map<String, Object> head = new LinkedHashMap<>();
    private final List<Statistics> statistics = new ArrayList<>();

    public Report(String benchmark, String version) {
        head.put("benchmark", benchmark);
        head.put("at", Instant.now().toString());
        head.put("commit", Exec.attempt(List.of("git", "-C", System.getProperty("user.dir"), "rev-parse", "HEAD")).output().trim());
        head.put("machine", machine());
        head.put("postgresql", PgInstall.find(version).fullVersion());
    }

    public void condition(String name, Object value) {
        head.put(name, value);
    }

    public void add(Statistics measured) {
        statistics.add(measured);
    }

    public void print() {
        System.out.println("machine: " + head.get("machine"));
        System.out.println("commit:  " + head.get("commit"));
        statistics.forEach(System.out::println);
    }

    public void write(Path file) {
        head.put("results", statistics.stream().map(Statistics::toJson).toList());
        try {
            Files.writeString(file, Json.write(head));
        } catch (IOException failure) {
            throw new HarnessException("cannot write " + file + ": " + failure.getMessage(), failure);
        }
    }

    private static String machine() {
        try {
            var model = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 2)).findFirst().orElse("unknown CPU");
            var memory = Files.readAllLines(Path.of("/proc/meminfo")).getFirst().replaceAll("\\D+", "");
            return Runtime.getRuntime().availableProcessors() + " x " + model + ", " + Long.parseLong(memory) / 1024
                    + " MiB, Linux " + System.getProperty("os.version");
        } catch (IOException failure) {
            throw new HarnessException("cannot read /proc: " + failure.getMessage(), failure);
        }
    }
}
