package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;

/** Who votes, what a majority of them has, and which times go together. Guards P1 and P2. */
class ConfigurationTest {
    private static long reached(long... values) {
        return Sample.voters(values.length).reachedByMajority(values);
    }

    @Test
    void aMajorityIsMoreThanHalf() {
        assertThat(Sample.voters(1).majority()).isEqualTo(1);
        assertThat(Sample.voters(2).majority()).isEqualTo(2);
        assertThat(Sample.voters(3).majority()).isEqualTo(2);
        assertThat(Sample.voters(4).majority()).isEqualTo(3);
    }

    @Test
    void aMajorityHasReachedWhatHalfOfTheOthersHave() {
        assertThat(reached(7)).isEqualTo(7);
        assertThat(reached(1, 2, 3)).isEqualTo(2);
        assertThat(reached(3, 1, 2)).isEqualTo(2);
        assertThat(reached(9, 9, 1, 1)).isEqualTo(1);
        assertThat(reached(1, 5, 2, 4, 3)).isEqualTo(3);
    }

    @Test
    void aNodeVotesOnce() {
        var twice = new TreeSet<>(List.of(Sample.voter(1, 1), Sample.voter(1, 2)));
        assertThatThrownBy(() -> new Configuration(twice, new TreeSet<>())).isInstanceOf(InvariantViolation.class);
    }

    @Test
    void aLearnerThatBecomesAVoterIsNoLearnerAnyMore() {
        var learning = Sample.voters(3).withLearner(Sample.voter(4));
        assertThat(learning.withVoter(Sample.voter(4))).isEqualTo(Sample.voters(4));
        assertThat(learning.members()).hasSize(4);
        assertThat(learning.without(Sample.voter(4))).isEqualTo(Sample.voters(3));
    }

    @Test
    void onlyWhoHasNoMembersAtAllIsBlank() {
        assertThat(Configuration.EMPTY.isEmpty()).isTrue();
        assertThat(Sample.voters(1).isEmpty()).isFalse();
        assertThat(Configuration.EMPTY.withLearner(Sample.voter(1)).isEmpty()).isFalse();
    }

    private static void impossible(long election, long heartbeat, long lease, long promise) {
        assertThatThrownBy(() -> new RaftSettings(election, heartbeat, lease, promise))
                .isInstanceOf(InvariantViolation.class);
    }

    /** P2: the first pair that may be, and the nearest that may not, of each two times. */
    @Test
    void timesProtectEachOther() {
        assertThat(new RaftSettings(3, 1, 2, 2).leaseMillis()).isEqualTo(2);
        impossible(3, 0, 2, 2);
        impossible(3, 2, 2, 2);
        impossible(3, 1, 2, 1);
        impossible(2, 1, 2, 2);
    }
}
