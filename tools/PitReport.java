import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.TreeMap;

/**
 * Reads what PIT wrote for one package, prints how much was killed and what survived without an explanation.
 *
 * Usage: java PitReport.java MUTATIONS.CSV EXPLANATIONS
 *
 * An explanation is a line {@code Class method mutator: why no test can tell the difference}, without a line number,
 * which every change would move. It accounts for one survivor; of two alike it is there twice.
 */
final class PitReport {
    private static final int GOAL_PERCENT = 90;

    public static void main(String[] arguments) throws IOException {
        var explained = new HashMap<String, Integer>();
        for (var line : Files.readAllLines(Path.of(arguments[1]))) {
            int colon = line.indexOf(':');
            if (!line.startsWith("#") && colon > 0) explained.merge(line.substring(0, colon).strip(), 1, Integer::sum);
        }
        int all = 0;
        int killed = 0;
        int stuck = 0;
        int accounted = 0;
        var survivors = new TreeMap<String, List<String>>();
        for (var line : Files.readAllLines(Path.of(arguments[0]))) {
            // file, class, mutator, method, line, status, test
            var fields = line.split(",");
            if (fields.length < 6) continue;
            all++;
            boolean dead = fields[5].equals("KILLED") || fields[5].equals("TIMED_OUT") || fields[5].equals("MEMORY_ERROR");
            if (dead) {
                killed++;
                if (!fields[5].equals("KILLED")) stuck++;
                continue;
            }
            var mutator = fields[2].replaceAll(".*\\.", "").replaceFirst("Mutator$", "");
            var key = fields[1].replaceAll("^pgreplica\\.", "") + " " + fields[3] + " " + mutator;
            if (explained.merge(key, -1, Integer::sum) >= 0) accounted++;
            else survivors.computeIfAbsent(key, any -> new ArrayList<>()).add(fields[4]);
        }
        survivors.forEach((key, lines) -> System.out.println("   survives: " + key + " (line " + String.join(", ", lines) + ")"));
        int percent = all == 0 ? 0 : (killed + accounted) * 100 / all;
        System.out.println("   " + all + " mutations, " + killed + " killed, " + stuck + " of them by their time or memory, "
                + accounted + " explained: " + percent + " %");
        System.exit(percent >= GOAL_PERCENT ? 0 : 1);
    }
}
