package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The WAL on one node's disk, by its true identity: not the timeline number, which two promotions could share by
 * mistake, but the promotion that wrote it. Two nodes hold the same bytes where they hold the same branch.
 */
final class Wal {
    /**
     * What one promotion (or one initdb) has written.
     *
     * @param recordEnds where complete records end
     */
    record Branch(long id, int timeline, int parentTimeline, long start, TreeSet<Long> recordEnds) {
        long completeUpTo(long lsn) {
            var end = recordEnds.floor(lsn);
            return end == null ? start : end;
        }
    }

    record Piece(Branch branch, long start, long end) {}

    private final List<Piece> pieces;

    private Wal(List<Piece> pieces) {
        this.pieces = new ArrayList<>(pieces);
    }

    static Wal of(Branch branch) {
        return new Wal(List.of(new Piece(branch, branch.start(), branch.start())));
    }

    Wal copy() {
        return new Wal(pieces);
    }

    Branch branch() {
        return pieces.getLast().branch();
    }

    int timeline() {
        return branch().timeline();
    }

    /** End of what is flushed, possibly in the middle of a record. */
    long end() {
        return pieces.getLast().end();
    }

    long completeEnd() {
        return branch().completeUpTo(end());
    }

    /** The primary writes one record. */
    void write(int length) {
        branch().recordEnds().add(end() + length);
        extendTo(end() + length);
    }

    private void extendTo(long end) {
        var last = pieces.removeLast();
        pieces.add(new Piece(last.branch(), last.start(), end));
    }

    /** What a standby does with an incomplete record at its end when it starts over from the last complete one. */
    void cutIncompleteRecord() {
        extendTo(completeEnd());
    }

    /** A promotion: the new branch leaves at the last complete record. */
    void fork(Branch branch) {
        cutIncompleteRecord();
        pieces.add(new Piece(branch, branch.start(), branch.start()));
    }

    /** Whether everything complete here is also in {@code other} (P7). */
    boolean isPrefixOf(Wal other) {
        if (pieces.size() > other.pieces.size()) return false;
        for (int i = 0; i < pieces.size(); i++) {
            var mine = pieces.get(i);
            var theirs = other.pieces.get(i);
            if (mine.branch().id() != theirs.branch().id()) return false;
            boolean last = i == pieces.size() - 1;
            long end = last ? completeEnd() : mine.end();
            if (last ? end > theirs.end() : end != theirs.end()) return false;
        }
        return true;
    }

    /** Streams the next bytes of {@code source}, at most {@code bytes}; this must be a prefix of it. */
    void receive(Wal source, long bytes) {
        long rest = bytes;
        while (rest > 0) {
            int at = pieces.size() - 1;
            var theirs = source.pieces.get(at);
            long more = Math.min(rest, theirs.end() - end());
            if (more > 0) extendTo(end() + more);
            rest -= Math.max(more, 0);
            boolean reachedEnd = end() >= theirs.end();
            if (!reachedEnd || at + 1 >= source.pieces.size()) return;
            var next = source.pieces.get(at + 1);
            pieces.add(new Piece(next.branch(), next.start(), next.start()));
        }
    }

    boolean contains(Branch branch, long lsn) {
        for (var piece : pieces) {
            if (piece.branch().id() == branch.id()) return piece.end() >= lsn;
        }
        return false;
    }

    /** As reports are compared: the later timeline, then the further end (A2). */
    int compareProgress(Wal other) {
        int byTimeline = Integer.compare(timeline(), other.timeline());
        return byTimeline != 0 ? byTimeline : Long.compare(completeEnd(), other.completeEnd());
    }

    @Override public String toString() {
        return "timeline " + timeline() + " up to " + Long.toHexString(completeEnd());
    }
}
