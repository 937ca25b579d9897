package pgreplica.instance;

import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.FrozenSet;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;

/**
 * What this node knows of one life of its data.
 *
 * @param explained timelines it may lawfully be on: those it was told to follow, cloned, or was appointed to
 * @param floorTimeline with {@code floor}: the last position reported; data that ends earlier was exchanged behind
 *     our back (A9)
 */
public record DataRecord(DataIdentity identity, SortedSet<Timeline> explained, Timeline floorTimeline, Lsn floor) {
    public static final DataRecord NONE = new DataRecord(DataIdentity.NONE, new TreeSet<>(), Timeline.NONE, Lsn.ZERO);
    private static final int MOST_TIMELINES = 250;

    public DataRecord {
        explained = FrozenSet.of(explained);
    }

    DataRecord explaining(SortedSet<Timeline> more) {
        var all = new TreeSet<>(explained);
        all.addAll(more);
        // Numbers only rise, so the oldest are the ones that can no longer matter.
        while (all.size() > MOST_TIMELINES) all.remove(all.first());
        return new DataRecord(identity, all, floorTimeline, floor);
    }

    DataRecord withIdentity(DataIdentity renewed) {
        return new DataRecord(renewed, explained, floorTimeline, floor);
    }

    DataRecord withFloor(Timeline timeline, Lsn position) {
        return new DataRecord(identity, explained, timeline, position);
    }
}
