package pgreplica.raft;

import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import pgreplica.base.FrozenMap;
import pgreplica.base.NodeId;
import pgreplica.base.Term;

/**
 * One deadline per node, which only grows: terms, votes and roles never shorten it (A5).
 *
 * @param toEveryoneUntilMillis a voter that starts does not know what it promised before, so it counts as
 *     having just promised everybody (A4)
 */
public record Promises(long toEveryoneUntilMillis, SortedMap<NodeId, Promise> byNode) {
    public Promises {
        byNode = FrozenMap.of(byNode);
    }

    static Promises toEveryoneUntil(long millis) {
        return new Promises(millis, new TreeMap<>());
    }

    Promises extended(NodeId node, long untilMillis, Term term) {
        var known = byNode.get(node);
        var promise = known == null ? new Promise(untilMillis, term) : known.extendedTo(untilMillis, term);
        return new Promises(toEveryoneUntilMillis, FrozenMap.with(byNode, node, promise));
    }

    /**
     * When everything promised to nodes other than the candidate has run out. A release cancels what was
     * promised to the node that gave it; a promise renewed in a later term than the release stands whole.
     */
    long toOthersUntilMillis(NodeId candidate, Optional<Release> release) {
        long until = toEveryoneUntilMillis;
        for (var made : byNode.entrySet()) {
            if (made.getKey().equals(candidate)) continue;
            if (release.isPresent() && cancels(release.get(), made.getKey(), made.getValue())) continue;
            if (made.getValue().untilMillis() > until) until = made.getValue().untilMillis();
        }
        return until;
    }

    private static boolean cancels(Release release, NodeId node, Promise promise) {
        return release.releasedBy().node().equals(node) && !promise.term().isAfter(release.term());
    }
}
