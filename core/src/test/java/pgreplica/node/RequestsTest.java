package pgreplica.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;

/** What stands against an operator's request may be gone in a moment, so the leader waits that long. */
class RequestsTest {
    private final SmallCluster cluster = new SmallCluster(3);

    /** No standby may take over: each sorts text by another library. */
    @BeforeEach void foundWithoutASuccessor() {
        cluster.run(8000);
        assertThat(cluster.open()).contains(new NodeId("n1"));
        for (var node : List.of("n2", "n3")) cluster.upgrade(node, "libc 2.41");
        cluster.run(2000);
        cluster.done.clear();
    }

    private void allow(String node) {
        cluster.give(node, new Event.Configured(cluster.member(node).state.settings().sync(), true));
    }

    @Test void itBeginsAsSoonAsAStandbyCanTakeOver() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(400);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        allow("n2");
        cluster.run(1500);
        assertThat(cluster.last("n1", Action.Reply.class)).contains(new Action.Reply(1, true, "leadership is handed to n2"));
        assertThat(cluster.open()).contains(new NodeId("n2"));
    }

    @Test void itIsRefusedWithTheReasonAfterAnElectionTimeout() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.run(900);
        assertThat(cluster.last("n1", Action.Reply.class)).isEmpty();
        cluster.run(300);
        var reply = cluster.last("n1", Action.Reply.class).orElseThrow();
        assertThat(reply.ok()).isFalse();
        assertThat(reply.text()).contains("no standby can take over");
        allow("n2");
        cluster.run(2000);
        assertThat(cluster.open()).contains(new NodeId("n1"));
    }

    @Test void itIsPassedOnAndWaitsThere() {
        cluster.give("n2", new Event.Requested(5, "failover", List.of()));
        cluster.run(400);
        allow("n3");
        cluster.run(1500);
        assertThat(cluster.last("n2", Action.Reply.class)).contains(new Action.Reply(5, true, "leadership is handed to n3"));
    }

    @Test void aLeaderThatIsDeposedMeanwhileRefusesIt() {
        cluster.give("n1", new Event.Requested(1, "failover", List.of()));
        cluster.loses = (from, send) -> true;
        cluster.run(2500);
        var reply = cluster.last("n1", Action.Reply.class).orElseThrow();
        assertThat(reply.ok()).isFalse();
    }
}
