package pgreplica.node;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.Xorshift;
import pgreplica.cluster.ClusterState;
import pgreplica.cluster.SyncSet;
import pgreplica.instance.Gate;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.raft.RaftState;

/**
 * Everything a node knows. Immutable: between two events this is all that matters, so it can be compared, replayed
 * and explored.
 *
 * @param applied the last entry whose effect {@code cluster} contains
 * @param seen whether {@code observed} was ever filled since the start of the voting core
 * @param endSeen the end of local WAL was proven once since the server started (B1)
 * @param hold why the leader wants this node to stay as it is; empty if it does not
 */
public record NodeState(Settings settings, Xorshift random, RaftState raft, ClusterState cluster,
                        LogPosition applied, InstanceRecord instance, Observation observed, boolean seen,
                        boolean endSeen, Gate gate, Errand errand, String hold, SortedMap<NodeId, Peer> peers,
                        Leadership leadership, Told told, SortedMap<Long, Request> requests, long nextTicket) {

    /**
     * What only a leader needs, and the memory that keeps handing over from going round in circles.
     *
     * @param term the term it belongs to
     * @param sinceMillis since when this node leads in it; 0 while it does not
     * @param summoned this node was told to take over
     * @param vacancy the index of the appointment that {@code tried} and the grace belong to
     * @param tried nodes that leadership was handed to since, the last of them at {@code triedAtMillis}
     * @param graceSinceMillis when the crashed primary was first seen recovering; 0 if it was not (B10)
     * @param rule the rule that decided last, so that a decision is logged once
     * @param appointing this node proposed a reservation in this term: it appoints once
     * @param leaving a primary that gives its place up
     * @param lossAllowed an operator accepts that acknowledged commits may be lost, and waits for the answer
     * @param ailingSinceMillis since when the server here has been found unhealthy; 0 while it is not
     */
    public record Leadership(Term term, long sinceMillis, boolean summoned, long vacancy, SortedSet<NodeId> tried,
                             long triedAtMillis,
                             long graceSinceMillis, int rule, String ruleText, boolean appointing,
                             boolean recordingFork, Optional<Leaving> leaving,
                             boolean lossAllowed, Syncing syncing, long ailingSinceMillis) {}

    /**
     * A primary that gives its place up.
     *
     * @param sinceMillis since when writes have been refused for it
     * @param written where its WAL ended when the fence was seen to be closed: all that was acknowledged is before;
     *     {@link Lsn#ZERO} until then
     */
    public record Leaving(NodeId target, long sinceMillis, Lsn written) {}

    /**
     * A serving leader's work on the sync set.
     *
     * @param target the set that is being changed to
     * @param demanded Postgres uses it, so backends may be asked to acknowledge nothing that it does not confirm
     * @param proposed it is in the log, committed or not
     * @param appliedAt Postgres's position when both were seen to be so; {@link Lsn#ZERO} before, and where the log
     *     comes first
     * @param mustReach the position that a quorum must have before this primary serves
     * @param starvedSinceMillis since when fewer members stream than a commit needs; 0 if enough do
     * @param reliefSinceMillis since when another node could take over meanwhile; 0 if none can
     */
    public record Syncing(Optional<SyncSet> target, boolean demanded, boolean proposed, Lsn appliedAt, Lsn mustReach,
                          boolean reached, long starvedSinceMillis, long reliefSinceMillis) {
        static final Syncing NONE = new Syncing(Optional.empty(), false, false, Lsn.ZERO, Lsn.ZERO, false, 0, 0);

        Syncing withTarget(Optional<SyncSet> next) {
            return new Syncing(next, false, false, Lsn.ZERO, mustReach, reached, starvedSinceMillis, reliefSinceMillis);
        }

        Syncing withDemanded() {
            return new Syncing(target, true, proposed, appliedAt, mustReach, reached, starvedSinceMillis, reliefSinceMillis);
        }

        Syncing withProposed() {
            return new Syncing(target, demanded, true, appliedAt, mustReach, reached, starvedSinceMillis, reliefSinceMillis);
        }

        Syncing withAppliedAt(Lsn mark) {
            return new Syncing(target, demanded, proposed, mark, mustReach, reached, starvedSinceMillis, reliefSinceMillis);
        }

        Syncing withReached(Lsn mark, boolean now) {
            return new Syncing(target, demanded, proposed, appliedAt, mark, now, starvedSinceMillis, reliefSinceMillis);
        }

        Syncing withStarvedSince(long millis, long relievedMillis) {
            return new Syncing(target, demanded, proposed, appliedAt, mustReach, reached, millis, relievedMillis);
        }
    }

    /**
     * What was last told to the host and to the other nodes, so that nothing is said twice without need.
     *
     * @param closedSeen the fence is closed, and what {@code observed} shows was looked at since: nothing is acknowledged
     *     that is not in it
     */
    public record Told(long leaseUntilMillis, String leaseWhy, boolean leaseQuorum, boolean closedSeen, long statusAtMillis,
                       String statusKey, long publishedAtMillis, String publishedKey, String settledKey, long ordersAtMillis, String ordersKey,
                       String slots, long slotsAtMillis, List<String> admitted, Timeline checkpointed,
                       long identityToldAtMillis, long floorAtMillis, Lsn floor, String sync, long syncAtMillis, boolean reads,
                       String collation) {}

    /**
     * A request that waits for its answer: from a client of this node, or forwarded by another one.
     *
     * @param refusal why the leader could not begin it yet; empty if it has begun, or another node leads
     */
    public record Request(long id, Optional<NodeId> origin, boolean lossAllowed, String refusal, long sinceMillis) {
        Request refused(String why) {
            return new Request(id, origin, lossAllowed, why, sinceMillis);
        }
    }
}
