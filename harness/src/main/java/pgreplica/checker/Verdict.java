package pgreplica.checker;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the checker found. {@code lost}: promised appends that are missing, which only async mode may have. */
public record Verdict(List<Violation> violations, List<Append> lost) {

    public record Violation(Rule rule, String what) {
        @Override public String toString() {
            return rule + ": " + what;
        }
    }

    public boolean holds() {
        return violations.isEmpty();
    }

    public SortedMap<Rule, Integer> counts() {
        var counts = new TreeMap<Rule, Integer>();
        violations.forEach(violation -> counts.merge(violation.rule(), 1, Integer::sum));
        return counts;
    }

    /** Counts, the rules in words, and the first examples. */
    public String text() {
        if (holds()) return "nothing is wrong";
        var text = new StringBuilder();
        counts().forEach((rule, count) -> {
            text.append(rule).append(" (").append(rule.sentence()).append("): broken ").append(count).append(" times\n");
            violations.stream().filter(violation -> violation.rule() == rule).limit(5)
                    .forEach(violation -> text.append("    ").append(violation.what()).append('\n'));
        });
        return text.toString();
    }
}
