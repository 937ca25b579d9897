package pgreplica.raft;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** Watches the whole history of a simulated group for promises that were broken. */
final class Promisekeeper {
    private record Committed(Entry entry, Term inTerm, int chain) {}

    private record Origin(Payload payload, LogPosition previous) {}

    private final Map<Term, VoterId> leaders = new TreeMap<>();
    private final TreeMap<Long, Committed> committed = new TreeMap<>();
    private final Map<LogPosition, Origin> entries = new HashMap<>();

    /** How often what happened, so that a test can tell that it happened at all. */
    private final TreeMap<String, Integer> seen = new TreeMap<>();

    void count(String what) {
        seen.merge(what, 1, Integer::sum);
    }

    Map<String, Integer> seen() {
        return seen;
    }

    static final class Broken extends AssertionError {
        private static final long serialVersionUID = 1L;

        Broken(String what) {
            super(what);
        }
    }

    private static void check(boolean holds, String promise) {
        if (!holds) throw new Broken(promise);
    }

    /** P1: one leader per term, and it has what was committed in terms before. */
    void leads(RaftState state) {
        var known = leaders.putIfAbsent(state.term(), state.self());
        check(known == null || known.equals(state.self()),
                "P1: term " + state.term() + " has leaders " + known + " and " + state.self());
        if (known != null) return;
        count("leaders");
        for (var fact : committed.values()) {
            if (fact.inTerm().compareTo(state.term()) >= 0) continue;
            boolean has = state.log().contains(fact.entry().position())
                    || state.log().base().last().index() >= fact.entry().index();
            check(has, "P1: leader " + state.self() + " of term " + state.term() + " lacks committed " + fact.entry());
        }
        state.grants().forEach((voter, grant) -> check(
                grant.attachment().equals(Optional.of(new Sample.Report(voter.node(), state.term()))),
                "the grant of " + voter + " carries its own report of this term"));
    }

    /** P1: the same index and term mean the same entry, after the same entry. */
    void stored(Log log) {
        var previous = log.base().last();
        for (var entry : log.entries()) {
            var known = entries.putIfAbsent(entry.position(), new Origin(entry.payload(), previous));
            check(known == null || known.equals(new Origin(entry.payload(), previous)),
                    "P1: two logs differ at or before " + entry.position());
            previous = entry.position();
        }
    }

    /** P1: what is committed at an index is so everywhere and for ever. */
    void commits(RaftState state, Entry entry, Sample.Applied after) {
        var fact = new Committed(entry, state.term(), after.chain());
        var known = committed.putIfAbsent(entry.index(), fact);
        if (known == null) count("commits");
        if (known == null && entry.payload() instanceof Payload.Configure) count("changes of members");
        check(known == null || known.entry().equals(entry),
                "P1: " + state.self() + " commits " + entry + " where another committed " + known);
        check(known == null || known.chain() == after.chain(),
                "P1: " + state.self() + " applied something else before " + entry);
    }

    void installs(RaftState state, Sample.Applied image) {
        var known = committed.get(image.index());
        count("images installed");
        check(known == null || known.chain() == image.chain(),
                "P1: " + state.self() + " was given an image that differs from what was committed");
    }

    /** P2: at the moment a fence opens, or is kept open, all others are closed. */
    void opened(Host opened, Collection<Host> hosts, long realMicros) {
        if (!opened.isOpen(realMicros)) return;
        for (var other : hosts) {
            check(other == opened || !other.isOpen(realMicros),
                    "P2: " + opened + " and " + other + " are open at " + realMicros / 1000 + " ms");
        }
    }
}
