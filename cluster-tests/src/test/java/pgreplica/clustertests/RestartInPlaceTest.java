package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P10;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import pgreplica.harness.Cluster;
import pgreplica.harness.Node;
import pgreplica.harness.run.ProcessTable;

/** Each failover by a freeze makes the old primary restart itself in place. Nothing may pile up over thirty of them. */
@Tag("cluster")
@Tag("slow")
class RestartInPlaceTest {
    private static final int RESTARTS = 30;
    /** A log file, an inherited pipe: some descriptors differ between a first start and a restart, none with each. */
    private static final long SPARE_DESCRIPTORS = 4;

    @Test @Promise(P10) @Timeout(900)
    void thirtyRestartsLeakNothing() throws IOException {
        try (var cluster = Cluster.of(3).start()) {
            restart(cluster);
            var postmasters = new TreeMap<String, Long>();
            var descriptors = new TreeMap<String, Long>();
            for (var node : cluster.nodes()) {
                postmasters.put(node.name(), node.postmaster().orElseThrow());
                descriptors.put(node.name(), descriptors(node));
            }
            long processes = processes(cluster);
            long segments = sharedMemory();
            for (int i = 0; i < RESTARTS; i++) restart(cluster);

            for (var node : cluster.nodes()) {
                assertThat(node.postmaster()).as(node + " kept its process id").contains(postmasters.get(node.name()));
                assertThat(descriptors(node)).as(node + ": open files of the postmaster")
                        .isLessThanOrEqualTo(descriptors.get(node.name()) + SPARE_DESCRIPTORS);
            }
            assertThat(processes(cluster)).as("processes").isLessThanOrEqualTo(processes + 3);
            assertThat(sharedMemory()).as("shared memory segments").isLessThanOrEqualTo(segments + 3);
        }
    }

    private static void restart(Cluster cluster) {
        var former = cluster.awaitPrimary();
        former.freeze();
        cluster.awaitPrimaryOtherThan(former);
        former.thaw();
        former.awaitStreaming(Cluster.WHOLE_LIMIT);
        cluster.awaitWhole();
    }

    private static long descriptors(Node node) {
        return ProcessTable.usage(node.postmaster().orElseThrow()).orElseThrow().descriptors();
    }

    private static long processes(Cluster cluster) {
        return cluster.nodes().stream().mapToLong(node -> node.processes().size()).sum();
    }

    /** SysV segments and files in /dev/shm, of the whole machine. */
    private static long sharedMemory() throws IOException {
        try (var files = Files.list(Path.of("/dev/shm"))) {
            return Files.readAllLines(Path.of("/proc/sysvipc/shm")).size() + files.count();
        }
    }
}
