package pgreplica.raft;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** What the tests of this package are made of. */
final class Sample {
    static final RaftSettings SETTINGS = new RaftSettings(1000, 100, 800, 900);
    static final LogPosition FOUNDING = at(1, 1);

    private Sample() {}

    /** A command that says nothing but which one it is. */
    record Cmd(long number) implements Command {}

    /** What a voter says beside its vote here: who says it, and for which term. */
    record Report(NodeId node, Term term) implements Attachment {}

    /** A chain over everything applied: two nodes that applied the same have the same. */
    record Applied(long index, int chain) implements Snapshot {
        static final Applied FOUNDED = new Applied(1, 0);

        Applied after(Entry entry) {
            return new Applied(entry.index(), chain * 31 + entry.toString().hashCode());
        }
    }

    static VoterId voter(int node) {
        return voter(node, 1);
    }

    static VoterId voter(int node, long number) {
        return new VoterId(new NodeId("n" + node), number);
    }

    static LogPosition at(long term, long index) {
        return new LogPosition(new Term(term), index);
    }

    static Configuration voters(int count) {
        var voters = new TreeSet<VoterId>();
        for (int i = 1; i <= count; i++) voters.add(voter(i));
        return new Configuration(voters, new TreeSet<>());
    }

    static Log founded(Configuration founders) {
        return new Log(new SnapshotImage(FOUNDING, founders, Applied.FOUNDED), List.of());
    }

    static Ballot foundersBallot() {
        return new Ballot(new Term(1), Optional.empty());
    }
}
