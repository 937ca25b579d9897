package pgreplica.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Numbers with types: what is before what, what they look like, and which cannot be. */
class NumbersTest {
    private static void impossible(Runnable what, String rule) {
        assertThatThrownBy(what::run).isInstanceOf(InvariantViolation.class).hasMessageContaining(rule);
    }

    @Test void aPositionIsUnsignedAndShownAsPostgresShowsIt() {
        assertThat(new Lsn(0x16B374D848L)).hasToString("16/B374D848");
        assertThat(new Lsn(-1)).hasToString("FFFFFFFF/FFFFFFFF");
        assertThat(Lsn.ZERO).hasToString("0/0");
        assertThat(new Lsn(-1).isAfter(new Lsn(1))).isTrue();
        assertThat(new Lsn(1).isAfter(new Lsn(1))).isFalse();
        assertThat(new Lsn(5).max(new Lsn(7))).isEqualTo(new Lsn(7));
        assertThat(new Lsn(7).max(new Lsn(5))).isEqualTo(new Lsn(7));
        assertThat(new Lsn(5).bytesAfter(new Lsn(7))).isEqualTo(-2);
        assertThat(new Lsn(5).compareTo(new Lsn(7))).isNegative();
    }

    @Test void aLogPositionComparesTheTermFirst() {
        var older = new LogPosition(new Term(1), 9);
        var newer = new LogPosition(new Term(2), 3);
        assertThat(newer.compareTo(older)).isPositive();
        assertThat(older.compareTo(newer)).isNegative();
        assertThat(newer.compareTo(new LogPosition(new Term(2), 4))).isNegative();
        assertThat(newer).hasToString("2/3");
    }

    @Test void termsAndTimelinesOnlyRise() {
        assertThat(new Term(0)).isEqualTo(Term.ZERO);
        assertThat(new Timeline(0)).isEqualTo(Timeline.NONE);
        assertThat(Term.ZERO.next()).isEqualTo(new Term(1));
        assertThat(new Term(2).isAfter(new Term(1))).isTrue();
        assertThat(new Term(2).isAfter(new Term(2))).isFalse();
        assertThat(new Term(1).compareTo(new Term(2))).isNegative();
        assertThat(new Term(12)).hasToString("12");
        impossible(() -> new Term(-1), "a term is not negative");
        assertThat(Timeline.NONE.next()).isEqualTo(new Timeline(1));
        assertThat(new Timeline(2).isAfter(new Timeline(1))).isTrue();
        assertThat(new Timeline(2).isAfter(new Timeline(2))).isFalse();
        assertThat(new Timeline(1).compareTo(new Timeline(2))).isNegative();
        assertThat(new Timeline(12)).hasToString("12");
        impossible(() -> new Timeline(-1), "a timeline number is not negative");
    }

    @Test void aLifeOfANodeIsAnotherThanTheNext() {
        var n1 = new NodeId("n1");
        assertThat(new VoterId(n1, 1).compareTo(new VoterId(n1, 2))).isNegative();
        assertThat(new VoterId(n1, 9).compareTo(new VoterId(new NodeId("n2"), 1))).isNegative();
        assertThat(new VoterId(n1, 9)).hasToString("n1");
        assertThat(n1).hasToString("n1");
        impossible(() -> new NodeId(""), "a node has a name");
    }

    /** In the C build a division by zero would end the process. */
    @Test void nothingIsDividedByZero() {
        assertThat(Division.quotient(7, 2)).isEqualTo(3);
        assertThat(Division.remainder(7, 2)).isEqualTo(1);
        assertThat(Division.quotient(7, 1)).isEqualTo(7);
        assertThat(Division.remainder(7, 1)).isZero();
        impossible(() -> Division.quotient(7, 0), "a divisor is positive");
        impossible(() -> Division.remainder(7, 0), "a divisor is positive");
    }

    /** The same numbers on every platform: a replay depends on them. */
    @Test void theGeneratorGivesTheSameNumbersForEver() {
        var random = Xorshift.of(1);
        var numbers = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            numbers.append(random.below(1000)).append(' ');
            random = random.next();
        }
        assertThat(numbers).hasToString("899 170 894 442 630 550 590 419 ");
        assertThat(Xorshift.of(1)).isNotEqualTo(Xorshift.of(2));
        for (int i = 0; i < 1000; i++) {
            random = random.next();
            assertThat(random.below(7)).isBetween(0, 6);
        }
    }
}
