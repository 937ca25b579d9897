package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.instance.DataIdentity;
import pgreplica.raft.Message;

/** Who is heard: listed nodes, under their own name, of this cluster. Guards P12. */
class PostTest {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N2 = new NodeId("n2");
    private final SmallCluster cluster = SmallCluster.founded(3);
    private final VoterId n1 = cluster.member("n1").state.raft().self();
    private final VoterId n2 = cluster.member("n2").state.raft().self();
    private final String id = cluster.member("n1").state.cluster().founding().orElseThrow().clusterId();

    private PeerMessage preVote() {
        return new PeerMessage.Raft(new Message.PreVoteRequest(new Term(99), cluster.member("n2").state.raft().lastPosition()));
    }

    private boolean answered(NodeId from, String clusterId, VoterId sender, VoterId receiver, PeerMessage message) {
        cluster.done.clear();
        cluster.give("n2", new Event.MessageReceived(from, new Envelope(clusterId, sender, receiver, message)));
        return cluster.last("n2", Action.Send.class).isPresent();
    }

    @Test void aListedNodeOfThisClusterIsAnswered() {
        assertThat(answered(N1, id, n1, n2, preVote())).isTrue();
        assertThat(answered(N1, id, n1, n2, new PeerMessage.Forward(1, "failover", List.of()))).isTrue();
    }

    @Test void nobodyElseIs() {
        var stranger = new VoterId(new NodeId("n4"), 5);
        assertThat(answered(stranger.node(), id, stranger, n2, preVote())).as("not listed").isFalse();
        assertThat(answered(new NodeId("n3"), id, n1, n2, preVote())).as("under another's name").isFalse();
        assertThat(answered(N2, id, n2, n2, preVote())).as("itself").isFalse();
        assertThat(answered(N1, id, n1, new VoterId(N2, n2.number() + 1), preVote())).as("to a former life").isFalse();
    }

    @Test void anotherClusterIsNotListenedTo() {
        assertThat(answered(N1, "another", n1, n2, preVote())).isFalse();
        assertThat(answered(N1, "another", n1, n2, new PeerMessage.Forward(1, "failover", List.of()))).isFalse();
        var order = new PeerMessage.Order(cluster.member("n2").state.raft().term(), new PeerMessage.Directive.Hold("no"));
        answered(N1, "another", n1, n2, order);
        assertThat(cluster.member("n2").state.hold()).isEmpty();
        answered(N1, id, n1, n2, order);
        assertThat(cluster.member("n2").state.hold()).isEqualTo("no");
    }

    /** A learner knows no name yet; a number that nobody admitted says nothing. */
    @Test void whoWasAdmittedNeedsNoName() {
        assertThat(answered(N1, "", n1, n2, preVote())).isTrue();
        assertThat(answered(N1, "", new VoterId(N1, n1.number() + 1), n2, preVote())).isFalse();
    }

    /** It is judged by whoever leads, and so it must be known. */
    @Test void whatANodeSaysOfItselfIsNotedWithItsCluster() {
        var status = new PeerMessage.Status(Gossip.status(new Turn(cluster.member("n1").state, cluster.now)));
        answered(N1, "another", n1, n2, status);
        assertThat(cluster.member("n2").state.peers().get(N1).clusterId()).isEqualTo("another");
        assertThat(cluster.member("n2").state.peers().get(N1).heardAtMillis()).isEqualTo(cluster.now);
    }

    /** Its data may say already whose it is. */
    @Test void aNodeOfNoClusterHearsTheOneThatItsDataBelongsTo() {
        var young = new SmallCluster(3);
        young.member("n1").up = false;
        young.run(100);
        var blank = young.member("n2");
        var sender = new VoterId(N1, 5);
        var asked = new PeerMessage.Forward(1, "failover", List.of());
        assertThat(heardByBlank(young, "", sender, asked)).as("of no cluster either").isFalse();
        assertThat(heardByBlank(young, "another", sender, asked)).isTrue();
        blank.identity = new DataIdentity("mine", 3);
        young.run(10);
        assertThat(heardByBlank(young, "another", sender, asked)).isFalse();
        assertThat(heardByBlank(young, "mine", sender, asked)).isTrue();
    }

    private static boolean heardByBlank(SmallCluster young, String clusterId, VoterId sender, PeerMessage message) {
        young.done.clear();
        young.give("n2", new Event.MessageReceived(N1,
                new Envelope(clusterId, sender, young.member("n2").state.raft().self(), message)));
        return young.last("n2", Action.Send.class).isPresent();
    }
}
