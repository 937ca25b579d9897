package pgreplica.node;

import static pgreplica.base.Invariant.check;

import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.Division;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.SyncSet;
import pgreplica.cluster.SyncSet.Member;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Receiver;
import pgreplica.node.NodeState.Syncing;
import pgreplica.node.PeerMessage.NodeStatus;

/**
 * Keeps what Postgres waits for before it acknowledges a commit, and what the Raft log says of it, so close to each
 * other that every election meets every acknowledged commit (A8, A13).
 */
final class Quorum {
    private Quorum() {}

    static void tend(Turn turn) {
        if (turn.settings.preStart() || !turn.isMember()) return;
        if (Leading.serves(turn)) {
            noteStarved(turn);
            change(turn);
        }
        ask(turn);
        allowReads(turn);
    }

    // ---- what others ask ---------------------------------------------------------------------

    /**
     * Whether enough members of the sync set have this primary's WAL beyond the point where it took over. Before that
     * it serves nobody, and its timeline is not yet history (A2b).
     */
    static boolean reached(Turn turn) {
        return !turn.cluster.sync().waits() || turn.leadership.syncing.reached();
    }

    /** Why this primary may not accept writes yet; empty if it may. */
    static String obstacle(Turn turn) {
        var sync = turn.cluster.sync();
        if (turn.told.leaseUntilMillis > 0) return ""; // What is open stays so while one valid setting replaces another.
        if (!sync.waits()) {
            boolean strict = turn.settings.sync().mode() == SyncWish.Mode.QUORUM && wanted(turn) > 0;
            return strict ? "pg_replica.sync_mode is quorum, and no quorum of standbys streams yet" : "";
        }
        return isInForce(turn, sync) || isTargetInForce(turn) ? "" : "synchronous_standby_names is not in force yet";
    }

    /** A commit may be acknowledged only when a quorum has confirmed it. */
    static boolean decides(Turn turn) {
        return turn.cluster.sync().waits() || turn.leadership.syncing.demanded();
    }

    private static boolean isTargetInForce(Turn turn) {
        var target = turn.leadership.syncing.target();
        return target.isPresent() && isInForce(turn, target.get());
    }

    /** In a word for {@code status()}. */
    static String mode(Turn turn) {
        return switch (turn.settings.sync().mode()) {
            case OFF -> "off";
            case QUORUM -> "quorum";
            case QUORUM_AVAILABLE -> "quorum_available";
        };
    }

    /** What commits wait for, and what is missing. */
    static String state(Turn turn) {
        var sync = turn.cluster.sync();
        if (!sync.waits()) return turn.settings.sync().mode() == SyncWish.Mode.OFF ? "" : "commits wait for no standby";
        var setting = setting(turn, sync);
        if (!turn.observed.isPrimary()) return setting;
        int answering = answering(turn, sync);
        boolean starved = answering < sync.standbys();
        return setting + (starved ? ": only " + answering + " of them answer, commits wait" : "");
    }

    // ---- the leader's side -------------------------------------------------------------------

    /** Before the rules, so that the step that sees it also writes the fork down. */
    static void noteReached(Turn turn) {
        var syncing = turn.leadership.syncing;
        if (syncing.reached()) return;
        var mark = syncing.mustReach().equals(Lsn.ZERO) ? turn.observed.flushed() : syncing.mustReach();
        var sync = turn.cluster.sync();
        boolean reached = confirming(turn, sync, mark) >= sync.standbys();
        turn.leadership.syncing = syncing.withReached(mark, reached);
        // Nobody can write before, so it is looked for at once and not at the next tick.
        if (!reached && turn.observedAnew()) OwnServer.flushWal(turn);
    }

    /** Since when fewer members answer than a commit needs, and another node could do better (B9). */
    private static void noteStarved(Turn turn) {
        var syncing = turn.leadership.syncing;
        var sync = turn.cluster.sync();
        boolean starved = answering(turn, sync) < sync.standbys();
        boolean relief = starved && Outlook.bestOther(turn).isPresent();
        turn.leadership.syncing = syncing.withStarvedSince(since(turn, starved, syncing.starvedSinceMillis()),
                since(turn, relief, syncing.reliefSinceMillis()));
    }

    private static long since(Turn turn, boolean now, long beforeMillis) {
        if (!now) return 0;
        return beforeMillis == 0 ? turn.now : beforeMillis;
    }

    private static boolean isStarvedFor(Turn turn, long millis) {
        return hasLasted(turn, turn.leadership.syncing.starvedSinceMillis(), millis);
    }

    /** Who has just come back gets as long as any other to stream from here, before it is asked to take over. */
    static boolean awaitsReliefFor(Turn turn, long millis) {
        return hasLasted(turn, turn.leadership.syncing.reliefSinceMillis(), millis);
    }

    private static boolean hasLasted(Turn turn, long sinceMillis, long millis) {
        return sinceMillis > 0 && turn.now - sinceMillis >= millis;
    }

    /** One change at a time, and each in the order that keeps every setting in use valid under every entry (A8). */
    private static void change(Turn turn) {
        var committed = turn.cluster.sync();
        var syncing = turn.leadership.syncing;
        if (syncing.target().isPresent()) {
            if (syncing.target().get().equals(committed)) turn.leadership.syncing = syncing.withTarget(Optional.empty());
            else if (!syncing.proposed()) applyFirst(turn, syncing.target().get());
            return;
        }
        boolean settled = turn.raft.lastPosition().index() == turn.raft.commitIndex() && isInForce(turn, committed);
        if (!settled) return;
        var next = next(turn, committed);
        if (next.isEmpty()) return;
        turn.leadership.syncing = syncing.withTarget(next);
        if (committed.mayRunUnder(next.get())) {
            propose(turn, next.get());
        } else {
            check(next.get().mayRunUnder(committed), "a sync set changes so that old and new quorums meet (A8)");
        }
    }

    /** Postgres waits by the new setting before the log says so; all that was confirmed by the old one comes along. */
    private static void applyFirst(Turn turn, SyncSet target) {
        var next = next(turn, turn.cluster.sync());
        boolean wanted = next.isPresent() && next.get().waits() && answering(turn, target) >= target.standbys();
        if (!wanted) {
            turn.leadership.syncing = turn.leadership.syncing.withTarget(Optional.empty());
            return;
        }
        if (!isInForce(turn, target)) return;
        var syncing = turn.leadership.syncing.withDemanded();
        turn.leadership.syncing = syncing;
        // A commit that did not wait is acknowledged until the backends know; only what is seen after that bounds it.
        boolean known = turn.told.leaseQuorum && (turn.observedAnew() || syncing.appliedAt().isAfter(Lsn.ZERO));
        if (!known) return;
        var mark = syncing.appliedAt().equals(Lsn.ZERO) ? turn.observed.flushed() : syncing.appliedAt();
        turn.leadership.syncing = syncing.withAppliedAt(mark);
        if (confirming(turn, target, mark) >= target.standbys()) propose(turn, target);
    }

    private static void propose(Turn turn, SyncSet next) {
        turn.leadership.syncing = turn.leadership.syncing.withProposed();
        Consensus.propose(turn, new ClusterCommand.SetSync(next));
    }

    /** The next step from what is committed towards what the operator wants; empty when it is reached, or must wait. */
    private static Optional<SyncSet> next(Turn turn, SyncSet sync) {
        int wanted = wanted(turn);
        if (wanted == 0) return sync.equals(SyncSet.NONE) ? Optional.empty() : Optional.of(SyncSet.NONE);

        var own = new Member(turn.self(), turn.instance.identity().incarnation());
        var ready = ready(turn);
        boolean available = turn.settings.sync().mode() == SyncWish.Mode.QUORUM_AVAILABLE;
        if (!sync.waits()) {
            if (ready.size() < (available ? 1 : wanted)) return Optional.empty();
            ready.add(own);
            return Optional.of(new SyncSet(ready, Math.min(wanted, ready.size() - 1)));
        }
        int answering = answering(turn, sync);
        boolean shrink = available && isStarvedFor(turn, turn.settings.syncPatienceMillis());
        if (sync.standbys() > wanted || shrink) return Optional.of(lowered(sync, own));
        // Every member that answers is one that stays: while too few do, data that is gone keeps its place.
        for (var member : sync.members()) {
            boolean spare = answering >= sync.standbys() && sync.members().size() - 1 > sync.standbys();
            if (spare && isReplaced(turn, member)) return Optional.of(sync.without(member));
        }
        for (var member : ready) {
            if (!sync.members().contains(member)) return Optional.of(sync.with(member));
        }
        boolean grow = sync.standbys() < wanted && answering > sync.standbys();
        return grow ? Optional.of(sync.withStandbys(sync.standbys() + 1)) : Optional.empty();
    }

    /** With nobody to wait for, the primary alone has all commits, and an election needs its report and no other. */
    private static SyncSet lowered(SyncSet sync, Member own) {
        if (sync.standbys() > 1) return sync.withStandbys(sync.standbys() - 1);
        var alone = new TreeSet<Member>();
        alone.add(own);
        return new SyncSet(alone, 0);
    }

    /**
     * How many standbys a commit should wait for: as many nodes as may fail, so that any majority of voters holds a
     * member that has it (B7). Who lost its Raft state is listed and no voter until it is admitted anew; what was
     * confirmed becomes no less safe for that (A11).
     */
    private static int wanted(Turn turn) {
        if (turn.settings.sync().mode() == SyncWish.Mode.OFF) return 0;
        var nodes = new TreeSet<NodeId>();
        for (var voter : turn.raft.configuration().voters()) nodes.add(voter.node());
        for (var listed : turn.settings.listed()) nodes.add(listed.node());
        int others = 0;
        for (var node : nodes) {
            if (!node.equals(turn.self()) && !turn.peer(node).isWitness()) others++;
        }
        int minority = (int) Division.quotient(nodes.size() - 1, 2);
        return Math.min(Math.max(turn.settings.sync().standbys(), minority), others);
    }

    /** Standbys that may join: they answer and lag by little. */
    private static SortedSet<Member> ready(Turn turn) {
        var ready = new TreeSet<Member>();
        for (var voter : turn.raft.configuration().voters()) {
            var node = voter.node();
            var status = turn.peer(node).status();
            if (node.equals(turn.self()) || status.isEmpty()) continue;
            var member = new Member(node, status.get().incarnation());
            var flushed = confirmed(turn, member);
            boolean close = answers(turn, member)
                    && turn.observed.flushed().bytesAfter(flushed) <= turn.settings.nearBytes();
            if (close) ready.add(member);
        }
        return ready;
    }

    /** The node says that its data is another one now: what this member had is gone. */
    private static boolean isReplaced(Turn turn, Member member) {
        if (member.node().equals(turn.self())) return member.incarnation() != turn.instance.identity().incarnation();
        var peer = turn.peer(member.node());
        return peer.isFresh(turn.now, turn.settings.syncPatienceMillis())
                && peer.status().map(NodeStatus::incarnation).orElse(0L) != member.incarnation();
    }

    /** How many members of {@code sync} go on confirming. */
    private static int answering(Turn turn, SyncSet sync) {
        int count = 0;
        for (var member : sync.members()) {
            if (!member.node().equals(turn.self()) && answers(turn, member)) count++;
        }
        return count;
    }

    /** Postgres keeps a stream that brings nothing for {@code wal_sender_timeout}, a minute: silence is judged here (B9). */
    private static boolean answers(Turn turn, Member member) {
        var flushed = confirmed(turn, member);
        if (flushed.equals(Lsn.ZERO)) return false;
        boolean all = !turn.observed.flushed().isAfter(flushed);
        return all || turn.now - turn.peer(member.node()).confirmedAtMillis() <= turn.settings.livelyMillis();
    }

    /** Notes who has confirmed something since the last look, or had nothing left to confirm then. */
    static void noteConfirmed(Turn turn, Observation before) {
        if (!turn.observed.isPrimary()) return;
        for (var node : turn.settings.listed()) {
            var peer = turn.peer(node.node());
            if (peer.status().isEmpty()) continue;
            var member = new Member(node.node(), peer.status().get().incarnation());
            var name = Names.replication(member.node(), member.incarnation(), before.timeline());
            boolean stalled = before.flushed().isAfter(confirmed(before, name))
                    && !confirmed(turn, member).isAfter(confirmed(before, name));
            if (!stalled) turn.putPeer(node.node(), peer.withConfirmedAt(turn.now));
        }
    }

    /** How many members of {@code sync} stream from here and have flushed everything up to {@code position}. */
    private static int confirming(Turn turn, SyncSet sync, Lsn position) {
        int count = 0;
        for (var member : sync.members()) {
            if (member.node().equals(turn.self())) continue;
            var flushed = confirmed(turn, member);
            if (flushed.isAfter(Lsn.ZERO) && !position.isAfter(flushed)) count++;
        }
        return count;
    }

    /** Under its full name, so that a standby of another timeline or life of its data is not counted (A1). */
    private static Lsn confirmed(Turn turn, Member member) {
        return confirmed(turn.observed, Names.replication(member.node(), member.incarnation(), turn.observed.timeline()));
    }

    private static Lsn confirmed(Observation observed, String name) {
        for (Receiver receiver : observed.receivers()) {
            if (receiver.applicationName().equals(name)) return receiver.flushed();
        }
        return Lsn.ZERO;
    }

    // ---- every node --------------------------------------------------------------------------

    /** Postgres has the setting before it is promoted, and every standby keeps it (A13). */
    private static void ask(Turn turn) {
        // A node that has just started, or a leader of a new term, may not know all that is committed.
        boolean current = turn.raft.commitIndex() == turn.raft.lastPosition().index()
                && turn.raft.leader().isPresent();
        if (!current) return;
        var syncing = turn.leadership.syncing;
        // What was proposed is committed by now.
        boolean applies = syncing.target().isPresent() && !syncing.proposed();
        var wanted = setting(turn, applies ? syncing.target().get() : turn.cluster.sync());
        boolean again = turn.now - turn.told.syncAtMillis >= turn.settings.electionTimeoutMillis() * 5L
                && !turn.observed.syncSetting().equals(wanted);
        if (turn.told.sync.equals(wanted) && !again) return;
        turn.told.sync = wanted;
        turn.told.syncAtMillis = turn.now;
        turn.act(new Action.SetSync(wanted));
    }

    private static boolean isInForce(Turn turn, SyncSet sync) {
        return turn.observed.syncSetting().equals(setting(turn, sync));
    }

    /** {@code synchronous_standby_names} of the node that may be primary now; the same on every node. */
    private static String setting(Turn turn, SyncSet sync) {
        var latest = turn.cluster.latest();
        if (!sync.waits() || latest.isEmpty()) return "";
        return setting(sync, latest.get().node(), latest.get().timeline());
    }

    static String setting(SyncSet sync, NodeId primary, Timeline timeline) {
        var text = new StringBuilder("ANY ").append(sync.standbys()).append(" (");
        boolean first = true;
        for (var member : sync.members()) {
            if (member.node().equals(primary)) continue;
            if (!first) text.append(", ");
            first = false;
            text.append('"').append(Names.replication(member.node(), member.incarnation(), timeline)).append('"');
        }
        return text.append(')').toString();
    }

    /**
     * A server that has just started, or is just being promoted, may show commits that no quorum has. Ordinary users
     * read from it when the cluster has confirmed what it holds (A2b, B19).
     */
    private static void allowReads(Turn turn) {
        boolean known = turn.observed.isPrimary() ? turn.told.reads || Lease.obstacle(turn).isEmpty()
                : turn.observed.isStandby() && (turn.told.reads || turn.gate.following().isAfter(Timeline.NONE));
        boolean leaving = turn.errand.isPromotion() || turn.errand.restarting();
        boolean allowed = turn.settings.sync().mode() == SyncWish.Mode.OFF || known && !leaving;
        if (turn.told.reads == allowed) return;
        turn.told.reads = allowed;
        turn.act(new Action.AllowReads(allowed));
    }
}
