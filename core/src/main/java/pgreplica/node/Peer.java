package pgreplica.node;

import java.util.Optional;
import pgreplica.base.VoterId;
import pgreplica.instance.DataCondition;
import pgreplica.node.PeerMessage.NodeStatus;

/**
 * Another node as this one sees it.
 *
 * @param voter which life of it spoke last
 * @param clusterId of that life; empty while it belongs to no cluster
 * @param idleSinceMillis since when it has been told to stream but its position stands still without a stream
 * @param levelAtMillis when its flushed position was last seen not to be behind the primary's, and of the primary: when
 *     this node's was; 0: never
 * @param confirmedAtMillis when it last confirmed more WAL of the primary here, or had nothing left to confirm; 0: never
 */
public record Peer(boolean connected, Optional<VoterId> voter, String clusterId, Optional<NodeStatus> status,
                   long heardAtMillis, long idleSinceMillis, long levelAtMillis, long confirmedAtMillis) {
    static final Peer UNKNOWN = new Peer(false, Optional.empty(), "", Optional.empty(), 0, 0, 0, 0);

    Peer withConnected(boolean now) {
        return new Peer(now, voter, clusterId, status, heardAtMillis, idleSinceMillis, levelAtMillis,
                confirmedAtMillis);
    }

    Peer heard(VoterId from, String cluster, NodeStatus said, long nowMillis) {
        return new Peer(connected, Optional.of(from), cluster, Optional.of(said), nowMillis, idleSinceMillis,
                levelAtMillis, confirmedAtMillis);
    }

    Peer withIdleSince(long sinceMillis) {
        return new Peer(connected, voter, clusterId, status, heardAtMillis, sinceMillis, levelAtMillis,
                confirmedAtMillis);
    }

    Peer withLevelAt(long nowMillis) {
        return new Peer(connected, voter, clusterId, status, heardAtMillis, idleSinceMillis, nowMillis,
                confirmedAtMillis);
    }

    Peer withConfirmedAt(long nowMillis) {
        return new Peer(connected, voter, clusterId, status, heardAtMillis, idleSinceMillis, levelAtMillis, nowMillis);
    }

    /** Whether nothing is new but that it was heard again, before anybody could take it for lost. */
    boolean saysWhatItSaid(Peer before, long patienceMillis) {
        return connected == before.connected && voter.equals(before.voter) && clusterId.equals(before.clusterId)
                && status.equals(before.status) && heardAtMillis - before.heardAtMillis <= patienceMillis;
    }

    boolean isWitness() {
        return status.isPresent() && status.get().data() == DataCondition.WITNESS;
    }

    /** Whether what it last said may still be true. */
    boolean isFresh(long nowMillis, long patienceMillis) {
        return connected && status.isPresent() && nowMillis - heardAtMillis <= patienceMillis;
    }
}
