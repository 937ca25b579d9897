package pgreplica.simulator.explore;

import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.FrozenMap;
import pgreplica.base.FrozenSet;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/**
 * What the promises are about and no node remembers.
 *
 * @param leaders by term, as long as some node may still enter that term
 * @param committed where each committed index of the log stands
 * @param timelines which promotion took which number
 * @param opened the WAL with which each primary opened first, by its timeline
 * @param openedTerm the highest term in which a fence was opened
 * @param written commits that clients have asked for
 * @param acknowledged commits that clients were told of
 */
record Ledger(SortedMap<Term, VoterId> leaders, SortedMap<Long, LogPosition> committed,
              SortedMap<Integer, NodeId> timelines, SortedMap<Integer, Wal> opened, Term openedTerm,
              SortedSet<Wal.Commit> written, SortedSet<Wal.Commit> acknowledged) {

    static final Ledger EMPTY = new Ledger(new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), new TreeMap<>(),
            Term.ZERO, new TreeSet<>(), new TreeSet<>());

    Ledger {
        leaders = FrozenMap.of(leaders);
        committed = FrozenMap.of(committed);
        timelines = FrozenMap.of(timelines);
        opened = FrozenMap.of(opened);
        written = FrozenSet.of(written);
        acknowledged = FrozenSet.of(acknowledged);
    }

    private static <K, V> SortedMap<K, V> and(SortedMap<K, V> map, K key, V value) {
        var more = new TreeMap<>(map);
        more.put(key, value);
        return more;
    }

    private static <E> SortedSet<E> and(SortedSet<E> set, E element) {
        var more = new TreeSet<>(set);
        more.add(element);
        return more;
    }

    Ledger led(Term term, VoterId leader) {
        return new Ledger(and(leaders, term, leader), committed, timelines, opened, openedTerm, written, acknowledged);
    }

    Ledger committed(LogPosition position) {
        return new Ledger(leaders, and(committed, position.index(), position), timelines, opened, openedTerm, written,
                acknowledged);
    }

    Ledger promoted(int timeline, NodeId node) {
        return new Ledger(leaders, committed, and(timelines, timeline, node), opened, openedTerm, written,
                acknowledged);
    }

    Ledger opened(Term term, Wal wal) {
        var first = opened.containsKey(wal.branch().timeline()) ? opened : and(opened, wal.branch().timeline(), wal);
        return new Ledger(leaders, committed, timelines, first, term.isAfter(openedTerm) ? term : openedTerm, written,
                acknowledged);
    }

    Ledger written(Wal.Commit commit) {
        return new Ledger(leaders, committed, timelines, opened, openedTerm, and(written, commit), acknowledged);
    }

    Ledger acknowledged(Wal.Commit commit) {
        return new Ledger(leaders, committed, timelines, opened, openedTerm, written, and(acknowledged, commit));
    }

    /** Without what no node can contradict any more. */
    Ledger since(Term everyNode) {
        if (leaders.isEmpty() || leaders.firstKey().compareTo(everyNode) >= 0) return this;
        var rest = new TreeMap<>(leaders);
        while (!rest.isEmpty() && rest.firstKey().compareTo(everyNode) < 0) rest.remove(rest.firstKey());
        return new Ledger(rest, committed, timelines, opened, openedTerm, written, acknowledged);
    }
}
