package pgreplica.node;

import java.util.List;
import java.util.Optional;
import pgreplica.base.Division;
import pgreplica.base.NodeId;

/**
 * What the operator configured on this node. All times follow from the election timeout.
 *
 * @param listed {@code pg_replica.nodes}, in its order: the first one founds the cluster
 * @param maxFailoverLagBytes -1: no limit
 * @param witness this node votes, holds no data and is never primary
 */
public record Settings(NodeId self, List<ListedNode> listed, int electionTimeoutMillis, int priority,
                       int crashRestartGraceMillis, long maxFailoverLagBytes, SyncWish sync, boolean witness,
                       String version, Collation collation,
                       boolean preStart, long wallClockOffsetMillis) {

    public record ListedNode(NodeId node, String host, int port, int raftPort) {
        public String address() {
            return host + ":" + port;
        }
    }

    public long heartbeatMillis() {
        return Division.quotient(electionTimeoutMillis, 5);
    }

    /** How often a node tells the others how it is while nothing changes. */
    public long statusMillis() {
        return Division.quotient(electionTimeoutMillis, 2);
    }

    /** A node that was silent for longer than this, on a connection that is up, is frozen or cut off. */
    public long livelyMillis() {
        return Division.quotient(electionTimeoutMillis * 4L, 5);
    }

    /** How long a new leader waits for the report of a node that is connected but has not reported yet. */
    public long reportPatienceMillis() {
        return Division.quotient(electionTimeoutMillis * 3L, 10);
    }

    /** How long commits wait for standbys that are gone before a leader lets them wait for fewer. */
    public long syncPatienceMillis() {
        return electionTimeoutMillis * 5L;
    }

    /** A standby that lags further would hold up whoever waits for it: one WAL segment. */
    public long nearBytes() {
        return 16L * 1024 * 1024;
    }

    /** What a reload can change. */
    Settings with(SyncWish wish, boolean collationMismatchAllowed) {
        return new Settings(self, listed, electionTimeoutMillis, priority, crashRestartGraceMillis, maxFailoverLagBytes,
                wish, witness, version, new Collation(collation.versions(), collationMismatchAllowed), preStart,
                wallClockOffsetMillis);
    }

    public Optional<ListedNode> listedNode(NodeId node) {
        for (var candidate : listed) {
            if (candidate.node().equals(node)) return Optional.of(candidate);
        }
        return Optional.empty();
    }

    /** The list as one text: nodes that found together must agree on it (B13). */
    public String listText() {
        var text = new StringBuilder();
        for (var node : listed) {
            if (!text.isEmpty()) text.append(',');
            text.append(node.node()).append('=').append(node.host()).append(':').append(node.port())
                    .append('/').append(node.raftPort());
        }
        return text.toString();
    }

    public boolean isFounder() {
        return listed.getFirst().node().equals(self);
    }
}
