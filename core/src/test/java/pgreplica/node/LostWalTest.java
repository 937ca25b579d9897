package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;

/** A standby whose next WAL is gone on the primary can only be cloned, and nobody else is (lesson 33). */
class LostWalTest {
    private final SmallCluster cluster = SmallCluster.founded(3);
    private final SmallCluster.Member n1 = cluster.member("n1");
    private final SmallCluster.Member n2 = cluster.member("n2");

    /** It does not stream, and the primary has written on and keeps nothing from before {@code oldest}. */
    private void breakTheStream(Lsn oldest) {
        cluster.run(1000);
        n2.upstream = Optional.empty();
        n1.end = new Lsn(0x2000000);
        n1.oldest = oldest;
    }

    private boolean isCloned() {
        return cluster.last("n2", Action.Restart.class, restart -> restart.work() == Event.Work.CLONE).isPresent();
    }

    @Test void whoStandsStillBelowTheOldestWalIsCloned() {
        var end = n2.end;
        breakTheStream(new Lsn(end.value() + 1));
        cluster.run(2900);
        assertThat(isCloned()).as("it may be connecting").isFalse();
        cluster.run(1500);
        assertThat(isCloned()).as(() -> String.join("\n", cluster.log)).isTrue();
        assertThat(cluster.log).anyMatch(line -> line.contains("the WAL it needs next, from " + end + ", is gone on n1"));
    }

    @Test void whatItNeedsNextIsStillThere() {
        breakTheStream(n2.end);
        cluster.run(10_000);
        assertThat(isCloned()).isFalse();
    }

    /** From an archive, or from a stream that breaks again and again. */
    @Test void whoMovesIsNotCloned() {
        breakTheStream(new Lsn(0x2000000));
        for (int i = 0; i < 10; i++) {
            n2.end = new Lsn(n2.end.value() + 0x100);
            cluster.run(1000);
        }
        assertThat(isCloned()).isFalse();
    }

    @Test void whoStreamsIsNotCloned() {
        cluster.run(1000);
        n2.stalled = true;
        n1.end = new Lsn(0x2000000);
        n1.oldest = n1.end;
        cluster.run(10_000);
        assertThat(isCloned()).isFalse();
    }
}
