package pgreplica.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import pgreplica.harness.run.Account;
import pgreplica.harness.run.Exec;

/** Network cuts are silent, can be one-way, and end. They need root, and are left out for others. */
@Tag("postgres")
class CutTest {
    @Test void aCutDropsOneDirectionInSilenceAndHeals() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Cluster.of(2).plain().namespaces().start()) {
            var n1 = cluster.node("n1");
            var n2 = cluster.node("n2");
            assertThat(reaches(cluster, n1, n2)).isTrue();

            cluster.cut(n1, n2);
            assertThat(reaches(cluster, n2, n1)).as("a round trip takes both directions").isFalse();
            long atN1 = received(cluster, n1);
            long atN2 = received(cluster, n2);
            reaches(cluster, n2, n1);
            reaches(cluster, n1, n2);
            assertThat(received(cluster, n1)).as("what n2 sends still arrives").isGreaterThan(atN1);
            assertThat(received(cluster, n2)).as("what n1 sends does not").isEqualTo(atN2);

            var writer = cluster.startWriter(Writer.Options.following(List.of(n1))).awaitRows(10);
            long cut = cluster.isolateCompletely(n1);
            Await.condition("the writer times out instead of being refused", Duration.ofSeconds(5),
                    () -> writer.failures().containsKey("SocketTimeoutException"), () -> writer.failures().toString());
            assertThat(n1.status().role()).as("over the Unix domain socket").isEqualTo(NodeStatus.Role.PRIMARY);

            cluster.heal();
            writer.awaitRowAfter(cut, node -> true, Duration.ofSeconds(20));
            assertThat(reaches(cluster, n1, n2)).isTrue();
        }
        assertThat(Exec.run(List.of("ip", "netns", "list"))).doesNotContain("pgr");
    }

    @Test void aClusterHealsItsOwnCutsOnly() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var one = Cluster.of(2).plain().namespaces().start(); var other = Cluster.of(2).plain().namespaces().start()) {
            one.isolateCompletely(one.node("n1"));
            other.isolateCompletely(other.node("n1"));
            one.heal();
            assertThat(reaches(one, one.node("n1"), one.node("n2"))).isTrue();
            assertThat(reaches(other, other.node("n1"), other.node("n2"))).isFalse();
        }
    }

    @Test void onePortCanBeCutAlone() {
        assumeTrue(Account.isRoot(), "network namespaces need root");
        try (var cluster = Cluster.of(3).plain().namespaces().start()) {
            var n1 = cluster.node("n1");
            var n2 = cluster.node("n2");
            cluster.cutControl(n1);
            assertThat(reaches(cluster, n1, n2)).as("another port is not affected").isTrue();
            cluster.cutData(n1);
            assertThat(reaches(cluster, n1, n2)).isFalse();
            assertThat(reaches(cluster, n2, n1)).isFalse();
            assertThat(reaches(cluster, n2, cluster.node("n3"))).as("nobody else is affected").isTrue();
            cluster.heal();
            assertThat(reaches(cluster, n1, n2)).isTrue();
            assertThat(reaches(cluster, n2, n1)).isTrue();
        }
    }

    private static boolean reaches(Cluster cluster, Node from, Node to) {
        return Exec.attempt(inside(cluster, from, cluster.blueprint().install().command("pg_isready",
                "-h", to.spec().host(), "-p", String.valueOf(to.spec().port()), "-t", "1"))).ok();
    }

    /** TCP segments that arrived at a node. */
    private static long received(Cluster cluster, Node node) {
        var lines = Exec.run(inside(cluster, node, List.of("cat", "/proc/net/snmp"))).lines()
                .filter(line -> line.startsWith("Tcp:")).toList();
        int column = List.of(lines.get(0).split(" ")).indexOf("InSegs");
        return Long.parseLong(lines.get(1).split(" ")[column]);
    }

    private static List<String> inside(Cluster cluster, Node node, List<String> command) {
        var full = new ArrayList<>(cluster.blueprint().network().prefix(node.spec().number()));
        full.addAll(command);
        return full;
    }
}
