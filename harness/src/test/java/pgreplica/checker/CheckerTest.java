package pgreplica.checker;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.checker.Append.Outcome.ACKNOWLEDGED;
import static pgreplica.checker.Append.Outcome.PREPARED;
import static pgreplica.checker.Append.Outcome.REFUSED;
import static pgreplica.checker.Append.Outcome.UNKNOWN;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each rule is broken once, and kept once by a history that comes close. */
class CheckerTest {
    private final History history = History.inMemory();
    private final List<Contents.Row> rows = new ArrayList<>();

    /** Sent at the time of its id, answered half a step later, on timeline 1 of n1; nothing is lost. */
    private void acknowledged(int id) {
        append(id, "n1", 1, 10L * id, 10L * id + 5, ACKNOWLEDGED);
        row(id, id - 1);
    }

    private void append(int id, String node, int timeline, long sent, long ended, Append.Outcome outcome) {
        history.add(new Append(7, id, node, timeline, 1000 + sent, sent, ended, outcome, "plain"));
    }

    private void row(int id, int after) {
        rows.add(new Contents.Row(7, id, after, "n1", 1));
    }

    private void read(long began, long ended, String ids) {
        history.add(new Read("r", "n1", true, began, ended, new TreeMap<>(Map.of(7, Ids.parse(ids)))));
    }

    private List<Rule> broken(Contents... others) {
        var nodes = new ArrayList<>(List.of(new Contents("n1", rows)));
        nodes.addAll(List.of(others));
        return Checker.check(history, nodes).violations().stream().map(Verdict.Violation::rule).distinct().toList();
    }

    private Verdict allowingLoss(Forks forks) {
        return Checker.checkAllowingLoss(history, List.of(new Contents("n1", rows)), forks);
    }

    @Test void whatHappensInGoodOrderIsFine() {
        for (int id = 1; id <= 5; id++) acknowledged(id);
        read(16, 18, "1");
        read(22, 36, "1-3");
        read(36, 70, "1-5");
        assertThat(broken(new Contents("n2", List.copyOf(rows)))).isEmpty();
    }

    @Test void anAcknowledgedAppendThatIsMissing() {
        acknowledged(1);
        append(2, "n1", 1, 20, 25, ACKNOWLEDGED);
        assertThat(broken()).containsExactly(Rule.ACKNOWLEDGED_STAYS);
    }

    @Test void anAcknowledgedAppendThatIsMissingFromAnotherNode() {
        acknowledged(1);
        acknowledged(2);
        assertThat(broken(new Contents("n2", rows.subList(0, 1))))
                .containsExactly(Rule.ACKNOWLEDGED_STAYS, Rule.NODES_AGREE);
    }

    @Test void aPreparedAppendThatIsMissing() {
        append(1, "n1", 1, 10, 15, PREPARED);
        assertThat(broken()).containsExactly(Rule.ACKNOWLEDGED_STAYS);
    }

    @Test void anUnknownAppendIsFreeToBeThereOnceOrNot() {
        append(1, "n1", 1, 10, 15, UNKNOWN);
        append(2, "n1", 1, 20, 25, UNKNOWN);
        row(2, 0);
        assertThat(broken()).isEmpty();
        row(2, 0);
        assertThat(broken()).containsExactly(Rule.ONCE);
    }

    @Test void anAppendThatIsThereTwice() {
        acknowledged(1);
        row(1, 0);
        assertThat(broken()).containsExactly(Rule.ONCE);
    }

    @Test void aRefusedAppendThatIsThere() {
        append(1, "n1", 1, 10, 15, REFUSED);
        row(1, 0);
        assertThat(broken()).containsExactly(Rule.REFUSED_IS_ABSENT);
    }

    @Test void anAppendThatNobodySent() {
        row(1, 0);
        assertThat(broken()).containsExactly(Rule.NOTHING_INVENTED);
    }

    /** The acknowledged append was away when the next transaction looked, and came back. */
    @Test void anAppendThatDidNotSeeTheOneBefore() {
        acknowledged(1);
        append(2, "n1", 1, 20, 25, ACKNOWLEDGED);
        row(2, 0);
        assertThat(broken()).containsExactly(Rule.ORDER_KEPT);
    }

    @Test void anAppendNeedNotSeeOneThatWasStillUnderWay() {
        append(1, "n1", 1, 10, 25, UNKNOWN);
        row(1, 0);
        append(2, "n1", 1, 20, 28, ACKNOWLEDGED);
        row(2, 0);
        assertThat(broken()).isEmpty();
    }

    @Test void anAppendThatSawWhatIsGone() {
        append(1, "n1", 1, 10, 15, UNKNOWN);
        append(2, "n1", 1, 20, 25, ACKNOWLEDGED);
        row(2, 1);
        assertThat(broken()).containsExactly(Rule.SEEN_STAYS);
    }

    /** A commit that waits for its standby is in doubt; who shows it must not lose it. */
    @Test void aReaderThatSawWhatIsGone() {
        append(1, "n1", 1, 10, 15, UNKNOWN);
        read(16, 18, "1");
        assertThat(broken()).containsExactly(Rule.SEEN_STAYS);
    }

    @Test void aReadThatMissesWhatAnotherSaw() {
        append(1, "n1", 1, 10, 15, UNKNOWN);
        row(1, 0);
        read(16, 18, "1");
        read(19, 20, "");
        assertThat(broken()).containsExactly(Rule.READS_GO_FORWARD);
    }

    @Test void aReadThatBeganEarlierMayMissIt() {
        append(1, "n1", 1, 10, 15, UNKNOWN);
        row(1, 0);
        read(16, 18, "1");
        read(17, 20, "");
        assertThat(broken()).isEmpty();
    }

    @Test void aReadThatMissesWhatWasAcknowledged() {
        acknowledged(1);
        read(16, 18, "");
        assertThat(broken()).containsExactly(Rule.READS_GO_FORWARD);
    }

    @Test void whatAFencedServerShowsPromisesNothing() {
        acknowledged(1);
        history.add(new Read("r", "n2", false, 16, 18, new TreeMap<>(Map.of(7, Ids.parse("")))));
        assertThat(broken()).isEmpty();
    }

    @Test void anAcknowledgementByAnOlderTimeline() {
        append(1, "n2", 2, 10, 15, ACKNOWLEDGED);
        rows.add(new Contents.Row(7, 1, 0, "n2", 2));
        append(2, "n1", 1, 20, 25, ACKNOWLEDGED);
        row(2, 1);
        assertThat(broken()).containsExactly(Rule.NO_LATE_PRIMARY);
    }

    /** It was sent, and maybe answered, before the newer primary answered; the answer arrived late. */
    @Test void anAnswerThatWasOnTheWayIsNotLate() {
        append(1, "n1", 1, 10, 30, ACKNOWLEDGED);
        row(1, 0);
        history.add(new Append(8, 1, "n2", 2, 0, 12, 20, ACKNOWLEDGED, "plain"));
        rows.add(new Contents.Row(8, 1, 0, "n2", 2));
        assertThat(broken()).isEmpty();
    }

    @Test void aTimelineWithTwoOwners() {
        acknowledged(1);
        append(2, "n2", 1, 20, 25, ACKNOWLEDGED);
        rows.add(new Contents.Row(7, 2, 1, "n2", 1));
        assertThat(broken()).containsExactly(Rule.ONE_OWNER);
    }

    // ---- async mode

    /** Positions are 1000 + the time of sending: what was sent from 30 on is past the fork. */
    private static final Forks LEFT_AT_1029 = new Forks(2, Map.of(1, 1029L));

    @Test void theTailOfATimelineMayBeLost() {
        acknowledged(1);
        acknowledged(2);
        append(3, "n1", 1, 30, 35, ACKNOWLEDGED);
        var verdict = allowingLoss(LEFT_AT_1029);
        assertThat(verdict.holds()).as(verdict.text()).isTrue();
        assertThat(verdict.lost()).extracting(Append::id).containsExactly(3);
    }

    @Test void theLastCommitBeforeTheForkMayBeLost() {
        acknowledged(1);
        append(2, "n1", 1, 20, 25, ACKNOWLEDGED);
        assertThat(allowingLoss(LEFT_AT_1029).violations()).isEmpty();
    }

    @Test void whatLiesBeforeTheForkMustNotBeLost() {
        append(1, "n1", 1, 10, 15, ACKNOWLEDGED);
        acknowledged(2);
        assertThat(allowingLoss(LEFT_AT_1029).counts()).containsOnlyKeys(Rule.LOSS_IS_BOUNDED);
    }

    @Test void whatTheTimelineInForceAcknowledgedMustNotBeLost() {
        append(1, "n2", 2, 40, 45, ACKNOWLEDGED);
        assertThat(allowingLoss(LEFT_AT_1029).counts()).containsOnlyKeys(Rule.LOSS_IS_BOUNDED);
    }

    @Test void whatIsLostIsLostForReadersToo() {
        acknowledged(1);
        append(2, "n1", 1, 30, 35, ACKNOWLEDGED);
        read(36, 38, "1-2");
        read(39, 40, "1");
        assertThat(allowingLoss(LEFT_AT_1029).violations()).isEmpty();
        read(41, 42, "");
        assertThat(allowingLoss(LEFT_AT_1029).counts()).containsOnlyKeys(Rule.READS_GO_FORWARD);
    }

    // ---- files

    @Test void whatIsWrittenIsReadBack(@TempDir Path directory) throws IOException {
        try (var written = History.to(directory.resolve("history"))) {
            for (int id = 1; id <= 3; id++) acknowledged(id);
            append(4, "n2", 2, 40, 45, UNKNOWN);
            read(16, 18, "1");
            read(50, 58, "");
            history.appends().forEach(written::add);
            history.reads().forEach(written::add);
        }
        var again = History.read(directory.resolve("history"));
        assertThat(again.appends()).isEqualTo(history.appends());
        assertThat(again.reads()).isEqualTo(history.reads());

        var contents = new Contents("n1", rows);
        contents.write(directory.resolve("n1"));
        assertThat(Contents.read("n1", directory.resolve("n1"))).isEqualTo(contents);
    }

    @Test void idsAreWrittenAsRanges() {
        assertThat(Ids.text(Ids.parse("1-3,5,8-9"))).isEqualTo("1-3,5,8-9");
        assertThat(Ids.text(Ids.parse(""))).isEmpty();
    }

    /** PREPARE had reached the standby, COMMIT PREPARED not; its client gave it once more to the new primary. */
    private void committedOnceMore(String how) {
        history.add(new Append(7, 1, "n1", 1, 1000, 10, 15, ACKNOWLEDGED, how));
        history.add(new Append(7, 2, "n2", 2, 2000, 30, 35, ACKNOWLEDGED, "plain"));
        read(16, 18, "1");
        read(36, 38, "2");
        rows.add(new Contents.Row(7, 1, 0, "n1", 1));
        rows.add(new Contents.Row(7, 2, 0, "n2", 2));
    }

    @Test void whereLossIsAllowedAPreparedTransactionMayLoseItsCommitAndGetItAgain() {
        committedOnceMore("two_phase");
        assertThat(allowingLoss(new Forks(2, Map.of(1, 1500L))).violations()).isEmpty();
    }

    @Test void onTheTimelineInForceNoCommitMayBeAwayForAWhile() {
        committedOnceMore("two_phase");
        assertThat(allowingLoss(new Forks(1, Map.of())).violations()).extracting(Verdict.Violation::rule)
                .contains(Rule.READS_GO_FORWARD);
    }

    @Test void noOtherAppendMayBeAwayForAWhile() {
        committedOnceMore("plain");
        assertThat(allowingLoss(new Forks(2, Map.of(1, 1500L))).violations()).extracting(Verdict.Violation::rule)
                .containsOnly(Rule.ORDER_KEPT, Rule.READS_GO_FORWARD);
    }

    @Test void whereNothingMayBeLostNotEvenACommitOfAPreparedTransactionMay() {
        committedOnceMore("two_phase");
        assertThat(broken()).containsExactly(Rule.ORDER_KEPT, Rule.READS_GO_FORWARD);
    }
}
