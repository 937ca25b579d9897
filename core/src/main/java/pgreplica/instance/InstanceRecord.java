package pgreplica.instance;

import java.util.Optional;
import java.util.SortedSet;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;

/**
 * What this node must remember of its own data, kept in the state directory because a rewind or clone replaces
 * everything in the data directory.
 *
 * @param former the data that an ordered rewind or clone replaces, until it is seen which of the two is there
 */
public record InstanceRecord(DataRecord data, Optional<DataRecord> former) {
    public static final InstanceRecord EMPTY = new InstanceRecord(DataRecord.NONE, Optional.empty());

    public DataIdentity identity() {
        return data.identity();
    }

    public SortedSet<Timeline> explained() {
        return data.explained();
    }

    public Timeline floorTimeline() {
        return data.floorTimeline();
    }

    public Lsn floor() {
        return data.floor();
    }

    /** A rewind or clone was ordered and is not known to have ended. */
    public boolean working() {
        return former.isPresent();
    }

    public InstanceRecord explaining(SortedSet<Timeline> more) {
        return new InstanceRecord(data.explaining(more), former);
    }

    public InstanceRecord withIdentity(DataIdentity renewed) {
        return new InstanceRecord(data.withIdentity(renewed), former);
    }

    public InstanceRecord withFloor(Timeline timeline, Lsn position) {
        return new InstanceRecord(data.withFloor(timeline, position), former);
    }

    /** The old data is about to be destroyed: nothing that was known of it holds for what replaces it. */
    public InstanceRecord replacedBy(DataIdentity renewed, SortedSet<Timeline> timelines) {
        return new InstanceRecord(new DataRecord(renewed, timelines, Timeline.NONE, Lsn.ZERO), Optional.of(data));
    }

    /**
     * The work has ended, and the data directory says which life of the data it holds. Still the former one: a crash
     * came before the work was even written down.
     */
    public InstanceRecord settled(DataIdentity found) {
        boolean untouched = former.isPresent() && former.get().identity().equals(found)
                && found.incarnation() != 0;
        return new InstanceRecord(untouched ? former.get() : data, Optional.empty());
    }
}
