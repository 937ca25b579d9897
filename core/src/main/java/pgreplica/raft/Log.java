package pgreplica.raft;

import static pgreplica.base.Invariant.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;

/** The replicated log: an image of everything up to some entry, and the entries after it. */
public record Log(SnapshotImage base, List<Entry> entries) {
    public Log {
        entries = List.copyOf(entries);
        var previous = base.last();
        for (var entry : entries) {
            check(entry.index() == previous.index() + 1, "entries follow each other without a gap");
            check(!previous.term().isAfter(entry.term()), "terms in the log never go down");
            previous = entry.position();
        }
    }

    /**
     * The log of a node that nobody has admitted yet. It gets the members, and all else, from a leader; so a
     * founder's log begins behind START, or a leader would take it that this node has what was founded.
     */
    public static Log blank(Snapshot snapshot) {
        return new Log(new SnapshotImage(LogPosition.START, Configuration.EMPTY, snapshot), List.of());
    }

    public long firstIndex() {
        return base.last().index() + 1;
    }

    public LogPosition last() {
        return entries.isEmpty() ? base.last() : entries.get(entries.size() - 1).position();
    }

    /** Whether {@link #entry} has this index. */
    public boolean has(long index) {
        return index >= firstIndex() && index <= last().index();
    }

    public Entry entry(long index) {
        check(has(index), "an entry is asked for only where the log has it");
        return entries.get((int) (index - firstIndex()));
    }

    /** Where the log is at {@code index}, the base included; empty before and after what it knows. */
    public Optional<LogPosition> positionAt(long index) {
        if (index == base.last().index()) return Optional.of(base.last());
        return has(index) ? Optional.of(entry(index).position()) : Optional.empty();
    }

    public boolean contains(LogPosition position) {
        return positionAt(position.index()).equals(Optional.of(position));
    }

    /** At most {@code limit} entries from {@code index} on. */
    public List<Entry> from(long index, int limit) {
        var found = new ArrayList<Entry>();
        for (long i = index; i <= last().index() && found.size() < limit; i++) found.add(entry(i));
        return found;
    }

    public Log append(Entry entry) {
        var more = new ArrayList<>(entries);
        more.add(entry);
        return new Log(base, more);
    }

    /** Without the entry at {@code index} and all behind it. */
    public Log truncatedBefore(long index) {
        check(index >= firstIndex(), "what an image stands for is never cut off");
        return new Log(base, entries.subList(0, (int) (index - firstIndex())));
    }

    /** The base becomes the state after {@code index}; the entries up to it go. */
    public Log compacted(long index, Snapshot snapshot) {
        var image = new SnapshotImage(entry(index).position(), configurationAt(index), snapshot);
        return new Log(image, entries.subList((int) (index - firstIndex()) + 1, entries.size()));
    }

    /** The members from the newest entry that names them, committed or not (§6). */
    public Configuration configuration() {
        return configurationAt(last().index());
    }

    public Configuration configurationAt(long index) {
        for (int i = entries.size() - 1; i >= 0; i--) {
            var entry = entries.get(i);
            if (entry.index() > index) continue;
            if (entry.payload() instanceof Payload.Configure(var configuration)) return configuration;
        }
        return base.configuration();
    }

    /** Index of the entry that {@link #configuration} comes from; the base's own if it is from there. */
    public long configurationIndex() {
        for (int i = entries.size() - 1; i >= 0; i--) {
            if (entries.get(i).payload() instanceof Payload.Configure) return entries.get(i).index();
        }
        return base.last().index();
    }

    /** Where the term of the entry at {@code index} begins, as far as the log goes back. */
    long firstIndexOfTermAt(long index) {
        Term term = entry(index).term();
        long first = index;
        while (has(first - 1) && entry(first - 1).term().equals(term)) first--;
        return first;
    }
}
