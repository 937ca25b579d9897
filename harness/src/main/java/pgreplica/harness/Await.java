package pgreplica.harness;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for conditions. Every wait has a deadline and can explain itself when the deadline passes. */
public final class Await {
    private static final long POLL_MILLIS = 20;
    private static final long PATIENT_POLL_MILLIS = 100;
    private static final long PATIENT_AFTER_NANOS = 1_000_000_000L;

    private Await() {}

    /** The first value that {@code probe} finds; on a time-out the message carries what {@code explain} says. */
    public static <T> T value(String what, Duration limit, Supplier<Optional<T>> probe, Supplier<String> explain) {
        long start = System.nanoTime();
        long deadline = start + limit.toNanos();
        while (true) {
            var found = probe.get();
            if (found.isPresent()) return found.get();
            if (System.nanoTime() - deadline >= 0) {
                throw new HarnessException("waited " + limit.toMillis() + " ms for: " + what + "\n" + explain.get());
            }
            // What takes long is looked at less often: asking costs the servers time as well.
            pause(System.nanoTime() - start > PATIENT_AFTER_NANOS ? PATIENT_POLL_MILLIS : POLL_MILLIS);
        }
    }

    public static void condition(String what, Duration limit, BooleanSupplier holds, Supplier<String> explain) {
        value(what, limit, () -> holds.getAsBoolean() ? Optional.of(true) : Optional.empty(), explain);
    }

    /** Whether the condition came true in time. For conditions whose absence is an answer, too. */
    public static boolean comesTrue(Duration limit, BooleanSupplier holds) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - deadline >= 0) return false;
            pause(POLL_MILLIS);
        }
        return true;
    }

    /** Throws as soon as the condition stops holding, returns when it held for the whole time. */
    public static void staysTrue(String what, Duration span, BooleanSupplier holds, Supplier<String> explain) {
        long deadline = System.nanoTime() + span.toNanos();
        while (System.nanoTime() - deadline < 0) {
            if (!holds.getAsBoolean()) throw new HarnessException("no longer true: " + what + "\n" + explain.get());
            pause(POLL_MILLIS);
        }
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new HarnessException("interrupted while waiting", interrupted);
        }
    }
}
