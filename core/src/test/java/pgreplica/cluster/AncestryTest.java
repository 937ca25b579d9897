package pgreplica.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.cluster.Ancestry.Relation;

/** Which WAL is a prefix of which history (P7), and that a timeline number is given once (P5). */
class AncestryTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N2 = new NodeId("n2");

    /** Timeline 2 left 1 at 100, 3 left 2 at 200; 4 was reserved and never used; 5 left 3 at 300. */
    private static ClusterState history() {
        var nodes = new TreeSet<NodeId>();
        nodes.add(N1);
        var state = ClusterState.founded(new Founding("c", 7, N1, line(1), line(1), nodes));
        state = appoint(state, 2, N1, 2, 1);
        state = fork(state, 2, 1, 100);
        state = appoint(state, 4, N2, 3, 2);
        state = fork(state, 3, 2, 200);
        state = appoint(state, 6, N1, 4, 3);
        state = appoint(state, 7, N2, 5, 3);
        return fork(state, 5, 3, 300);
    }

    @Test void aPositionBeforeTheForkIsAPrefix() {
        var line = Ancestry.of(history(), line(5), line(3), new Lsn(300));
        assertThat(line.relationOf(line(1), new Lsn(100))).isEqualTo(Relation.PREFIX);
        assertThat(line.relationOf(line(2), new Lsn(150))).isEqualTo(Relation.PREFIX);
        assertThat(line.relationOf(line(5), new Lsn(999))).isEqualTo(Relation.PREFIX);
    }

    @Test void aPositionPastTheForkIsNot() {
        var line = Ancestry.of(history(), line(5), line(3), new Lsn(300));
        assertThat(line.relationOf(line(1), new Lsn(101))).isEqualTo(Relation.BEYOND_A_FORK);
        assertThat(line.relationOf(line(3), new Lsn(301))).isEqualTo(Relation.BEYOND_A_FORK);
    }

    @Test void anAbandonedTimelineIsElsewhere() {
        var line = Ancestry.of(history(), line(5), line(3), new Lsn(300));
        assertThat(line.relationOf(line(4), new Lsn(1))).isEqualTo(Relation.ELSEWHERE);
    }

    @Test void anAncestorWhoseForkIsUnknownEndsTheLine() {
        var state = appoint(history(), 9, N1, 6, 4);
        var line = Ancestry.of(state, line(6), line(4), new Lsn(400));
        assertThat(line.relationOf(line(4), new Lsn(400))).isEqualTo(Relation.PREFIX);
        assertThat(line.relationOf(line(3), new Lsn(1))).isEqualTo(Relation.ELSEWHERE);
    }

    @Test void theLineNamesWhomADescendantMayHaveFollowed() {
        assertThat(Ancestry.of(history(), line(5), line(3), new Lsn(300)).timelines())
                .containsExactly(line(1), line(2), line(3), line(5));
    }

    @Test void aNumberIsGivenOnce() {
        var before = history();
        assertThat(before.nextTimeline()).isEqualTo(line(6));
        assertThat(appoint(before, 8, N1, 5, 3)).isEqualTo(before);
        assertThat(appoint(before, 8, N1, 4, 3)).isEqualTo(before);
    }

    @Test void theFirstNumberIsAboveAllThatWereSeenAtTheFounding() {
        var founded = ClusterState.founded(new Founding("c", 7, N1, line(3), line(8), new TreeSet<>()));
        assertThat(founded.nextTimeline()).isEqualTo(line(9));
    }

    @Test void theHistoryIsBounded() {
        var state = history();
        for (int i = 0; i < 1000; i++) state = appoint(state, 10 + i, N1, 6 + i, 5 + i);
        assertThat(state.appointments()).hasSize(ClusterState.MAX_APPOINTMENTS);
        assertThat(state.nextTimeline()).isEqualTo(line(1006));
    }

    private static ClusterState appoint(ClusterState state, long index, NodeId node, int timeline, int parent) {
        return state.apply(new LogPosition(new Term(index), index),
                new ClusterCommand.Appoint(node, line(timeline), line(parent), "", 0, "test"));
    }

    private static ClusterState fork(ClusterState state, int timeline, int parent, long position) {
        return state.apply(LogPosition.START,
                new ClusterCommand.RecordFork(line(timeline), line(parent), new Lsn(position)));
    }

    private static Timeline line(int number) {
        return new Timeline(number);
    }
}
