package pgreplica.harness;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The silence that a fault caused: no commit was acknowledged between {@code lastBefore} and {@code firstAfter}.
 * {@code millis} counts from the fault to the first acknowledgement after the silence.
 */
public record Outage(long faultNanos, Optional<Acknowledgement> lastBefore, Acknowledgement firstAfter) {
    public double millis() {
        return (firstAfter.nanos() - faultNanos) / 1e6;
    }

    /** How long clients saw nothing, which is what peers of this software publish. */
    public double silenceMillis() {
        return lastBefore.map(before -> (firstAfter.nanos() - before.nanos()) / 1e6).orElse(millis());
    }

    /** The longest silence that ended after the fault; empty while nothing was acknowledged since. */
    static Optional<Outage> after(long faultNanos, List<Acknowledgement> unordered) {
        var acknowledged = unordered.stream().sorted(Comparator.comparingLong(Acknowledgement::nanos)).toList();
        Optional<Outage> longest = Optional.empty();
        Optional<Acknowledgement> before = Optional.empty();
        for (var next : acknowledged) {
            var candidate = new Outage(faultNanos, before, next);
            boolean after = next.nanos() > faultNanos;
            if (after && (longest.isEmpty() || candidate.silenceMillis() > longest.get().silenceMillis())) {
                longest = Optional.of(candidate);
            }
            before = Optional.of(next);
        }
        return longest;
    }
}
