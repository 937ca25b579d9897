package pgreplica.simulator.explore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A search that knows what it is after.
 *
 * @param rule the safety rule that it would find missing
 * @param terms after the first one
 */
record Directed(String rule, Property property, int nodes, int terms, Plan plan, String text) {
    static final Path FILE = Path.of("simulator", "src", "explorations.txt");

    static List<Directed> all(Path file) throws IOException {
        var all = new ArrayList<Directed>();
        for (var line : Files.readAllLines(file)) {
            if (line.isBlank() || line.startsWith("#")) continue;
            var words = Arrays.asList(line.trim().split(" +"));
            all.add(new Directed(words.get(0), Property.named(words.get(1)), Integer.parseInt(words.get(2)),
                    Integer.parseInt(words.get(3)), Plan.of(words.subList(4, words.size())), String.join(" ", words)));
        }
        return all;
    }
}
