package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.InstanceRecord;
import pgreplica.raft.Ballot;
import pgreplica.raft.Configuration;
import pgreplica.raft.Log;
import pgreplica.raft.SnapshotImage;

/** How a node starts, and how time reaches it. */
class StepTest {
    private final SmallCluster cluster = SmallCluster.founded(3);

    private NodeStep start(Optional<VoterId> self, long seed) {
        var empty = new Log(new SnapshotImage(LogPosition.START, Configuration.EMPTY, ClusterState.EMPTY), List.of());
        var files = new StoredFiles(self, new Ballot(Term.ZERO, Optional.empty()), empty, InstanceRecord.EMPTY);
        return Node.start(cluster.member("n1").state.settings(), files, seed, 1000);
    }

    private static List<Action> ballots(NodeStep step) {
        return step.actions().stream().filter(Action.PersistBallot.class::isInstance).toList();
    }

    /** A11: a number that was told and then forgotten would be two voters. */
    @Test void aNewVotersNumberIsOnDiskBeforeItIsTold() {
        assertThat(ballots(start(Optional.empty(), 1))).hasSize(1);
        assertThat(start(Optional.empty(), 1).actions().getFirst()).isInstanceOf(Action.PersistBallot.class);
        var known = cluster.member("n1").state.raft().self();
        assertThat(ballots(start(Optional.of(known), 1))).isEmpty();
        assertThat(start(Optional.of(known), 1).state().raft().self()).isEqualTo(known);
    }

    @Test void numbersAreNotNegative() {
        for (int seed = 1; seed <= 50; seed++) {
            assertThat(start(Optional.empty(), seed).state().raft().self().number()).isPositive();
        }
    }

    /** Every event carries the time: a node that is never told that time passes stands all the same. */
    @Test void anyEventBringsWhatIsOverdue() {
        var look = new Event.Observed(cluster.member("n2").observation());
        cluster.give("n2", look);
        assertThat(cluster.member("n2").state.raft().leader()).isPresent();
        cluster.now += 5000;
        cluster.done.clear();
        cluster.give("n2", look);
        assertThat(cluster.last("n2", Action.Send.class, sent -> sent.toString().contains("PreVoteRequest"))).isPresent();
    }
}
