package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;

/** Whatever is decided, and however often, log and state stay within their bounds (P10). */
class CompactionTest {
    @Test void tenThousandAppointmentsLeaveABoundedLogAndState() {
        var self = new NodeId("n1");
        var cluster = new SmallCluster(1);
        cluster.run(3000);
        assertThat(cluster.open()).contains(self);
        var state = cluster.members.get(self).state;

        long committedBefore = state.raft().commitIndex();
        for (int i = 0; i < 10_000; i++) {
            var turn = new Turn(state, cluster.now);
            var next = turn.cluster.nextTimeline();
            Consensus.propose(turn, new ClusterCommand.Appoint(self, next, new Timeline(next.number() - 1), "", 0, "test"));
            Consensus.compact(turn);
            state = turn.done().state();
            assertThat(state.raft().log().entries()).hasSizeLessThanOrEqualTo(Consensus.COMPACT_AT_ENTRIES + 1);
        }
        assertThat(state.raft().commitIndex() - committedBefore).isEqualTo(10_000);
        assertThat(state.cluster().appointments()).hasSize(ClusterState.MAX_APPOINTMENTS);
        assertThat(state.cluster().nextTimeline().number()).isGreaterThan(10_000);
    }

    @Test void anyStepOfANodeKeepsItsLogShort() {
        var cluster = SmallCluster.founded(3);
        for (int i = 0; i < 3 * Consensus.COMPACT_AT_ENTRIES; i++) {
            cluster.inside("n1", turn -> Consensus.propose(turn, new ClusterCommand.CompleteFounding()));
            cluster.run(5);
        }
        for (var member : cluster.members.values()) {
            assertThat(member.state.raft().log().entries()).hasSizeLessThanOrEqualTo(Consensus.COMPACT_AT_ENTRIES + 1);
        }
    }
}
