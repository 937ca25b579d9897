package pgreplica.instance;

import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.FrozenSet;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;

/**
 * What this node must remember of its own data, kept in the state directory because a rewind or clone replaces
 * everything in the data directory.
 *
 * @param explained timelines this data may lawfully be on: those it was told to follow, cloned, or was appointed to
 * @param floorTimeline with {@code floor}: the last position reported; data that ends earlier was exchanged behind
 *     our back (A9)
 * @param working a rewind or clone was ordered and has not been seen to complete
 */
public record InstanceRecord(DataIdentity identity, SortedSet<Timeline> explained, Timeline floorTimeline, Lsn floor,
                             boolean working) {
    public static final InstanceRecord EMPTY =
            new InstanceRecord(DataIdentity.NONE, new TreeSet<>(), Timeline.NONE, Lsn.ZERO, false);

    public InstanceRecord {
        explained = FrozenSet.of(explained);
    }

    public InstanceRecord explaining(SortedSet<Timeline> more) {
        var all = new TreeSet<>(explained);
        all.addAll(more);
        // Numbers only rise, so the oldest are the ones that can no longer matter.
        while (all.size() > 250) all.remove(all.first());
        return new InstanceRecord(identity, all, floorTimeline, floor, working);
    }

    public InstanceRecord withIdentity(DataIdentity renewed) {
        return new InstanceRecord(renewed, explained, floorTimeline, floor, working);
    }

    public InstanceRecord withFloor(Timeline timeline, Lsn position) {
        return new InstanceRecord(identity, explained, timeline, position, working);
    }

    /** The old data is about to be destroyed: nothing that was known of it holds for what replaces it. */
    public InstanceRecord replacedBy(DataIdentity renewed, SortedSet<Timeline> timelines) {
        return new InstanceRecord(renewed, timelines, Timeline.NONE, Lsn.ZERO, true);
    }

    public InstanceRecord withWorkDone() {
        return new InstanceRecord(identity, explained, floorTimeline, floor, false);
    }
}
