package pgreplica.simulator.mutants;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./dev mutants}: plants bugs, and fails if a net that must catch one does not. */
@Command(name = "mutants", mixinStandardHelpOptions = true,
        description = "Plants the bugs of simulator/src/mutants one by one and runs the nets that must catch them.")
public final class MutantsMain implements Callable<Integer> {
    private static final Path DIRECTORY = Path.of("simulator", "src", "mutants");

    @Parameters(index = "0", description = "the C build of the twin test")
    private Path program;

    @Parameters(index = "1", description = "where to keep which mutants were caught when")
    private Path memory;

    @Parameters(index = "2..*", description = "names of mutants; all of them if none is given")
    private List<String> names;

    @Option(names = "--seconds", description = "begin no further mutant after this; those caught longest ago come first")
    private Integer seconds;

    @Option(names = "--net", description = "ask this net, whether it must catch a mutant or not; may be given again")
    private Set<Net> nets;

    private MutantsMain() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new MutantsMain()).setCaseInsensitiveEnumValuesAllowed(true).execute(arguments));
    }

    @Override public Integer call() throws IOException {
        long start = System.nanoTime();
        // Whoever ends this ends the nets as well.
        Runtime.getRuntime().addShutdownHook(new Thread(
                () -> ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly)));
        Files.createDirectories(memory);
        var mutants = chosen();
        if (!netsAreQuiet(mutants)) return 1;
        int caught = 0;
        var missed = new ArrayList<String>();
        for (var mutant : mutants) {
            boolean late = seconds != null && (System.nanoTime() - start) / 1_000_000_000 > seconds;
            if (late && caught > 0) break;
            if (isCaught(mutant)) {
                caught++;
                Files.writeString(memory.resolve(mutant.name()), Long.toString(System.currentTimeMillis()));
            } else {
                missed.add(mutant.name());
            }
        }
        System.out.println(caught + " mutants caught, " + missed.size() + " missed, "
                + (mutants.size() - caught - missed.size()) + " left for another time");
        if (!missed.isEmpty()) System.out.println("FAILED missed: " + String.join(" ", missed));
        return missed.isEmpty() ? 0 : 1;
    }

    private List<Mutant> chosen() throws IOException {
        var mutants = new ArrayList<Mutant>();
        try (var files = Files.list(DIRECTORY)) {
            for (var file : files.filter(file -> file.toString().endsWith(".txt")).sorted().toList()) {
                var mutant = Mutant.read(file);
                if (names == null || names.contains(mutant.name())) mutants.add(mutant);
            }
        }
        if (names != null && mutants.size() < names.size()) throw new IOException("not all of " + names + " exist");
        if (seconds != null) mutants.sort(Comparator.comparingLong(this::caughtAt));
        return mutants;
    }

    private long caughtAt(Mutant mutant) {
        try {
            var file = memory.resolve(mutant.name());
            return Files.exists(file) ? Long.parseLong(Files.readString(file)) : 0;
        } catch (IOException unreadable) {
            return 0;
        }
    }

    /** A net that cries without a bug would catch everything. */
    private boolean netsAreQuiet(List<Mutant> mutants) throws IOException {
        var used = EnumSet.noneOf(Net.class);
        var modules = new TreeSet<String>();
        for (var mutant : mutants) {
            used.addAll(netsFor(mutant));
            modules.addAll(mutant.modules());
        }
        try (var workshop = new Workshop(program)) {
            workshop.plant(new Mutant("none", "", List.of(), Set.of()));
            for (var net : used) {
                var answer = workshop.ask(net, modules, "", true);
                System.out.println("without a bug, " + net.label() + ": " + answer.text());
                if (answer.caught()) return false;
            }
        }
        return true;
    }

    private Set<Net> netsFor(Mutant mutant) {
        return nets == null ? mutant.caught() : nets;
    }

    private boolean isCaught(Mutant mutant) {
        System.out.println(mutant.name() + ": " + mutant.rule());
        boolean byAll = true;
        try (var workshop = new Workshop(program)) {
            workshop.plant(mutant);
            for (var net : netsFor(mutant)) {
                var answer = workshop.ask(net, mutant.modules(), mutant.shortRule(), false);
                boolean must = mutant.caught().contains(net);
                System.out.println((answer.caught() ? "  caught by " : must ? "  MISSED BY " : "  not seen by ")
                        + net.label() + ": " + answer.text());
                byAll = byAll && (answer.caught() || !must);
            }
        } catch (IOException broken) {
            // The code has moved on and the mutant has not: that is for a person to mend.
            System.out.println("  CANNOT BE TRIED: " + broken.getMessage());
            return false;
        }
        return byAll;
    }
}
