package pgreplica.simulator.trace;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import pgreplica.codec.Session;
import pgreplica.simulator.RecordedEvents;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./dev trace}. */
@Command(name = "trace", mixinStandardHelpOptions = true, description = "What a core was told and what it answered.",
        subcommands = {TraceMain.ReplayCommand.class, TraceMain.SimulateCommand.class, FuzzInputs.class})
public final class TraceMain {
    private TraceMain() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new TraceMain()).execute(arguments));
    }

    /** Under a debugger this is a node's life at one's own pace. */
    @Command(name = "replay", mixinStandardHelpOptions = true,
            description = "Runs recorded traces through the core on the JVM and tells the first difference.")
    static final class ReplayCommand implements Callable<Integer> {
        @Parameters(arity = "1..*", description = "files that pg_replica.trace_file made")
        private List<Path> files;

        @Option(names = "--tell", description = "print every event and what the core did")
        private boolean tell;

        @Option(names = "--brief", description = "say nothing of a trace that goes as recorded, and count them")
        private boolean brief;

        @Override public Integer call() throws IOException {
            int different = 0;
            long events = 0;
            for (var file : files) {
                var replay = new Replay(TraceFile.read(file), tell);
                var difference = replay.firstDifference();
                events += replay.events();
                if (!difference.isEmpty()) {
                    different++;
                    System.out.println("FAILED " + file + " differs " + difference);
                } else if (!brief) {
                    System.out.println(file + ": " + replay.events() + " events and " + replay.states()
                            + " states, as recorded");
                }
            }
            if (brief) System.out.println("   " + files.size() + " traces of real servers, " + events + " events, " + different
                    + " of them differ");
            return different == 0 ? 0 : 1;
        }
    }

    /** For the fuzzer's lives, and to try a replay without a server. */
    @Command(name = "simulate", mixinStandardHelpOptions = true,
            description = "Writes the trace of a simulated node.")
    static final class SimulateCommand implements Callable<Integer> {
        @Parameters(index = "0", description = "the simulation's seed")
        private long seed;

        @Parameters(index = "1", description = "which life of the recorded ones, from 1")
        private int life;

        @Parameters(index = "2", description = "how many events of it")
        private int events;

        @Parameters(index = "3")
        private Path file;

        @Option(names = "--events-only", description = "without the answers")
        private boolean eventsOnly;

        @Override public Integer call() throws IOException {
            var recorded = new RecordedEvents(seed);
            var session = new Session();
            int lives = 0;
            int written = 0;
            try (var out = new TraceFile.Writer(new BufferedOutputStream(Files.newOutputStream(file)))) {
                while (written < events) {
                    var event = recorded.next();
                    if (event[0] == 1) lives++;
                    if (lives < life) continue;
                    if (lives > life) break;
                    out.write(TraceFile.Kind.EVENT, event);
                    var reply = session.step(event);
                    if (!eventsOnly) out.write(TraceFile.Kind.ACTIONS, reply);
                    written++;
                }
                if (!eventsOnly) out.write(TraceFile.Kind.STATE, session.state());
            }
            System.out.println(file + ": " + written + " events");
            return 0;
        }
    }
}
