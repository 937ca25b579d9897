package pgreplica.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;

/**
 * The line of descent of one timeline: each step says which timeline it is and where the next one left it.
 * A node's WAL is a prefix of this history exactly if it ends on one of these timelines before that point (P7).
 *
 * @param steps oldest first; the last is the timeline itself and has no end
 */
public record Ancestry(List<Step> steps) {

    /** @param end where the next timeline of the line begins; empty for the youngest */
    public record Step(Timeline timeline, Optional<Lsn> end) {}

    /** How a position relates to this history. */
    public enum Relation { PREFIX, BEYOND_A_FORK, ELSEWHERE }

    /** The line of {@code timeline}, whose own fork may not be recorded yet and is therefore given. */
    public static Ancestry of(ClusterState cluster, Timeline timeline, Timeline parent, Lsn fork) {
        var steps = new ArrayList<Step>();
        steps.add(new Step(timeline, Optional.empty()));
        var ancestor = parent;
        var end = fork;
        while (ancestor.isAfter(Timeline.NONE)) {
            steps.addFirst(new Step(ancestor, Optional.of(end)));
            var appointment = cluster.appointmentOf(ancestor);
            if (appointment.isEmpty() || appointment.get().fork().isEmpty()) break;
            if (!ancestor.isAfter(appointment.get().parent())) break;
            end = appointment.get().fork().get();
            ancestor = appointment.get().parent();
        }
        return new Ancestry(List.copyOf(steps));
    }

    public Relation relationOf(Timeline timeline, Lsn position) {
        for (var step : steps) {
            if (!step.timeline().equals(timeline)) continue;
            boolean beyond = step.end().isPresent() && position.isAfter(step.end().get());
            return beyond ? Relation.BEYOND_A_FORK : Relation.PREFIX;
        }
        return Relation.ELSEWHERE;
    }

    public SortedSet<Timeline> timelines() {
        var timelines = new TreeSet<Timeline>();
        for (var step : steps) timelines.add(step.timeline());
        return timelines;
    }
}
