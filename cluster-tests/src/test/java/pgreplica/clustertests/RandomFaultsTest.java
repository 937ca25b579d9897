package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P2;
import static pgreplica.clustertests.P.P3;
import static pgreplica.clustertests.P.P4;
import static pgreplica.clustertests.P.P5;
import static pgreplica.clustertests.P.P7;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import pgreplica.harness.chaos.Chaos;
import pgreplica.harness.run.Account;

/** Random faults under load, as many as the time allows; {@code ./dev chaos} does the same for longer. */
@Tag("cluster")
class RandomFaultsTest {
    private static final String VERSION = System.getenv().getOrDefault("PGREPLICA_PG", "15");

    /** What is lost had not reached the survivors, by the positions that history() shows; all else holds as ever. */
    @Test @Promise({P2, P4, P5, P7, P11}) @Timeout(300)
    void inAsyncModeTheLossIsWithinWhatHistoryShows(@TempDir Path directory) throws IOException {
        run(3, "off", Duration.ofSeconds(45), directory);
    }

    @Test @Tag("quorum") @Promise({P2, P3, P5, P7, P11}) @Timeout(400)
    void inQuorumModeNothingAcknowledgedIsLost(@TempDir Path directory) throws IOException {
        run(3, "quorum", Duration.ofSeconds(100), directory);
    }

    @Test @Tag("quorum") @Promise({P2, P3, P5, P7, P11}) @Timeout(400)
    void inQuorumModeOnFiveNodesNothingAcknowledgedIsLost(@TempDir Path directory) throws IOException {
        run(5, "quorum", Duration.ofSeconds(50), directory);
    }

    private static void run(int nodes, String syncMode, Duration span, Path directory) throws IOException {
        var done = Chaos.run(new Chaos.Options(nodes, syncMode, Integer.MAX_VALUE, span, System.currentTimeMillis(),
                Account.isRoot(), VERSION, directory, List.of()));
        assertThat(done.wrong()).as("replay with: " + done.replay()).isEmpty();
    }
}
