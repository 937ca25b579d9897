package pgreplica.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import pgreplica.base.FrozenMap;
import pgreplica.base.LogPosition;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.base.Xorshift;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.Gate;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.node.NodeState.Request;
import pgreplica.raft.RaftState;

/**
 * One step in the making: the next state, open to change by the parts of the node in their fixed order, and the
 * actions so far. Lives for one step only; what leaves it is immutable.
 */
final class Turn {
    private final NodeState before;
    Settings settings;
    final long now;
    final List<Action> actions = new ArrayList<>();

    Xorshift random;
    RaftState raft;
    ClusterState cluster;
    LogPosition applied;
    InstanceRecord instance;
    Observation observed;
    boolean seen;
    boolean endSeen;
    Gate gate;
    Errand errand;
    String hold;
    SortedMap<NodeId, Peer> peers;
    private boolean peersChanged;
    final Draft.Leading leadership;
    final Draft.Telling told;
    final SortedMap<Long, Request> requests;
    long nextTicket;

    Turn(NodeState before, long now) {
        this.before = before;
        this.settings = before.settings();
        this.now = now;
        random = before.random();
        raft = before.raft();
        cluster = before.cluster();
        applied = before.applied();
        instance = before.instance();
        observed = before.observed();
        seen = before.seen();
        endSeen = before.endSeen();
        gate = before.gate();
        errand = before.errand();
        hold = before.hold();
        peers = before.peers();
        leadership = new Draft.Leading(before.leadership());
        told = new Draft.Telling(before.told());
        requests = new TreeMap<>(before.requests());
        nextTicket = before.nextTicket();
    }

    NodeStep done() {
        return new NodeStep(new NodeState(settings, random, raft, cluster, applied, instance, observed, seen, endSeen,
                gate, errand, hold, FrozenMap.of(peers), leadership.done(), told.done(),
                FrozenMap.of(requests), nextTicket), List.copyOf(actions));
    }

    void putPeer(NodeId node, Peer peer) {
        peersChanged |= !peer.saysWhatItSaid(peer(node), settings.livelyMillis());
        peers = FrozenMap.with(peers, node, peer);
    }

    /** Whether this step brought a look at the server, made after all earlier actions were carried out. */
    boolean observedAnew() {
        return observed != before.observed();
    }

    /** Whether another node said something new, came or went in this step; that it is still there is nothing new. */
    boolean peersChanged() {
        return peersChanged;
    }

    /** Whether what is told of this node may have become another: everything but the passing of time. */
    boolean factsChanged() {
        return settings != before.settings() || observed != before.observed() || gate != before.gate()
                || errand != before.errand()
                || cluster != before.cluster() || instance != before.instance() || !hold.equals(before.hold())
                || !raft.term().equals(before.raft().term()) || !raft.leader().equals(before.raft().leader())
                || leadership.rule != before.leadership().rule()
                || !leadership.ruleText.equals(before.leadership().ruleText())
                || !told.leaseWhy.equals(before.told().leaseWhy());
    }

    void act(Action action) {
        actions.add(action);
    }

    /** A line for the server log, with the term and the node that make it greppable across the cluster. */
    void log(String text) {
        log(Action.Level.LOG, text);
    }

    void log(Action.Level level, String text) {
        act(new Action.Log(level, "[term " + raft.term() + " node " + self() + "] " + text));
    }

    NodeId self() {
        return settings.self();
    }

    Term term() {
        return raft.term();
    }

    String clusterId() {
        return cluster.founding().isPresent() ? cluster.founding().get().clusterId() : "";
    }

    boolean isMember() {
        return cluster.founding().isPresent();
    }

    Peer peer(NodeId node) {
        return peers.getOrDefault(node, Peer.UNKNOWN);
    }

    void send(NodeId to, PeerMessage message) {
        long number = peer(to).voter().map(VoterId::number).orElse(Envelope.ANY_LIFE);
        sendTo(new VoterId(to, number), message);
    }

    void sendTo(VoterId to, PeerMessage message) {
        act(new Action.Send(to.node(), new Envelope(clusterId(), raft.self(), to, message)));
    }

    void remember(InstanceRecord changed) {
        if (changed.equals(instance)) return;
        instance = changed;
        act(new Action.PersistInstance(changed));
    }

    Optional<NodeId> leaderNode() {
        return raft.leader().map(VoterId::node);
    }

    long wallClockMillis() {
        return now + settings.wallClockOffsetMillis();
    }

    int drawn() {
        random = random.next();
        return random.below(Integer.MAX_VALUE - 1) + 1;
    }
}
