package pgreplica.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;

/** What follows from the committed entries: who is appointed, on which timeline, and how text is sorted. */
class ClusterStateTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N2 = new NodeId("n2");
    private static final Timeline FOUNDING = new Timeline(3);

    private ClusterState state = ClusterState.founded(new Founding("c1", 99, N1, FOUNDING, new Timeline(5),
            new TreeSet<>(List.of(N1, N2))));
    private long index = 1;

    private void apply(ClusterCommand command) {
        index++;
        state = state.apply(new LogPosition(new Term(1), index), command);
    }

    private void appoint(NodeId node, int timeline, int parent, String collation) {
        apply(new ClusterCommand.Appoint(node, new Timeline(timeline), new Timeline(parent), collation, 0, "a test"));
    }

    private void recordFork(int timeline, int parent, long fork) {
        apply(new ClusterCommand.RecordFork(new Timeline(timeline), new Timeline(parent), new Lsn(fork)));
    }

    @Test void onlyOneTimelineIsTheFoundingOne() {
        assertThat(state.isFoundingTimeline(FOUNDING)).isTrue();
        assertThat(state.isFoundingTimeline(new Timeline(4))).isFalse();
        assertThat(ClusterState.EMPTY.isFoundingTimeline(FOUNDING)).isFalse();
    }

    /** P5: numbers begin behind the highest that any founding node had. */
    @Test void aNumberThatWasTakenIsNotGivenAgain() {
        assertThat(state.nextTimeline()).isEqualTo(new Timeline(6));
        appoint(N1, 6, 3, "a");
        appoint(N2, 6, 3, "b");
        assertThat(state.appointments()).hasSize(1);
        assertThat(state.isAppointed(N1, new Timeline(6))).isTrue();
        assertThat(state.isAppointed(N2, new Timeline(6))).isFalse();
        assertThat(state.isAppointed(N1, new Timeline(7))).isFalse();
        assertThat(state.nextTimeline()).isEqualTo(new Timeline(7));
    }

    @Test void numbersOfAppointmentsRise() {
        appoint(N1, 6, 3, "a");
        appoint(N2, 8, 6, "a");
        var swapped = new ArrayList<>(state.appointments().reversed());
        assertThatThrownBy(() -> new ClusterState(Optional.empty(), false, swapped, SyncSet.NONE))
                .isInstanceOf(InvariantViolation.class).hasMessageContaining("P5");
    }

    /** P15: whoever was appointed and never began a timeline has sorted nothing. */
    @Test void textIsSortedAsTheLastPrimaryDidThatCanHaveWritten() {
        assertThat(state.collation()).isEmpty();
        appoint(N1, 6, 3, "libc 2.36");
        assertThat(state.collation()).isEqualTo("libc 2.36");
        recordFork(6, 3, 1000);
        appoint(N2, 7, 6, "libc 2.41");
        assertThat(state.collation()).isEqualTo("libc 2.36");
        recordFork(7, 6, 2000);
        assertThat(state.collation()).isEqualTo("libc 2.41");
    }

    @Test void aForkIsRecordedOnce() {
        appoint(N1, 6, 3, "a");
        recordFork(6, 3, 1000);
        recordFork(6, 5, 7);
        assertThat(state.latest().orElseThrow().fork()).contains(new Lsn(1000));
        assertThat(state.latest().orElseThrow().parent()).isEqualTo(FOUNDING);
    }

    @Test void appointmentsAreBounded() {
        for (int timeline = 6; timeline < 6 + ClusterState.MAX_APPOINTMENTS + 5; timeline++) {
            appoint(N1, timeline, timeline - 1, "a");
        }
        assertThat(state.appointments()).hasSize(ClusterState.MAX_APPOINTMENTS);
        assertThat(state.appointments().getFirst().timeline()).isEqualTo(new Timeline(11));
    }
}
