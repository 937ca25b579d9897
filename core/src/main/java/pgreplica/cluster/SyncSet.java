package pgreplica.cluster;

import static pgreplica.base.Invariant.check;

import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.FrozenSet;
import pgreplica.base.NodeId;

/**
 * Where acknowledged commits may be (safety rule A8): each is on the primary and on {@code standbys} other members, so
 * any {@code |members| - standbys} of them hold it together.
 *
 * @param members every node's data that may hold acknowledged commits, the primary's included; empty while commits
 *     wait for nobody and nothing is promised
 */
public record SyncSet(SortedSet<Member> members, int standbys) {
    public static final SyncSet NONE = new SyncSet(new TreeSet<>(), 0);

    /** One life of a node's data: what replaces it has promised nothing (A9). */
    public record Member(NodeId node, long incarnation) implements Comparable<Member> {
        @Override public int compareTo(Member other) {
            int byNode = node.compareTo(other.node);
            return byNode != 0 ? byNode : Long.compare(incarnation, other.incarnation);
        }

        @Override public String toString() {
            return node + "/" + incarnation;
        }
    }

    public SyncSet {
        members = FrozenSet.of(members);
        check(standbys >= 0 && standbys <= Math.max(0, members.size() - 1),
                "a commit waits for members other than the primary");
    }

    /** Commits wait for standbys. */
    public boolean waits() {
        return standbys > 0;
    }

    /**
     * Valid reports of members, the leader's own included, without which a commit could be missed (R + W > N), unless the
     * last primary's is among them.
     */
    public int reportsNeeded() {
        return members.size() - standbys;
    }

    public boolean has(NodeId node, long incarnation) {
        return members.contains(new Member(node, incarnation));
    }

    public SyncSet with(Member member) {
        var more = new TreeSet<>(members);
        more.add(member);
        return new SyncSet(more, standbys);
    }

    public SyncSet without(Member member) {
        var fewer = new TreeSet<>(members);
        fewer.remove(member);
        return new SyncSet(fewer, standbys);
    }

    public SyncSet withStandbys(int number) {
        return new SyncSet(members, number);
    }

    /**
     * Whether Postgres may still use this setting, or have used it for WAL not confirmed since, while a new leader
     * may find {@code entry}: then every commit that this setting lets pass is in what that leader must hear of.
     */
    public boolean mayRunUnder(SyncSet entry) {
        int outside = 0;
        for (var member : members) {
            if (!entry.members.contains(member)) outside++;
        }
        return entry.standbys == 0 || standbys - outside >= entry.standbys;
    }

    @Override public String toString() {
        var text = new StringBuilder().append(standbys).append(" standbys of the set {");
        boolean first = true;
        for (var member : members) {
            if (!first) text.append(", ");
            first = false;
            text.append(member);
        }
        return text.append('}').toString();
    }
}
