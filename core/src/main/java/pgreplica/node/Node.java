package pgreplica.node;

import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.Division;
import pgreplica.base.Lsn;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;
import pgreplica.base.Xorshift;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.Gate;
import pgreplica.instance.Observation;
import pgreplica.node.NodeState.Leadership;
import pgreplica.node.NodeState.Syncing;
import pgreplica.node.NodeState.Told;
import pgreplica.raft.Input;
import pgreplica.raft.Raft;
import pgreplica.raft.RaftSettings;

/**
 * One node of the cluster: consensus, its own Postgres, and, while it leads, the failover policy. Every event first
 * reaches the part it is for; then all parts look at the new facts in one fixed order.
 */
public final class Node {
    private Node() {}

    public static NodeStep start(Settings settings, StoredFiles files, long seed, long nowMillis) {
        var random = Xorshift.of(seed);
        var self = files.self().orElse(new VoterId(settings.self(), random.state() >>> 1));
        var raft = Raft.start(self, files.ballot(), files.log(), timing(settings), nowMillis, random.next().state());
        var cluster = (ClusterState) files.log().base().snapshot();
        var state = new NodeState(settings, random.next().next(), raft, cluster, files.log().base().last(),
                files.instance(), Observation.NOTHING, false, false, Gate.CLOSED, Errand.NONE, "", new TreeMap<>(),
                noLeadership(Term.ZERO, nowMillis),
                new Told(0, "", false, false, 0, "", 0, "", "", 0, "", "", 0, List.of(), Timeline.NONE, 0, 0, Lsn.ZERO,
                        Observation.SYNC_UNKNOWN, 0, false, ""),
                new TreeMap<>(), 1);
        var turn = new Turn(state, nowMillis);
        if (files.self().isEmpty()) turn.act(new Action.PersistBallot(files.ballot()));
        turn.act(new Action.SetLease(0, raft.term(), "this node has just started", false));
        turn.act(new Action.AllowReplication(List.of()));
        tend(turn);
        return turn.done();
    }

    public static NodeStep step(NodeState before, long nowMillis, Event event) {
        // A clock that seems to go back is the host's mistake; treating it as standing still keeps every promise.
        var turn = new Turn(before, nowMillis);
        switch (event) {
            case Event.TimePassed() -> {}
            case Event.MessageReceived(var from, var envelope) -> Post.receive(turn, from, envelope);
            case Event.PeerConnected(var node) -> {
                turn.putPeer(node, turn.peer(node).withConnected(true));
                Gossip.tellStatus(turn, node);
                Consensus.feed(turn, new Input.Reached(node));
            }
            case Event.PeerLost(var node, var processGone) -> {
                turn.putPeer(node, turn.peer(node).withConnected(false));
                if (processGone) Consensus.feed(turn, new Input.ProcessGone(node));
            }
            case Event.Observed(var observation) -> OwnServer.observe(turn, observation);
            case Event.Sealed(var term, var closed, var observation) ->
                    OwnServer.sealed(turn, term, closed, observation);
            case Event.TaskDone(var task, var ok, var detail) -> OwnServer.taskDone(turn, task, ok, detail);
            case Event.Requested(var id, var verb, var arguments) -> Requests.ask(turn, id, verb, arguments);
            case Event.WorkProgress(var work, var phase, var done, var total) ->
                    OwnServer.workProgress(turn, work, phase, done, total);
            case Event.Configured(var sync, var mismatchAllowed) ->
                    turn.settings = turn.settings.with(sync, mismatchAllowed);
        }
        // Every event carries the time; what it brought counts before what is overdue.
        boolean overdue = turn.raft.deadlineMillis() <= turn.now;
        if (overdue || event instanceof Event.TimePassed) Consensus.feed(turn, new Input.TimePassed());
        tend(turn);
        return turn.done();
    }

    private static void tend(Turn turn) {
        OwnServer.tend(turn);
        Membership.tend(turn);
        Leading.tend(turn);
        Standbys.keepSlots(turn);
        Requests.tend(turn);
        Quorum.tend(turn);
        Lease.tend(turn);
        Consensus.compact(turn);
        Collations.tend(turn);
        Gossip.tend(turn);
        Publisher.tend(turn);
        turn.act(new Action.WakeAt(nextWake(turn)));
    }

    private static long nextWake(Turn turn) {
        long wake = Math.min(turn.raft.deadlineMillis(), Math.min(Gossip.dueMillis(turn), Requests.dueMillis(turn)));
        long othersOver = turn.raft.othersLeaseOverAtMillis();
        if (turn.raft.isLeader() && othersOver > turn.now) wake = Math.min(wake, othersOver);
        return Math.max(wake, turn.now + 1);
    }

    /** Everything follows from the election timeout. */
    static RaftSettings timing(Settings settings) {
        long election = settings.electionTimeoutMillis();
        long heartbeat = settings.heartbeatMillis();
        long lease = Division.quotient(election * 4, 5);
        // A promise is longer than the lease by 1 %, the stated bound on how much two clocks' rates may differ.
        long promise = lease + Division.quotient(lease, 100) + 1;
        return new RaftSettings(election, heartbeat, lease, promise);
    }

    static Leadership noLeadership(Term term, long nowMillis) {
        return new Leadership(term, nowMillis, false, -1, new TreeSet<>(), 0, 0, 0, "", false, false,
                Optional.empty(), false, Syncing.NONE, 0);
    }

}
