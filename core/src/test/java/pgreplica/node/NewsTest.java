package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/** What another node says counts as news only if somebody could conclude something else from it. */
class NewsTest {
    private static final NodeId N2 = new NodeId("n2");

    private final SmallCluster cluster = settled();
    private final NodeState state = cluster.members.get(new NodeId("n1")).state;
    private final Peer known = state.peers().get(N2);

    private static SmallCluster settled() {
        var cluster = new SmallCluster(3);
        cluster.run(8000);
        return cluster;
    }

    private static Peer heard(Peer before, long nowMillis) {
        return before.heard(before.voter().orElseThrow(), before.clusterId(), before.status().orElseThrow(), nowMillis);
    }

    private boolean isNews(Peer peer, long nowMillis) {
        var turn = new Turn(state, nowMillis);
        turn.putPeer(N2, peer);
        return turn.peersChanged();
    }

    @Test void thatItIsStillThereIsNoNews() {
        assertThat(isNews(heard(known, cluster.now), cluster.now)).isFalse();
    }

    @Test void thatItIsBackIsNews() {
        long silent = known.heardAtMillis() + state.settings().livelyMillis();
        assertThat(isNews(heard(known, silent), silent)).isFalse();
        assertThat(isNews(heard(known, silent + 1), silent + 1)).isTrue();
        assertThat(isNews(known.withConnected(false), cluster.now)).isTrue();
    }

    @Test void anotherStatusIsNews() {
        var of3 = state.peers().get(new NodeId("n3")).status().orElseThrow();
        var other = known.heard(known.voter().orElseThrow(), known.clusterId(), of3, cluster.now);
        assertThat(isNews(other, cluster.now)).isTrue();
    }

    @Test void anotherLifeOfItIsNews() {
        var reborn = known.heard(new VoterId(N2, 7), known.clusterId(), known.status().orElseThrow(), cluster.now);
        var homeless = known.heard(known.voter().orElseThrow(), "", known.status().orElseThrow(), cluster.now);
        assertThat(isNews(reborn, cluster.now)).isTrue();
        assertThat(isNews(homeless, cluster.now)).isTrue();
    }

    /** Of two words in one step the first counts, too. */
    @Test void newsStaysNewsUntilTheEndOfTheStep() {
        var turn = new Turn(state, cluster.now);
        turn.putPeer(N2, known.withConnected(false));
        turn.putPeer(N2, known.withConnected(false));
        assertThat(turn.peersChanged()).isTrue();
    }

    @Test void whatWasSaidHoldsForAsLongAsStated() {
        long heard = known.heardAtMillis();
        assertThat(known.isFresh(heard + 1000, 1000)).isTrue();
        assertThat(known.isFresh(heard + 1001, 1000)).isFalse();
        assertThat(known.withConnected(false).isFresh(heard, 1000)).isFalse();
    }
}
