package pgreplica.failover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pgreplica.base.NodeId;

/** The failover policy as a table: complete, ordered, and every line of it can decide (P4, P7, P11). */
class RuleTest {
    private static final NodeId OTHER = new NodeId("n2");

    /** A leader that has everything it needs to appoint itself; each test takes one thing away. */
    private static final class Given {
        String missingFounders = "";
        boolean ownTermCommitted = true;
        Optional<NodeId> handingOverTo = Optional.empty();
        Optional<NodeId> relief = Optional.empty();
        boolean servesHere;
        String ailment = "";
        Optional<NodeId> heir = Optional.empty();
        boolean outdatedPrimaryHere;
        boolean promoting;
        boolean promotionOverdue;
        String awaitedReports = "";
        Optional<NodeId> recoveringPrimary = Optional.empty();
        int reportsMissing;
        String selfObstacle = "";
        Optional<NodeId> better = Optional.empty();
        Optional<NodeId> successor = Optional.empty();
        boolean ahead;
        boolean lossAllowed = true;

        int decidingRule() {
            return Rule.decide(new Facts(missingFounders, ownTermCommitted, handingOverTo, relief, servesHere,
                    ailment, heir, outdatedPrimaryHere,
                    promoting, promotionOverdue, awaitedReports, recoveringPrimary, reportsMissing, selfObstacle, better,
                    successor, ahead, "", 0, lossAllowed)).id();
        }
    }

    private record Facts(String missingFounders, boolean ownTermCommitted, Optional<NodeId> handingOverTo,
                         Optional<NodeId> relief, boolean servesHere, String ailment, Optional<NodeId> heir,
                         boolean outdatedPrimaryHere, boolean promoting, boolean promotionOverdue,
                         String awaitedReports, Optional<NodeId> recoveringPrimary, int reportsMissing,
                         String selfObstacle, Optional<NodeId> better, Optional<NodeId> successor,
                         boolean ahead, String heldBack, long lossBytes, boolean lossAllowed) implements View {}

    @Test void idsRiseAndAreUnique() {
        var ids = new HashSet<Integer>();
        int before = 0;
        for (var rule : Rule.ALL) {
            assertThat(rule.id()).isGreaterThan(before);
            assertThat(ids.add(rule.id())).isTrue();
            before = rule.id();
        }
    }

    @Test void theLastRuleMatchesAlwaysAndAppoints() {
        assertThat(new Given().decidingRule()).isEqualTo(140);
    }

    @Test void everyRuleCanDecide() {
        var deciding = new HashSet<Integer>();
        for (var situation : situations()) deciding.add(situation.decidingRule());
        for (var rule : Rule.ALL) assertThat(deciding).as("rule " + rule.id()).contains(rule.id());
    }

    @Test void anUnhealthyPrimaryGoesOnServingWithoutAHealthyStandby() {
        var given = new Given();
        given.servesHere = true;
        given.ailment = "its disk does not take writes";
        assertThat(given.decidingRule()).isEqualTo(30);
    }

    @Test void nothingIsDecidedBeforeAnEntryOfTheTermIsCommitted() {
        for (var situation : situations()) {
            situation.ownTermCommitted = false;
            assertThat(situation.decidingRule()).isEqualTo(10);
        }
    }

    private static List<Given> situations() {
        var all = new java.util.ArrayList<Given>();
        for (int i = 0; i < 18; i++) all.add(new Given());
        all.get(0).ownTermCommitted = false;
        all.get(1).missingFounders = "n3";
        all.get(2).servesHere = true;
        all.get(3).outdatedPrimaryHere = true;
        all.get(4).promoting = true;
        all.get(4).promotionOverdue = true;
        all.get(4).successor = Optional.of(OTHER);
        all.get(5).promoting = true;
        all.get(6).awaitedReports = "no report from n3 yet";
        all.get(7).recoveringPrimary = Optional.of(OTHER);
        all.get(8).reportsMissing = 1;
        all.get(9).better = Optional.of(OTHER);
        all.get(10).selfObstacle = "Postgres is starting";
        all.get(10).successor = Optional.of(OTHER);
        all.get(11).selfObstacle = "Postgres is starting";
        all.get(12).lossAllowed = false;
        all.get(14).handingOverTo = Optional.of(OTHER);
        all.get(15).servesHere = true;
        all.get(15).relief = Optional.of(OTHER);
        all.get(16).servesHere = true;
        all.get(16).ailment = "its disk does not take writes";
        all.get(16).heir = Optional.of(OTHER);
        all.get(17).reportsMissing = 1;
        all.get(17).ahead = true;
        all.get(17).successor = Optional.of(OTHER);
        return all;
    }
}
