package pgreplica.simulator.mutants;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A bug planted by hand, and the nets that must catch it.
 *
 * <pre>
 * # Safety rule A4: what the rule forbids, and what is now allowed.
 * in core/src/main/java/pgreplica/raft/Raft.java
 * change nowMillis + settings.promiseMillis()
 * to nowMillis
 * caught unit raft
 * </pre>
 *
 * Several {@code change} and {@code to} may follow an {@code in}, and several {@code in} each other.
 */
record Mutant(String name, String rule, List<Change> changes, Set<Net> caught) {

    /** @param from must be in the file exactly once */
    record Change(String path, String from, String to) {}

    static Mutant read(Path file) throws IOException {
        var rule = new StringBuilder();
        var changes = new ArrayList<Change>();
        var caught = EnumSet.noneOf(Net.class);
        String path = "";
        String from = "";
        for (var line : Files.readAllLines(file)) {
            var text = line.strip();
            int space = text.indexOf(' ');
            var word = space < 0 ? text : text.substring(0, space);
            var rest = space < 0 ? "" : text.substring(space + 1).strip();
            switch (word) {
                case "" -> {}
                case "#" -> rule.append(rule.isEmpty() ? "" : " ").append(rest);
                case "in" -> path = rest;
                case "change" -> from = rest;
                case "to" -> {
                    if (path.isEmpty() || from.isEmpty()) throw new IOException(file + ": a to without in and change");
                    changes.add(new Change(path, from, rest));
                    from = "";
                }
                case "caught" -> {
                    for (var net : rest.split(" ")) caught.add(Net.named(net));
                }
                default -> throw new IOException(file + ": what is \"" + line + "\"?");
            }
        }
        if (changes.isEmpty() || caught.isEmpty()) throw new IOException(file + ": changes or nets are missing");
        if (!from.isEmpty()) throw new IOException(file + ": a change without to");
        var name = file.getFileName().toString().replaceFirst("\\.txt$", "");
        return new Mutant(name, rule.toString(), List.copyOf(changes), caught);
    }

    /** The rule that its name begins with, as the rules are written: {@code A4}, {@code P9}, {@code raft}. */
    String shortRule() {
        var first = name.substring(0, name.indexOf('_'));
        return first.matches("[a-z]\\d+") ? first.substring(0, 1).toUpperCase() + Integer.parseInt(first.substring(1))
                : first;
    }

    /** The folders of the repository that it changes. */
    Set<String> modules() {
        var modules = new TreeSet<String>();
        for (var change : changes) modules.add(change.path().substring(0, change.path().indexOf('/')));
        return modules;
    }

    boolean changesC() {
        return changes.stream().anyMatch(change -> change.path().endsWith(".c") || change.path().endsWith(".h"));
    }
}
