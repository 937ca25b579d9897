package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;
import pgreplica.raft.Configuration;
import pgreplica.raft.Input;

/** A node that lost its state directory is another voter, and founds nothing (A11, B13, B14). */
class ForgottenStateTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N3 = new NodeId("n3");
    private final SmallCluster cluster = SmallCluster.founded(3);

    private Configuration configuration(String node) {
        return cluster.member(node).state.raft().configuration();
    }

    @Test void theFounderThatForgotIsAdmittedByTheOthers() {
        long former = cluster.member("n1").state.raft().self().number();
        var id = cluster.member("n1").state.cluster().founding().orElseThrow().clusterId();
        cluster.kill("n1");
        cluster.run(3000);
        cluster.forget("n1");
        cluster.run(600);
        assertThat(cluster.log).as("it sees whose it is").anyMatch(line -> line.contains("belongs to cluster " + id
                + " already; this node waits to be admitted by its leader")).noneMatch(line -> line.contains("founding cluster"));
        cluster.run(6000);
        var voters = configuration(cluster.open().orElseThrow().name()).voters();
        assertThat(voters).hasSize(3).noneMatch(voter -> voter.number() == former).anyMatch(voter -> voter.node().equals(N1));
        assertThat(cluster.log).noneMatch(line -> line.contains("founding cluster"));
    }

    /** It was a learner, and had not got the log yet. */
    @Test void aLearnerThatForgotIsAdmittedUnderItsNewNumber() {
        cluster.run(1000);
        cluster.loses = (from, sent) -> from.equals(N3) || sent.to().equals(N3);
        var others = configuration("n1").without(Membership.voterOf(new Turn(cluster.member("n1").state, cluster.now), N3)
                .orElseThrow());
        cluster.inside("n1", turn -> Consensus.feed(turn, new Input.ProposeConfiguration(others)));
        cluster.run(20);
        cluster.inside("n1", turn -> Consensus.feed(turn,
                new Input.ProposeConfiguration(others.withLearner(new VoterId(N3, 5)))));
        cluster.run(20);
        cluster.inside("n1", turn -> {
            var known = turn.peer(N3);
            turn.putPeer(N3, known.heard(new VoterId(N3, 6), "", known.status().orElseThrow(), turn.now));
        });
        cluster.run(100);
        assertThat(configuration("n1").learners()).containsExactly(new VoterId(N3, 6));
    }

    @Test void whereEveryNodeIsAWitnessNothingIsFounded() {
        var young = new SmallCluster(3);
        for (var node : young.members.keySet()) {
            young.inside(node.name(), turn -> turn.settings = SmallCluster.asWitness(turn.settings));
        }
        young.run(4000);
        assertThat(young.open()).isEmpty();
        assertThat(young.member("n1").state.hold()).isEqualTo("every listed node is a witness: at least one must hold data");
    }
}
