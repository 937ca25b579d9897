package pgreplica.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;

class NodeStatusTest {
    private static final NodeStatus.Server CONNECTED = new NodeStatus.Server(true, true, 2, 0, true, "1");

    @Test void aStreamThatIsNotGrantedYetIsNone() {
        assertThat(standby(Optional.of("connecting")).isStreamingStandby()).isFalse();
        assertThat(standby(Optional.of("streaming")).isStreamingStandby()).isTrue();
    }

    @Test void aPlainServerIsBelieved() {
        assertThat(standby(Optional.empty()).isStreamingStandby()).isTrue();
    }

    private static NodeStatus standby(Optional<String> state) {
        return new NodeStatus("n2", NodeStatus.Life.RUNNING, Optional.of(CONNECTED),
                state.map(told -> ReplicaStatus.of(Map.of("state", told))), Optional.empty());
    }
}
