package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ./dev twin}: runs the twin test and says how far it is. */
@Command(name = "twin", mixinStandardHelpOptions = true,
        description = "Runs the same events through the JVM build and the C build and compares the bytes.")
public final class TwinMain implements Callable<Integer> {
    private static final long SPEAK_EVERY_NANOS = 10_000_000_000L;

    @Parameters(index = "0", description = "the C build, as a program")
    private Path program;

    @Parameters(index = "1", defaultValue = "1000000", description = "how many events (default: ${DEFAULT-VALUE})")
    private long steps;

    @Parameters(index = "2", defaultValue = "1", description = "which events (default: ${DEFAULT-VALUE})")
    private long seed;

    private long spokenNanos;

    private TwinMain() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new TwinMain()).execute(arguments));
    }

    @Override public Integer call() throws IOException {
        long start = System.nanoTime();
        spokenNanos = start;
        try {
            var result = new Twin(program, seed).run(steps, this::reached);
            System.err.printf("   %d events, the same bytes from both builds (%d refused by both), hash %016x, %.1f s%n",
                    steps, result.refused(), result.hash(), (System.nanoTime() - start) / 1e9);
            return 0;
        } catch (Difference difference) {
            System.err.println("FAILED seed=" + seed + ": " + difference.getMessage()
                    + "\nreplay with: ./dev twin " + steps + " " + seed);
            return 1;
        }
    }

    private void reached(long steps) {
        long now = System.nanoTime();
        if (now - spokenNanos < SPEAK_EVERY_NANOS) return;
        spokenNanos = now;
        System.err.println("   " + steps + " of " + this.steps + " events");
    }
}
