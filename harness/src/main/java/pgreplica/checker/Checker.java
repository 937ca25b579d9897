package pgreplica.checker;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Compares what clients were told with what the nodes hold in the end. It knows nothing of how the cluster works: only
 * what was sent, answered and seen, and when.
 */
public final class Checker {
    private static final BitSet NOTHING = new BitSet();

    private final List<Append> appends;
    private final List<Read> reads;
    private final List<Contents> nodes;
    /** Present where loss is allowed, within bounds. */
    private final Optional<Forks> forks;
    private final Map<Integer, Map<Integer, Append>> attempts = new HashMap<>();
    /** What the first node holds; that the others hold the same is a rule of its own. */
    private final SortedMap<Integer, BitSet> held;
    private final List<Verdict.Violation> violations = new ArrayList<>();
    private final List<Append> lost = new ArrayList<>();

    private Checker(History history, List<Contents> nodes, Optional<Forks> forks) {
        this.appends = history.appends();
        this.reads = history.reads().stream().filter(Read::ofPrimary).toList();
        this.nodes = nodes;
        this.forks = forks;
        this.held = nodes.getFirst().lists();
        for (var append : appends) {
            attempts.computeIfAbsent(append.list(), list -> new TreeMap<>()).put(append.id(), append);
        }
    }

    /** Nothing may be lost. */
    public static Verdict check(History history, List<Contents> nodes) {
        return new Checker(history, nodes, Optional.empty()).verdict();
    }

    /** What had not reached the survivors may be lost. */
    public static Verdict checkAllowingLoss(History history, List<Contents> nodes, Forks forks) {
        return new Checker(history, nodes, Optional.of(forks)).verdict();
    }

    private Verdict verdict() {
        acknowledgedStays();
        nodes.forEach(this::contents);
        nodesAgree();
        orderKept();
        if (forks.isEmpty()) seenStays();
        readsGoForward();
        noLatePrimary();
        oneOwner();
        forks.ifPresent(this::lossIsBounded);
        return new Verdict(List.copyOf(violations), List.copyOf(lost));
    }

    private void broken(Rule rule, String what) {
        violations.add(new Verdict.Violation(rule, what));
    }

    private boolean isHeld(int list, int id) {
        return held.getOrDefault(list, NOTHING).get(id);
    }

    // ---- what is there

    private void acknowledgedStays() {
        var lists = nodes.stream().map(Contents::lists).toList();
        for (var append : appends) {
            if (!append.isPromised()) continue;
            if (!isHeld(append.list(), append.id())) lost.add(append);
            if (forks.isPresent()) continue;
            for (int i = 0; i < nodes.size(); i++) {
                if (lists.get(i).getOrDefault(append.list(), NOTHING).get(append.id())) continue;
                broken(Rule.ACKNOWLEDGED_STAYS, "missing on " + nodes.get(i).node() + ": " + append);
            }
        }
    }

    private void contents(Contents contents) {
        var seen = new HashSet<Long>();
        for (var row : contents.rows()) {
            if (!seen.add((long) row.list() << 32 | row.id())) broken(Rule.ONCE, "twice on " + contents.node() + ": " + row);
            var attempt = attempts.getOrDefault(row.list(), Map.of()).get(row.id());
            if (attempt == null) broken(Rule.NOTHING_INVENTED, "on " + contents.node() + ": " + row);
            else if (attempt.outcome() == Append.Outcome.REFUSED) {
                broken(Rule.REFUSED_IS_ABSENT, "on " + contents.node() + ": " + row + " of " + attempt);
            }
        }
    }

    private void nodesAgree() {
        var first = nodes.getFirst();
        var expected = new HashSet<>(first.rows());
        for (var other : nodes.subList(1, nodes.size())) {
            var actual = new HashSet<>(other.rows());
            expected.stream().filter(row -> !actual.contains(row)).forEach(row ->
                    broken(Rule.NODES_AGREE, "on " + first.node() + " and not on " + other.node() + ": " + row));
            actual.stream().filter(row -> !expected.contains(row)).forEach(row ->
                    broken(Rule.NODES_AGREE, "on " + other.node() + " and not on " + first.node() + ": " + row));
        }
    }

    // ---- what was seen

    private void orderKept() {
        for (var row : nodes.getFirst().rows()) {
            var list = attempts.getOrDefault(row.list(), Map.of());
            var append = list.get(row.id());
            if (append == null) continue;
            for (int id = row.after() + 1; id < row.id(); id++) {
                var before = list.get(id);
                if (before == null || !before.isAcknowledged() || !isHeld(row.list(), id)) continue;
                if (mayReturn(before) && before.timeline() != row.timeline()) continue;
                if (before.endedNanos() < append.sentNanos()) broken(Rule.ORDER_KEPT, row + " did not see " + before);
            }
            if (row.after() >= row.id()) broken(Rule.ORDER_KEPT, row + " saw what was sent after it");
        }
    }

    /**
     * Where loss is allowed, COMMIT PREPARED may be lost and PREPARE not; then the client commits it once more. On the
     * timeline in force nothing was lost.
     */
    private boolean mayReturn(Append append) {
        return append.isTwoPhase() && forks.filter(way -> append.timeline() != way.current()).isPresent();
    }

    private BitSet mayReturn(int list) {
        var ids = new BitSet();
        attempts.getOrDefault(list, Map.of()).values().stream().filter(this::mayReturn).forEach(append -> ids.set(append.id()));
        return ids;
    }

    private void seenStays() {
        for (var row : nodes.getFirst().rows()) {
            if (row.after() > 0 && !isHeld(row.list(), row.after())) {
                broken(Rule.SEEN_STAYS, row + " saw an append that is not there");
            }
        }
        for (var read : reads) {
            read.lists().forEach((list, ids) -> {
                var gone = Ids.missing(ids, held.getOrDefault(list, NOTHING));
                if (!gone.isEmpty()) broken(Rule.SEEN_STAYS, seenBy(read, list) + " saw " + Ids.text(gone)
                        + ", which is not there in the end");
            });
        }
    }

    /** Something that everybody who begins later must see. */
    private record Fact(long nanos, int list, BitSet ids) {}

    private void readsGoForward() {
        var facts = new ArrayList<Fact>();
        for (var append : appends) {
            if (!append.isAcknowledged()) continue;
            var ids = new BitSet();
            ids.set(append.id());
            facts.add(new Fact(append.endedNanos(), append.list(), ids));
        }
        for (var read : reads) read.lists().forEach((list, ids) -> facts.add(new Fact(read.endedNanos(), list, ids)));
        facts.sort(Comparator.comparingLong(Fact::nanos));

        var known = new HashMap<Integer, BitSet>();
        int next = 0;
        for (var read : reads.stream().sorted(Comparator.comparingLong(Read::beganNanos)).toList()) {
            for (; next < facts.size() && facts.get(next).nanos() < read.beganNanos(); next++) {
                known.computeIfAbsent(facts.get(next).list(), list -> new BitSet()).or(facts.get(next).ids());
            }
            read.lists().forEach((list, ids) -> {
                var missed = Ids.missing(known.getOrDefault(list, NOTHING), ids);
                // Where loss is allowed it is allowed once and for all: what comes back later was not lost.
                if (forks.isPresent()) {
                    missed.and(held.getOrDefault(list, NOTHING));
                    missed.andNot(mayReturn(list));
                }
                if (!missed.isEmpty()) broken(Rule.READS_GO_FORWARD, seenBy(read, list) + " missed " + Ids.text(missed));
            });
        }
    }

    private static String seenBy(Read read, int list) {
        return read.reader() + " on " + read.node() + " at " + read.beganNanos() + ", reading list " + list + ",";
    }

    // ---- who acknowledged

    private void noLatePrimary() {
        var first = new TreeMap<Integer, Append>();
        for (var append : appends) {
            if (!append.isAcknowledged() || append.timeline() == 0) continue;
            first.merge(append.timeline(), append, (a, b) -> a.endedNanos() <= b.endedNanos() ? a : b);
        }
        for (var append : appends) {
            if (!append.isAcknowledged() || append.timeline() == 0) continue;
            first.tailMap(append.timeline(), false).values().stream()
                    .filter(newer -> newer.endedNanos() < append.sentNanos()).findFirst()
                    .ifPresent(newer -> broken(Rule.NO_LATE_PRIMARY, append + " after " + newer));
        }
    }

    private void oneOwner() {
        var owners = new TreeMap<Integer, String>();
        for (var contents : nodes) contents.rows().forEach(row -> own(owners, row.timeline(), row.node()));
        for (var append : appends) {
            if (append.isAcknowledged()) own(owners, append.timeline(), append.node());
        }
    }

    private void own(Map<Integer, String> owners, int timeline, String node) {
        if (timeline == 0) return;
        var owner = owners.putIfAbsent(timeline, node);
        if (owner != null && !owner.equals(node)) broken(Rule.ONE_OWNER, "timeline " + timeline + " of " + owner + " and " + node);
    }

    /**
     * A commit lies before any position that a transaction saw which was sent after the commit's acknowledgement. So it
     * cannot be lost if such a position of the same timeline belongs to the history.
     */
    private void lossIsBounded(Forks way) {
        var kept = new HashMap<Integer, Append>();
        for (var append : appends) {
            if (append.lsn() == 0 || !way.isHistory(append.timeline(), append.lsn())) continue;
            kept.merge(append.timeline(), append, (a, b) -> a.sentNanos() >= b.sentNanos() ? a : b);
        }
        for (var append : lost) {
            var later = kept.get(append.timeline());
            if (append.timeline() == way.current()) broken(Rule.LOSS_IS_BOUNDED, "on the timeline in force: " + append);
            else if (later != null && later.sentNanos() > append.endedNanos()) {
                broken(Rule.LOSS_IS_BOUNDED, append + " is before " + later);
            }
        }
    }
}
