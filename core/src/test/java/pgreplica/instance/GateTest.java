package pgreplica.instance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;

/** The gate of the WAL receiver, and what is read from what is seen of a server. Guards P6 and P4. */
class GateTest {
    private static final Term FIVE = new Term(5);
    private static final NodeId N1 = new NodeId("n1");
    private static final Timeline TWO = new Timeline(2);

    /** A7: from the question on it is open for nobody, and final in the term in which it was found closed. */
    @Test void itIsSealedOnceItWasFoundClosed() {
        var asked = Gate.CLOSED.openTo(N1, TWO, new Term(4)).closing(FIVE);
        assertThat(asked.requested()).contains(FIVE);
        assertThat(asked.isSealedIn(FIVE)).isFalse();
        assertThat(asked.isOpenTo(N1, TWO, new Term(4))).isFalse();
        var sealed = asked.closed(FIVE, true);
        assertThat(sealed.isSealedIn(FIVE)).isTrue();
        assertThat(sealed.isSealedIn(FIVE.next())).isFalse();
        assertThat(sealed.stuck()).isFalse();
        assertThat(sealed.requested()).contains(FIVE);
    }

    /** B6. */
    @Test void itIsStuckIfItWasNotClosedInTime() {
        var stuck = Gate.CLOSED.closing(FIVE).closed(FIVE, false);
        assertThat(stuck.stuck()).isTrue();
        assertThat(stuck.closing(FIVE.next()).stuck()).isFalse();
    }

    @Test void itIsOpenToOneNodeOnOneTimelineInOneTerm() {
        var open = Gate.CLOSED.closing(FIVE).closed(FIVE, true).openTo(N1, TWO, FIVE);
        assertThat(open.isOpenTo(N1, TWO, FIVE)).isTrue();
        assertThat(open.isOpenTo(new NodeId("n2"), TWO, FIVE)).isFalse();
        assertThat(open.isOpenTo(N1, new Timeline(3), FIVE)).isFalse();
        assertThat(open.isOpenTo(N1, TWO, FIVE.next())).isFalse();
        assertThat(Gate.CLOSED.isOpenTo(N1, Timeline.NONE, Term.ZERO)).isFalse();
        assertThat(open.following()).isEqualTo(TWO);
    }

    /** A2. */
    @Test void reportsAreComparedAsRaftComparesLogs() {
        assertThat(report(3, 100).compareProgress(report(2, 900))).isPositive();
        assertThat(report(2, 900).compareProgress(report(3, 100))).isNegative();
        assertThat(report(3, 100).compareProgress(report(3, 101))).isNegative();
        assertThat(report(3, 100).compareProgress(report(3, 100))).isZero();
    }

    @Test void aReportIsValidUnlessSomethingIsSaidAgainstIt() {
        assertThat(report(3, 100).isValid()).isTrue();
        assertThat(new WalReport("fsync is off", 1, TWO, Lsn.ZERO, true, false).isValid()).isFalse();
    }

    /** P13. */
    @Test void onlyWhatKeepsClientsFromWorkAilsAServer() {
        assertThat(new Flags(true, true, true, true, false, false).ailment()).isEmpty();
        assertThat(new Flags(false, false, false, false, true, false).ailment()).isEqualTo("its disk does not take writes");
        assertThat(new Flags(false, false, false, false, false, true).ailment()).isEqualTo("it lets no new session in");
    }

    @Test void aPrimaryInCrashRecoveryComesBackByItself() {
        assertThat(in(Phase.PRIMARY).isPrimaryOrRecoveringPrimary()).isTrue();
        assertThat(in(Phase.CRASH_RECOVERY).isPrimaryOrRecoveringPrimary()).isTrue();
        assertThat(in(Phase.STANDBY).isPrimaryOrRecoveringPrimary()).isFalse();
        assertThat(in(Phase.PRIMARY).isPrimary()).isTrue();
        assertThat(in(Phase.CRASH_RECOVERY).isPrimary()).isFalse();
        assertThat(in(Phase.STANDBY).isStandby()).isTrue();
    }

    private static WalReport report(int timeline, long end) {
        return new WalReport("", 1, new Timeline(timeline), new Lsn(end), true, false);
    }

    private static Observation in(Phase phase) {
        return new Observation(phase, 7, TWO, Lsn.ZERO, Lsn.ZERO, true, false, "", Timeline.NONE, Lsn.ZERO, false, false,
                Flags.NONE, DataIdentity.NONE, List.of(), List.of(), Lsn.ZERO, "");
    }
}
