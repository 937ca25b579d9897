package pgreplica.instance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;
import pgreplica.instance.Observation.Phase;

/** What a node remembers of its data while a rewind or clone replaces it. */
class InstanceRecordTest {
    private static final DataIdentity OLD = new DataIdentity("c1", 7);
    private static final DataIdentity RENEWED = new DataIdentity("c1", 8);

    private static SortedSet<Timeline> timelines(int from, int to) {
        var all = new TreeSet<Timeline>();
        for (int number = from; number <= to; number++) all.add(new Timeline(number));
        return all;
    }

    private static InstanceRecord old() {
        return InstanceRecord.EMPTY.withIdentity(OLD).explaining(timelines(1, 2)).withFloor(new Timeline(2), new Lsn(500));
    }

    @Test void theFloorIsAPositionOnATimeline() {
        assertThat(old().floorTimeline()).isEqualTo(new Timeline(2));
        assertThat(old().floor()).isEqualTo(new Lsn(500));
    }

    @Test void ofTooManyTimelinesTheOldestAreForgotten() {
        var many = old().explaining(timelines(1, 250)).explained();
        assertThat(many).hasSize(250).contains(new Timeline(1));
        var more = old().explaining(timelines(1, 260)).explained();
        assertThat(more).hasSize(250).doesNotContain(new Timeline(10)).contains(new Timeline(11), new Timeline(260));
    }

    @Test void whatReplacesTheDataInheritsNothing() {
        var working = old().replacedBy(RENEWED, timelines(3, 3));
        assertThat(working.working()).isTrue();
        var done = working.settled(RENEWED);
        assertThat(done.working()).isFalse();
        assertThat(done.identity()).isEqualTo(RENEWED);
        assertThat(done.explained()).containsExactly(new Timeline(3));
        assertThat(done.floor()).isEqualTo(Lsn.ZERO);
    }

    @Test void whatWasNotReplacedAfterAllIsWhatItWas() {
        assertThat(old().replacedBy(RENEWED, timelines(3, 3)).settled(OLD)).isEqualTo(old());
    }

    /** Data without an identity is nobody's, whatever was there before. */
    @Test void dataWithoutAnIdentityIsNotTheFormer() {
        var fresh = InstanceRecord.EMPTY.explaining(timelines(1, 1));
        var settled = fresh.replacedBy(RENEWED, timelines(3, 3)).settled(DataIdentity.NONE);
        assertThat(settled.explained()).containsExactly(new Timeline(3));
        assertThat(old().settled(OLD)).isEqualTo(old());
    }

    @Test void aServerThatIsDownIsNoStandby() {
        assertThat(Observation.NOTHING.isStandby()).isFalse();
        assertThat(Observation.NOTHING.phase()).isEqualTo(Phase.DOWN);
    }
}
