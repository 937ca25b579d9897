package pgreplica.failover;

import java.util.List;
import java.util.function.Predicate;

/**
 * One line of the failover policy. A leader tries the rules in order; the first that matches decides. {@code why} is
 * the log line, the row of {@code pg_replica.rules()} and the documentation at once.
 */
public record Rule(int id, Predicate<View> when, Decision decision, String condition, String why) {

    public static final List<Rule> ALL = List.of(
            new Rule(10, v -> !v.ownTermCommitted(), Decision.WAIT,
                    "no entry of this term is committed",
                    "a new leader knows everything that was decided only after it has committed an entry itself"),
            new Rule(20, v -> !v.missingFounders().isEmpty(), Decision.WAIT,
                    "a founding node has not joined",
                    "until every founding node votes, a majority of those who do is not a majority of the cluster"),
            new Rule(25, v -> v.handingOverTo().isPresent(), Decision.WAIT,
                    "leadership is on its way to another node",
                    "what this node would still decide could cross the decisions of the node that takes over"),
            new Rule(27, v -> v.servesHere() && !v.ailment().isEmpty() && v.heir().isPresent(), Decision.LEAVE,
                    "the primary here is not healthy, a standby is",
                    "healthy means that clients can connect and commit, and a standby that has everything can do better"),
            new Rule(28, v -> v.relief().isPresent(), Decision.HAND_OVER_TO_RELIEF,
                    "too few synchronous standbys can stream from here",
                    "commits wait for standbys that answer but cannot stream from here, perhaps from another node"),
            new Rule(30, View::servesHere, Decision.SERVE,
                    "an appointed primary runs here",
                    "the primary here is appointed for its timeline and nobody was appointed since"),
            new Rule(40, View::outdatedPrimaryHere, Decision.RESTART,
                    "an outdated primary runs here",
                    "a later timeline was reserved, so what this primary writes could lose against it"),
            new Rule(50, v -> v.promotionOverdue() && v.successor().isPresent(), Decision.HAND_OVER_TO_SUCCESSOR,
                    "the promotion here is overdue and another node can take over",
                    "a promotion that does not end must not keep the cluster without a primary"),
            new Rule(60, View::promoting, Decision.WAIT,
                    "a promotion is under way here",
                    "this node is appointed and Postgres is being promoted"),
            new Rule(70, v -> !v.awaitedReports().isEmpty(), Decision.WAIT,
                    "a connected node has not reported",
                    "a node that is connected may hold more WAL; its report is awaited for a moment"),
            new Rule(80, v -> v.recoveringPrimary().isPresent(), Decision.WAIT,
                    "the last primary recovers by itself",
                    "it alone may hold the newest commits, and crash_restart_grace is not used up"),
            new Rule(85, v -> v.reportsMissing() > 0 && v.successor().isPresent()
                            && (v.ahead() || !v.selfObstacle().isEmpty()), Decision.HAND_OVER_TO_SUCCESSOR,
                    "a member of the sync set is ahead of this node",
                    "what it has more may have been acknowledged, also if this node was told to take over"),
            new Rule(90, v -> v.reportsMissing() > 0, Decision.WAIT,
                    "too few members of the sync set have reported",
                    "a commit that was acknowledged may be only on a node that has not reported"),
            new Rule(100, v -> v.better().isPresent(), Decision.HAND_OVER_TO_BETTER,
                    "another node is better",
                    "a reachable node holds more WAL, or as much and has the higher priority"),
            new Rule(110, v -> !v.selfObstacle().isEmpty() && v.successor().isPresent(),
                    Decision.HAND_OVER_TO_SUCCESSOR,
                    "this node cannot be primary, another can",
                    "every voter may lead, but only a node with trustworthy data may be primary"),
            new Rule(120, v -> !v.selfObstacle().isEmpty(), Decision.WAIT,
                    "no node can be primary",
                    "no reachable node has data that may be trusted"),
            new Rule(130, v -> !v.lossAllowed(), Decision.WAIT,
                    "more would be lost than max_failover_lag allows",
                    "the last known position of the lost primary is too far ahead of every reachable node"),
            new Rule(140, v -> true, Decision.APPOINT,
                    "this node is the best one",
                    "there is no primary, and no reachable node holds more WAL than this one"));

    /** The rule that decides; the last one always matches. */
    public static Rule decide(View view) {
        for (var rule : ALL) {
            if (rule.when().test(view)) return rule;
        }
        return ALL.getLast();
    }
}
