package pgreplica.node;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.cluster.Ancestry;
import pgreplica.node.PeerMessage.Directive;
import pgreplica.node.PeerMessage.NodeStatus;

/** What a leader whose node is primary does for the other nodes' data: judge it, and say what it should become. */
final class Standbys {
    private Standbys() {}

    static void tend(Turn turn) {
        if (!Leading.serves(turn) || turn.observed.parentTimeline().equals(Timeline.NONE)) {
            dismiss(turn);
            return;
        }
        boolean due = turn.now - turn.told.ordersAtMillis >= turn.settings.statusMillis();
        if (!due && !turn.factsChanged() && !turn.peersChanged()) return;
        checkpoint(turn);
        var admitted = new ArrayList<String>();
        // The primary itself is on the list, so that it is never empty while others may rewind or clone from here.
        admitted.add(Names.replication(turn.self(), turn.instance.identity().incarnation(), turn.observed.timeline()));
        var orders = new ArrayList<PeerMessage.Order>();
        var targets = new ArrayList<NodeId>();
        for (var listed : turn.settings.listed()) {
            var node = listed.node();
            var peer = turn.peer(node);
            boolean known = peer.isFresh(turn.now, turn.settings.electionTimeoutMillis() * 2L);
            if (node.equals(turn.self()) || !known || !Membership.isMember(turn, node)) continue;
            var status = peer.status().get();
            if (!status.term().equals(turn.term()) || !peer.clusterId().equals(turn.clusterId())) continue;
            var directive = judge(turn, peer, status);
            if (directive instanceof Directive.Follow) {
                admitted.add(Names.replication(node, status.incarnation(), turn.observed.timeline()));
            }
            if (isObeyed(turn, status, directive)) continue;
            orders.add(new PeerMessage.Order(turn.term(), directive));
            targets.add(node);
        }
        // Admission comes before the order that makes a standby knock.
        admit(turn, admitted);
        tell(turn, targets, orders);
    }

    /** This node no longer has standbys. */
    static void dismiss(Turn turn) {
        admit(turn, List.of());
    }

    /** Every data node keeps a slot for every other, so that whoever becomes primary has their WAL (lesson 36). */
    static void keepSlots(Turn turn) {
        boolean hasData = turn.isMember() && (turn.observed.isPrimary() || turn.observed.isStandby())
                && turn.instance.explained().contains(turn.observed.timeline());
        if (!hasData || turn.errand.restarting()) return;
        long interval = turn.settings.electionTimeoutMillis() * 10L;
        boolean due = turn.now - turn.told.slotsAtMillis >= interval;
        if (!due && !turn.factsChanged()) return;
        var slots = new ArrayList<Action.Slot>();
        var names = new StringBuilder(turn.observed.isPrimary() ? "primary" : "standby");
        for (var listed : turn.settings.listed()) {
            var node = listed.node();
            if (node.equals(turn.self()) || turn.peer(node).isWitness()) continue;
            var flushed = turn.peer(node).status().map(NodeStatus::flushed).orElse(Lsn.ZERO);
            slots.add(new Action.Slot(Names.slot(node), turn.observed.isPrimary() ? Lsn.ZERO : flushed));
            names.append(' ').append(Names.slot(node));
        }
        if (!due && turn.told.slots.equals(names.toString())) return;
        turn.told.slots = names.toString();
        turn.told.slotsAtMillis = turn.now;
        turn.act(new Action.EnsureSlots(List.copyOf(slots)));
    }

    /** Nobody may rewind from a fresh primary before its checkpoint: pg_rewind would see the old timeline. */
    private static void checkpoint(Turn turn) {
        boolean asked = turn.told.checkpointed.equals(turn.observed.timeline());
        if (turn.observed.checkpointOnTimeline() || asked) return;
        turn.told.checkpointed = turn.observed.timeline();
        turn.act(new Action.Checkpoint());
    }

    private static Directive judge(Turn turn, Peer peer, NodeStatus status) {
        var ancestry = Ancestry.of(turn.cluster, turn.observed.timeline(), turn.observed.parentTimeline(),
                turn.observed.fork());
        var timeline = turn.observed.timeline();
        return switch (status.data()) {
            case UNKNOWN, WORKING, WITNESS -> new Directive.Hold("");
            case UNCLAIMED, STRANGER -> new Directive.Hold("it holds data of system identifier "
                    + status.systemIdentifier() + ", this cluster's is " + turn.observed.systemIdentifier()
                    + "; empty its data directory to have it cloned, or point it at its own cluster");
            case PRISTINE -> new Directive.Clone(turn.self(), timeline, ancestry,
                    "its data directory is fresh");
            case UNEXPLAINED -> new Directive.Clone(turn.self(), timeline, ancestry,
                    "its data is not known to be on the cluster's history");
            case OURS -> judgePosition(turn, peer, status, ancestry);
        };
    }

    private static Directive judgePosition(Turn turn, Peer peer, NodeStatus status, Ancestry ancestry) {
        boolean sealed = status.sealedTerm().isPresent() && status.sealedTerm().get().equals(turn.term());
        if (!sealed || status.report().isEmpty()) return new Directive.Hold("");
        var timeline = turn.observed.timeline();
        var follow = new Directive.Follow(turn.self(), timeline, ancestry);
        boolean attached = status.following().equals(timeline);
        // Also of who follows: what its WAL receiver held while it reported is flushed, and replayed, after that.
        boolean past = ancestry.relationOf(status.timeline(), status.replayed()) != Ancestry.Relation.PREFIX;
        if (attached && past) return rewind(turn, ancestry);
        if (attached) return lostItsWal(turn, peer, status)
                ? new Directive.Clone(turn.self(), timeline, ancestry,
                        "the WAL it needs next, from " + status.flushed() + ", is gone on " + turn.self())
                : follow;

        var report = status.report().get();
        return switch (ancestry.relationOf(report.timeline(), report.end())) {
            case PREFIX -> follow;
            case BEYOND_A_FORK -> {
                // Without proof of where complete records end, only what was replayed says that it is too far (B17).
                yield report.endProven() || past ? rewind(turn, ancestry) : new Directive.Hold("");
            }
            case ELSEWHERE -> rewind(turn, ancestry);
        };
    }

    private static Directive rewind(Turn turn, Ancestry ancestry) {
        if (!turn.observed.checkpointOnTimeline()) return new Directive.Hold("");
        return new Directive.Rewind(turn.self(), turn.observed.timeline(), ancestry);
    }

    /** A standby that stands still below the oldest WAL that is left can only be cloned. */
    private static boolean lostItsWal(Turn turn, Peer peer, NodeStatus status) {
        boolean idle = peer.idleSinceMillis() > 0
                && turn.now - peer.idleSinceMillis() > turn.settings.electionTimeoutMillis() * 3L;
        return idle && turn.observed.oldest().isAfter(status.flushed());
    }

    /** A standby that streams as it should needs no reminder; everything else is repeated until it is so. */
    private static boolean isObeyed(Turn turn, NodeStatus status, Directive directive) {
        return directive instanceof Directive.Follow && status.streaming()
                && status.following().equals(turn.observed.timeline());
    }

    private static void admit(Turn turn, List<String> names) {
        if (turn.told.admitted.equals(names)) return;
        turn.told.admitted = List.copyOf(names);
        turn.act(new Action.AllowReplication(turn.told.admitted));
    }

    private static void tell(Turn turn, List<NodeId> targets, List<PeerMessage.Order> orders) {
        var key = new StringBuilder();
        for (int i = 0; i < orders.size(); i++) {
            key.append(targets.get(i)).append(' ').append(kind(orders.get(i).directive())).append(' ');
        }
        boolean due = turn.now - turn.told.ordersAtMillis >= turn.settings.statusMillis();
        if (!due && turn.told.ordersKey.equals(key.toString())) return;
        turn.told.ordersKey = key.toString();
        turn.told.ordersAtMillis = turn.now;
        for (int i = 0; i < orders.size(); i++) turn.send(targets.get(i), orders.get(i));
    }

    private static String kind(Directive directive) {
        return switch (directive) {
            case Directive.Follow follow -> "follow " + follow.timeline();
            case Directive.Rewind _ -> "rewind";
            case Directive.Clone _ -> "clone";
            case Directive.Hold hold -> "hold " + hold.why();
        };
    }
}
