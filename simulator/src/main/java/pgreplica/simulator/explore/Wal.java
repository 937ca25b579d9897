package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;

/**
 * The WAL on one node's disk, counted in records, by its true identity: two nodes hold the same bytes where they hold
 * the same branch. Records are large, so that no tolerance of the core for incomplete pages hides one.
 */
record Wal(List<Piece> pieces) {
    private static final long START = 0x1000000;
    private static final long RECORD_BYTES = 0x200000;

    /** What one promotion, or the initdb, has written from {@code start} on. */
    record Branch(int timeline, NodeId by, int parent, int start) implements Comparable<Branch> {
        @Override public int compareTo(Branch other) {
            int byTimeline = Integer.compare(timeline, other.timeline);
            if (byTimeline != 0) return byTimeline;
            int byNode = by.compareTo(other.by);
            if (byNode != 0) return byNode;
            int byParent = Integer.compare(parent, other.parent);
            return byParent != 0 ? byParent : Integer.compare(start, other.start);
        }

        @Override public String toString() {
            return by + "'s timeline " + timeline;
        }
    }

    record Piece(Branch branch, int end) {}

    /** A record that a client may have been told of. */
    record Commit(Branch branch, int end) implements Comparable<Commit> {
        @Override public int compareTo(Commit other) {
            int byBranch = branch.compareTo(other.branch);
            return byBranch != 0 ? byBranch : Integer.compare(end, other.end);
        }

        @Override public String toString() {
            return "record " + end + " of " + branch;
        }
    }

    Wal {
        pieces = List.copyOf(pieces);
    }

    static Wal initial(NodeId node) {
        return new Wal(List.of(new Piece(new Branch(1, node, 0, 0), 1)));
    }

    static Lsn lsn(int records) {
        return new Lsn(START + records * RECORD_BYTES);
    }

    Branch branch() {
        return pieces.getLast().branch();
    }

    int end() {
        return pieces.getLast().end();
    }

    Wal written() {
        return withLast(new Piece(branch(), end() + 1));
    }

    /** A promotion writes the first record of its timeline itself. */
    Wal promoted(int timeline, NodeId by) {
        return withMore(new Branch(timeline, by, branch().timeline(), end()));
    }

    private Wal withLast(Piece piece) {
        var changed = new ArrayList<>(pieces);
        changed.set(changed.size() - 1, piece);
        return new Wal(changed);
    }

    private Wal withMore(Branch branch) {
        var changed = new ArrayList<>(pieces);
        changed.add(new Piece(branch, branch.start() + 1));
        return new Wal(changed);
    }

    /** Whether everything here is also in {@code other}, which then may go on elsewhere (P7). */
    boolean isPrefixOf(Wal other) {
        if (pieces.size() > other.pieces.size()) return false;
        for (int i = 0; i < pieces.size(); i++) {
            var mine = pieces.get(i);
            var theirs = other.pieces.get(i);
            if (!mine.branch().equals(theirs.branch())) return false;
            boolean last = i == pieces.size() - 1;
            if (last ? mine.end() > theirs.end() : mine.end() != theirs.end()) return false;
        }
        return true;
    }

    /** With the next record of {@code source}; this is a prefix of it and not all of it. */
    Wal receivedFrom(Wal source) {
        var theirs = source.pieces.get(pieces.size() - 1);
        return end() < theirs.end() ? written() : withMore(source.pieces.get(pieces.size()).branch());
    }

    boolean contains(Commit commit) {
        for (var piece : pieces) {
            if (piece.branch().equals(commit.branch())) return piece.end() >= commit.end();
        }
        return false;
    }

    @Override public String toString() {
        return "timeline " + branch().timeline() + " up to record " + end();
    }
}
