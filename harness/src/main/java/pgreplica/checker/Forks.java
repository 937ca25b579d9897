package pgreplica.checker;

import java.util.Map;

/**
 * The way from the first timeline to the one in force in the end, as the cluster published it: for each timeline on it
 * that was left, the WAL position up to which it belongs to the history. Other timelines were abandoned altogether.
 */
public record Forks(int current, Map<Integer, Long> leftAt) {

    /** Whether WAL that begins at this position of this timeline is part of the history. */
    boolean isHistory(int timeline, long lsn) {
        if (timeline == current) return true;
        var end = leftAt.get(timeline);
        return end != null && Long.compareUnsigned(lsn, end) <= 0;
    }
}
