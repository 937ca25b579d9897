package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.raft.Input;

/** The life of a cluster on a perfect network: founded, failed over, whole again (P2, P5, P7, P11). */
class SmallClusterTest {
    private static final NodeId N1 = new NodeId("n1");

    @Test void threeNodesFoundWithTheDataOfTheFirstAndTheOthersClone() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);

        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(N1);
        for (var member : cluster.members.values()) {
            assertThat(member.systemIdentifier).isEqualTo(7000);
            if (member != cluster.members.get(N1)) assertThat(member.upstream).contains(N1);
        }
    }

    @Test void aKilledPrimaryIsReplacedAndComesBackAsAStandby() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        cluster.members.get(N1).end = new Lsn(0x2000000);
        cluster.run(500);
        // Written but never streamed: the old primary has to be rewound.
        cluster.members.get(N1).end = new Lsn(0x2000100);
        cluster.kill("n1");
        cluster.run(2500);

        var successor = cluster.open();
        assertThat(successor).as(() -> String.join("\n", cluster.log)).isPresent().isNotEqualTo(Optional.of(N1));
        cluster.start("n1");
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isEqualTo(successor);
        assertThat(cluster.members.get(N1).upstream).as(() -> String.join("\n", cluster.log)).isEqualTo(successor);
        assertThat(cluster.log).anyMatch(line -> line.contains("rewinding to"));
    }

    /** A late word of its former life made the leader take it for another while it was a learner. */
    @Test void aNodeWithoutAPlaceIsAdmittedAlsoIfItHasTheLog() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        var n3 = cluster.member("n3").state.raft().self();
        cluster.inside("n1", turn -> Consensus.feed(turn,
                new Input.ProposeConfiguration(turn.raft.configuration().without(n3))));
        assertThat(cluster.member("n1").state.raft().configuration().voters()).doesNotContain(n3);
        cluster.run(2000);
        assertThat(cluster.member("n1").state.raft().configuration().voters())
                .as(() -> String.join("\n", cluster.log)).contains(n3);
    }

    /** Rule A9: a backup put back into the same directory has the right identity and the wrong WAL. */
    @Test void dataOlderThanWhatItReportedIsNotTrusted() {
        var cluster = new SmallCluster(3);
        cluster.run(6000);
        cluster.members.get(N1).end = new Lsn(0x5000000);
        cluster.run(500);
        cluster.kill("n1");
        cluster.run(2500);
        var standby = cluster.open().equals(Optional.of(new NodeId("n2"))) ? "n3" : "n2";
        var member = cluster.members.get(new NodeId(standby));
        cluster.kill(standby);
        member.end = new Lsn(0x2000000);
        cluster.start(standby);
        member.state = Node.step(member.state, cluster.now, member.inbox.poll()).state();

        var report = OwnData.report(new Turn(member.state, cluster.now));
        assertThat(report.voidReason()).contains("0/5000000 that it reported earlier");
    }
}
