package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation.Phase;

/** With whose data a cluster begins, and what is said while it cannot (B13). Guards P8. */
class FoundingTest {
    private final SmallCluster cluster = new SmallCluster(3);

    /** The first look comes when the test has said what there is to be seen. */
    private void look() {
        for (var member : cluster.members.values()) {
            var events = List.copyOf(member.inbox);
            member.inbox.clear();
            for (var event : events) {
                member.inbox.add(switch (event) {
                    case Event.Observed _ -> new Event.Observed(member.observation());
                    case Event.Sealed(var term, var closed, _) -> new Event.Sealed(term, closed, member.observation());
                    default -> event;
                });
            }
        }
    }

    private void used(String name, long systemIdentifier, int timeline, long end) {
        var member = cluster.member(name);
        member.pristine = false;
        member.systemIdentifier = systemIdentifier;
        member.timeline = new Timeline(timeline);
        member.end = new Lsn(end);
    }

    private void waits(String reason) {
        look();
        cluster.run(3000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).isEmpty();
        assertThat(cluster.member("n1").state.hold()).contains(reason);
        assertThat(cluster.log).filteredOn(line -> line.contains("is not founded yet: " + cluster.member("n1").state.hold()))
                .as("said once").hasSize(1);
    }

    private void foundedWith(String name) {
        look();
        cluster.run(8000);
        assertThat(cluster.open()).as(() -> String.join("\n", cluster.log)).contains(new NodeId(name));
        assertThat(cluster.member("n1").state.cluster().founding().orElseThrow().primary()).isEqualTo(new NodeId(name));
    }

    @Test void whoHasDataGivesItToTheOthers() {
        cluster.member("n1").pristine = true;
        used("n2", 9000, 1, 0x1000000);
        foundedWith("n2");
        cluster.members.forEach((id, member) -> assertThat(member.systemIdentifier).as(id.name()).isEqualTo(9000));
    }

    /** P8: nobody's data is thrown away without a word. */
    @Test void twoThatHaveDifferentDataWaitForAnOperator() {
        used("n1", 9000, 1, 0x1000000);
        used("n3", 9001, 1, 0x1000000);
        waits("nodes n1 and n3 both hold data that was in use, of different systems (9000 and 9001)");
    }

    @Test void ofCopiesOfOneSystemTheFurthestIsTaken() {
        used("n1", 9000, 1, 0x1000000);
        used("n2", 9000, 1, 0x3000000);
        used("n3", 9000, 1, 0x2000000);
        foundedWith("n2");
    }

    @Test void aLaterTimelineIsFurtherThanALargerPosition() {
        used("n1", 9000, 1, 0x9000000);
        used("n2", 9000, 1, 0x1000000);
        used("n3", 9000, 2, 0x1000000);
        foundedWith("n3");
    }

    @Test void dataOfAnotherClusterIsNotTaken() {
        used("n2", 9000, 1, 0x1000000);
        cluster.member("n2").identity = new DataIdentity("another", 3);
        waits("the data directory of n2 belongs to a cluster already (system identifier 9000)");
    }

    @Test void aServerThatIsStartingIsWaitedFor() {
        cluster.member("n3").phase = Phase.STARTING;
        cluster.member("n3").endProven = false;
        waits("founding waits for node n3: Postgres is starting");
        cluster.member("n3").phase = Phase.STANDBY;
        cluster.member("n3").endProven = true;
        foundedWith("n1");
    }

    @Test void aNodeThatIsNotThereIsWaitedFor() {
        cluster.member("n2").up = false;
        waits("founding waits for node n2 (127.0.0.1:5432): not reachable");
    }
}
