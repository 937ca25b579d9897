package pgreplica.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

class OutageTest {
    private final List<Acknowledgement> rows = new ArrayList<>();

    @Test void theLongestSilenceThatEndsAfterTheFaultCounts() {
        row("n1", 0);
        row("n1", 900);
        row("n1", 1000);
        row("n1", 1004);
        row("n2", 1800);
        row("n2", 1805);
        var outage = Outage.after(1_002_000_000L, rows).orElseThrow();
        assertThat(outage.firstAfter().node()).isEqualTo("n2");
        assertThat(outage.millis()).isEqualTo(798.0);
        assertThat(outage.silenceMillis()).isEqualTo(796.0);
    }

    @Test void withoutAnAcknowledgementSinceThereIsNoEnd() {
        row("n1", 100);
        assertThat(Outage.after(200_000_000L, rows)).isEqualTo(Optional.empty());
    }

    private void row(String node, long millis) {
        rows.add(new Acknowledgement(1, rows.size(), node, millis * 1_000_000, millis * 1_000_000, 0));
    }
}
