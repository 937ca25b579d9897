package pgreplica.simulator.mutants;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What may catch a planted bug, and how it is run against one. */
enum Net {
    /** The JUnit tests of the changed modules, but for those that take long because they count or measure. */
    UNIT {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            var command = new ArrayList<>(List.of("pgreplica.simulator.mutants.TestRun",
                    "--without", "pgreplica.raft.SimulationTest", "--without", "pgreplica.raft.FailoverTimeTest",
                    "--without", "pgreplica.node.CompactionTest"));
            for (var module : List.of("core", "codec")) {
                if (modules.contains(module)) command.add(module + "/target/test-classes");
            }
            return command;
        }
    },
    /** Groups of voters under faults; consensus alone. */
    RAFT {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            return List.of("-Draft.seeds=" + (brief ? 20 : 300), "pgreplica.simulator.mutants.TestRun",
                    "pgreplica.raft.SimulationTest#promisesHoldUnderFaults(int)");
        }
    },
    /** The written conversations. */
    SCENARIO {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            return List.of("pgreplica.simulator.Main", "scenario");
        }
    },
    /** Whole clusters from seeds. */
    SIM {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            return List.of("pgreplica.simulator.Main", "sim", "--seeds", brief ? "20" : "500");
        }
    },
    /** The directed searches of whole clusters that would find the mutant's rule missing. */
    EXPLORE {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            return List.of("pgreplica.simulator.Main", "explore", "directed", "--rules", brief ? "A1,A6" : rule,
                    "--states", "300000");
        }
    },
    /** The JVM build with the bug, the C build without it, or the other way round. */
    TWIN {
        @Override List<String> command(Set<String> modules, String rule, Path program, boolean brief) {
            return List.of("pgreplica.simulator.twin.TwinMain", program.toString(), brief ? "20000" : "1000000");
        }
    };

    static Net named(String name) {
        return valueOf(name.toUpperCase());
    }

    String label() {
        return name().toLowerCase();
    }

    /**
     * What to give to java, the main class and its arguments included.
     *
     * @param modules the changed ones
     * @param rule the one that the mutant breaks, as directed searches name it
     * @param program the C build for the twin test
     * @param brief only long enough to see that the net does not cry without reason
     */
    abstract List<String> command(Set<String> modules, String rule, Path program, boolean brief);
}
