package pgreplica.checker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a node holds in the end. */
public record Contents(String node, List<Row> rows) {

    /** One element of a list. {@code after}: the last id of the list that the appending transaction saw, or 0. */
    public record Row(int list, int id, int after, String node, int timeline) {}

    SortedMap<Integer, BitSet> lists() {
        var lists = new TreeMap<Integer, BitSet>();
        for (var row : rows) lists.computeIfAbsent(row.list(), list -> new BitSet()).set(row.id());
        return lists;
    }

    public void write(Path file) throws IOException {
        Files.write(file, rows.stream().map(row -> String.join(" ", String.valueOf(row.list()), String.valueOf(row.id()),
                String.valueOf(row.after()), row.node(), String.valueOf(row.timeline()))).toList());
    }

    public static Contents read(String node, Path file) throws IOException {
        var rows = new ArrayList<Row>();
        for (var line : Files.readAllLines(file)) {
            var fields = line.split(" ");
            rows.add(new Row(Integer.parseInt(fields[0]), Integer.parseInt(fields[1]), Integer.parseInt(fields[2]),
                    fields[3], Integer.parseInt(fields[4])));
        }
        return new Contents(node, List.copyOf(rows));
    }
}
