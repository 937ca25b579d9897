package pgreplica.harness.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;

class StatisticsTest {
    @Test void quantilesOfAnUnorderedList() {
        var values = new Statistics("gap", "ms", List.of(30.0, 10.0, 20.0, 40.0));
        assertThat(values.median()).isEqualTo(25.0);
        assertThat(values.quantile(0)).isEqualTo(10.0);
        assertThat(values.quantile(1)).isEqualTo(40.0);
        assertThat(values.quantile(0.95)).isBetween(38.4, 38.6);
    }

    @Test void aSingleValueIsEverything() {
        assertThat(new Statistics("gap", "ms", List.of(7.0)).quantile(0.95)).isEqualTo(7.0);
    }
}
