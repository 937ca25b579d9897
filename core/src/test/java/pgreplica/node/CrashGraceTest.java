package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.instance.Observation.Phase;

/** How long a primary that is coming back by itself, with what only it has, is waited for (P4, P11; B10). */
class CrashGraceTest {
    private static final NodeId N1 = new NodeId("n1");

    private static SmallCluster founded() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        assertThat(cluster.open()).contains(N1);
        return cluster;
    }

    /** The primary dies with WAL that nobody else has, and takes three seconds to come to the end of it. */
    private static void crash(SmallCluster cluster) {
        var primary = cluster.members.get(N1);
        cluster.members.values().forEach(member -> member.stalled = true);
        primary.end = new Lsn(primary.end.value() + 0x100);
        cluster.run(100);
        cluster.crash("n1");
        cluster.run(3000);
        if (primary.phase == Phase.STARTING) primary.phase = Phase.STANDBY;
        cluster.members.values().forEach(member -> member.stalled = false);
        cluster.run(4000);
    }

    @Test void theFirstCrashIsWaitedFor() {
        var cluster = founded();
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }

    @Test void theSecondWithinAMinuteIsNot() {
        var cluster = founded();
        crash(cluster);
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
    }

    @Test void aMinuteLaterTheGraceIsThereAgain() {
        var cluster = founded();
        crash(cluster);
        cluster.run(60_000);
        crash(cluster);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
    }
}
