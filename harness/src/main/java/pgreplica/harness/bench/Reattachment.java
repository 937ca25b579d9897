package pgreplica.harness.bench;

import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import pgreplica.harness.Cluster;
import pgreplica.harness.HarnessException;
import pgreplica.harness.Node;

/**
 * From the end of a promotion to the moment when the standbys that were left stream from the new primary, by what both
 * wrote to their logs. All servers run on one machine and so by one clock.
 */
final class Reattachment {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");
    private static final Pattern PROMOTED = Pattern.compile("^(\\S+ \\S+) .*promoted to timeline (\\d+) in", Pattern.MULTILINE);

    private Reattachment() {}

    /** In milliseconds, each standby but the former primary. One that streamed first counts as 0. */
    static List<Double> millis(Cluster cluster, Node former, Node promoted) {
        var found = PROMOTED.matcher(promoted.log());
        LocalDateTime opened = null;
        String timeline = "";
        while (found.find()) {
            opened = LocalDateTime.parse(found.group(1), TIME);
            timeline = found.group(2);
        }
        if (opened == null) throw new HarnessException("the log of " + promoted + " tells of no promotion");
        var millis = new ArrayList<Double>();
        for (var standby : cluster.others(promoted)) {
            if (!standby.equals(former)) millis.add(Math.max(0, millisUntilStreaming(standby, timeline, opened)));
        }
        return millis;
    }

    private static double millisUntilStreaming(Node standby, String timeline, LocalDateTime opened) {
        var started = Pattern.compile("^(\\S+ \\S+) .*(?:started streaming WAL from primary|restarted WAL streaming) at \\S+ on timeline " + timeline + "$",
                Pattern.MULTILINE).matcher(standby.log());
        if (!started.find()) {
            throw new HarnessException("the log of " + standby + " does not say that it streams on timeline " + timeline);
        }
        return Duration.between(opened, LocalDateTime.parse(started.group(1), TIME)).toMillis();
    }
}
