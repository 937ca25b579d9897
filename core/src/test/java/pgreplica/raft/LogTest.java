package pgreplica.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;

/** What a log can be, and what can be asked of it. Guards P1. */
class LogTest {
    private static final Log FOUNDED = Sample.founded(Sample.voters(3));

    private static void impossible(Runnable what) {
        assertThatThrownBy(what::run).isInstanceOf(InvariantViolation.class);
    }

    @Test
    void entriesFollowEachOther() {
        impossible(() -> FOUNDED.append(Voter.command(1, 3)));
        impossible(() -> FOUNDED.append(Voter.command(1, 1)));
        assertThat(FOUNDED.append(Voter.command(1, 2)).last()).isEqualTo(Sample.at(1, 2));
    }

    @Test
    void termsNeverGoDown() {
        impossible(() -> FOUNDED.append(Voter.command(0, 2)));
        impossible(() -> FOUNDED.append(Voter.command(3, 2)).append(Voter.command(2, 3)));
    }

    @Test
    void onlyWhatIsThereCanBeHad() {
        var log = FOUNDED.append(Voter.command(1, 2));
        assertThat(log.entry(2)).isEqualTo(Voter.command(1, 2));
        impossible(() -> log.entry(1));
        impossible(() -> log.entry(3));
        impossible(() -> log.truncatedBefore(1));
        assertThat(log.truncatedBefore(2)).isEqualTo(FOUNDED);
    }

    @Test
    void theMembersAreTheNewestThatItNames() {
        assertThat(FOUNDED.configurationIndex()).isEqualTo(1);
        var changed = FOUNDED.append(Voter.command(1, 2)).append(Voter.entry(1, 3, new Payload.Configure(Sample.voters(2))))
                .append(Voter.command(1, 4));
        assertThat(changed.configurationIndex()).isEqualTo(3);
        assertThat(changed.configuration()).isEqualTo(Sample.voters(2));
        assertThat(changed.configurationAt(2)).isEqualTo(Sample.voters(3));
    }

    @Test
    void aTermBeginsWhereItsFirstEntryIs() {
        var log = new Log(FOUNDED.base(), List.of(Voter.command(2, 2), Voter.command(3, 3), Voter.command(3, 4)));
        assertThat(log.firstIndexOfTermAt(4)).isEqualTo(3);
        assertThat(log.firstIndexOfTermAt(2)).isEqualTo(2);
    }
}
