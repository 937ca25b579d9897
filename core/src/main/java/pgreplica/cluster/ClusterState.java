package pgreplica.cluster;

import static pgreplica.base.Invariant.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.raft.Snapshot;

/**
 * The replicated state: who may be primary, and how the timelines descend from each other. A function of the
 * committed entries alone, so it is equal on every node that has applied the same ones.
 *
 * @param founding part of the very first snapshot; empty on a node that nobody has admitted yet
 * @param appointments oldest first; bounded, see {@link #MAX_APPOINTMENTS}
 */
public record ClusterState(Optional<Founding> founding, boolean foundingComplete, List<Appointment> appointments,
                           SyncSet sync) implements Snapshot {

    /** A node whose WAL ends on a timeline older than these is cloned: its fork is no longer known. */
    public static final int MAX_APPOINTMENTS = 200;

    public static final ClusterState EMPTY = new ClusterState(Optional.empty(), false, List.of(), SyncSet.NONE);

    public ClusterState {
        for (int i = 1; i < appointments.size(); i++) {
            check(appointments.get(i).timeline().isAfter(appointments.get(i - 1).timeline()),
                    "timeline numbers rise with the order of appointment (P5)");
        }
    }

    public static ClusterState founded(Founding founding) {
        return new ClusterState(Optional.of(founding), false, List.of(), SyncSet.NONE);
    }

    public ClusterState apply(LogPosition position, ClusterCommand command) {
        return switch (command) {
            case ClusterCommand.CompleteFounding() -> new ClusterState(founding, true, appointments, sync);
            case ClusterCommand.Appoint appoint -> appoint(position, appoint);
            case ClusterCommand.RecordFork fork -> recordFork(fork);
            case ClusterCommand.SetSync(var changed) ->
                    new ClusterState(founding, foundingComplete, appointments, changed);
        };
    }

    /** The lowest number that no promotion has taken or may still take. */
    public Timeline nextTimeline() {
        if (!appointments.isEmpty()) return appointments.getLast().timeline().next();
        return founding.map(founded -> founded.highestTimeline().next()).orElse(Timeline.NONE.next());
    }

    /** The one node that may be primary now, with its timeline. */
    public Optional<Appointment> latest() {
        return appointments.isEmpty() ? Optional.empty() : Optional.of(appointments.getLast());
    }

    /**
     * How the cluster's text is sorted: as the last primary did that can have written, which none has before its fork
     * is recorded. Empty before the first appointment.
     */
    public String collation() {
        for (int i = appointments.size() - 1; i >= 0; i--) {
            if (appointments.get(i).fork().isPresent()) return appointments.get(i).collation();
        }
        return latest().map(Appointment::collation).orElse("");
    }

    public Optional<Appointment> appointmentOf(Timeline timeline) {
        for (var appointment : appointments) {
            if (appointment.timeline().equals(timeline)) return Optional.of(appointment);
        }
        return Optional.empty();
    }

    public boolean isFoundingTimeline(Timeline timeline) {
        return founding.isPresent() && founding.get().timeline().equals(timeline);
    }

    public boolean isAppointed(NodeId node, Timeline timeline) {
        var appointment = appointmentOf(timeline);
        return appointment.isPresent() && appointment.get().node().equals(node);
    }

    private ClusterState appoint(LogPosition position, ClusterCommand.Appoint appoint) {
        // A leader that was deposed may have proposed a number that its successor took meanwhile; the later entry
        // loses, and its proposer sees that the reservation is not its own.
        if (appoint.timeline().compareTo(nextTimeline()) < 0) return this;
        var grown = new ArrayList<>(appointments);
        grown.add(new Appointment(position.index(), position.term(), appoint.node(), appoint.timeline(),
                appoint.parent(), Optional.empty(), appoint.collation(), appoint.atMillis(), appoint.why()));
        while (grown.size() > MAX_APPOINTMENTS) grown.removeFirst();
        return new ClusterState(founding, foundingComplete, List.copyOf(grown), sync);
    }

    private ClusterState recordFork(ClusterCommand.RecordFork recorded) {
        var changed = new ArrayList<Appointment>();
        for (var appointment : appointments) {
            boolean here = appointment.timeline().equals(recorded.timeline()) && appointment.fork().isEmpty();
            changed.add(here ? appointment.withFork(recorded.parent(), recorded.fork()) : appointment);
        }
        return new ClusterState(founding, foundingComplete, List.copyOf(changed), sync);
    }
}
