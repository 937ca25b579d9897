package pgreplica.node;

import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import pgreplica.base.NodeId;
import pgreplica.failover.Rule;
import pgreplica.failover.View;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.WalReport;
import pgreplica.node.NodeState.Leaving;

/** Answers the failover policy's questions, each only when it is asked. */
final class Outlook implements View {
    /** A second crash of the same primary within this time uses its grace up (B10). */
    private static final long CRASHES_APART_MILLIS = 60_000;

    private final Turn turn;

    Outlook(Turn turn) {
        this.turn = turn;
    }

    @Override public String missingFounders() {
        return turn.cluster.foundingComplete() ? "" : founders(turn);
    }

    @Override public boolean ownTermCommitted() {
        return turn.raft.committedOwnTerm();
    }

    @Override public Optional<NodeId> handingOverTo() {
        var handover = turn.raft.handover();
        return handover.isPresent() ? Optional.of(handover.get().target().node()) : turn.leadership.leaving.map(Leaving::target);
    }

    @Override public boolean servesHere() {
        return Leading.serves(turn);
    }

    @Override public Optional<NodeId> relief() {
        boolean waited = Leading.serves(turn) && Quorum.awaitsReliefFor(turn, reliefPatience(turn));
        return waited ? bestOther(turn) : Optional.empty();
    }

    @Override public String ailment() {
        // What fills every disk at once fills the heir's as well, and it needs a moment to find out.
        boolean lasts = turn.now - turn.leadership.ailingSinceMillis >= turn.settings.electionTimeoutMillis() * 2L;
        return lasts ? turn.observed.flags().ailment() : "";
    }

    @Override public Optional<NodeId> heir() {
        return Requests.heir(turn);
    }

    @Override public boolean outdatedPrimaryHere() {
        return turn.observed.isPrimary() && !Leading.serves(turn);
    }

    @Override public boolean promoting() {
        return isAppointedHere(turn);
    }

    @Override public boolean promotionOverdue() {
        return isAppointedHere(turn) && turn.now - turn.leadership.sinceMillis > promotionPatience(turn);
    }

    @Override public String awaitedReports() {
        return awaited(turn, reports(turn));
    }

    @Override public Optional<NodeId> recoveringPrimary() {
        return recovering(turn);
    }

    /**
     * Reports of the sync set that are needed and not there, the own one counted; whoever votes (A8, B20). A member that
     * is ahead of this node does not count: what it has more may have been acknowledged by it and one that is silent.
     */
    @Override public int reportsMissing() {
        var sync = turn.cluster.sync();
        var own = OwnData.report(turn);
        if (holdsWhatTheLastPrimaryHeld(turn, own)) return 0;
        int valid = own.isValid() && sync.has(turn.self(), own.incarnation()) ? 1 : 0;
        for (var report : reports(turn).entrySet()) {
            boolean counts = report.getValue().isValid() && report.getValue().compareProgress(own) <= 0
                    && sync.has(report.getKey(), report.getValue().incarnation());
            if (counts) valid++;
        }
        return Math.max(0, sync.reportsNeeded() - valid);
    }

    @Override public String selfObstacle() {
        return selfObstacle(turn, OwnData.report(turn));
    }

    /**
     * Whatever was acknowledged is on the primary that acknowledged it, and was on the one before when that was replaced.
     * So the last primary's report does for all others, if its data is still what it was then (A9).
     */
    private static boolean holdsWhatTheLastPrimaryHeld(Turn turn, WalReport own) {
        var latest = turn.cluster.latest();
        if (!own.isValid() || latest.isEmpty()) return false;
        var last = latest.get().node();
        var report = last.equals(turn.self()) ? own : reports(turn).get(last);
        return report != null && report.isValid() && report.timeline().equals(latest.get().timeline())
                && turn.cluster.sync().has(last, report.incarnation()) && report.compareProgress(own) <= 0;
    }

    @Override public Optional<NodeId> better() {
        return best(turn, reports(turn), OwnData.report(turn), true);
    }

    /** One that is better, if there is one: who was told to take over passes it on to a standby rather than back. */
    @Override public Optional<NodeId> successor() {
        var better = better();
        return better.isPresent() ? better : bestOther(turn);
    }

    @Override public boolean ahead() {
        var own = OwnData.report(turn);
        for (var report : reports(turn).entrySet()) {
            boolean more = own.isValid() && report.getValue().compareProgress(own) > 0;
            if (more && mayLead(turn, report.getKey(), report.getValue())) return true;
        }
        return false;
    }

    @Override public String heldBack() {
        return Collations.heldBack(turn);
    }

    @Override public long lossBytes() {
        return loss(turn, OwnData.report(turn));
    }

    @Override public boolean lossAllowed() {
        long most = turn.settings.maxFailoverLagBytes();
        boolean nothingAcknowledged = turn.cluster.sync().waits() || turn.leadership.lossAllowed;
        return most < 0 || nothingAcknowledged || lossBytes() <= most;
    }

    static String details(Rule rule, View view) {
        return switch (rule.id()) {
            case 20 -> " (missing: " + view.missingFounders() + ")";
            case 25 -> " (" + text(view.handingOverTo()) + ")";
            case 27 -> " (" + view.ailment() + "; " + text(view.heir()) + " takes over)";
            case 28 -> " (" + text(view.relief()) + ")";
            case 85 -> " (" + text(view.successor()) + ")";
            case 50 -> " (handing over to " + text(view.successor()) + ")";
            case 110 -> " (" + view.selfObstacle() + "; handing over to " + text(view.successor()) + ")";
            case 70 -> " (" + view.awaitedReports() + ")";
            case 80 -> " (" + text(view.recoveringPrimary()) + ")";
            case 90 -> " (" + view.reportsMissing() + " missing; failover(allow_loss => true) does without" + view.heldBack()
                    + ")";
            case 100 -> " (" + text(view.better()) + ")";
            case 120 -> " (this node: " + view.selfObstacle() + view.heldBack() + ")";
            case 130 -> " (" + view.lossBytes() + " bytes)";
            default -> "";
        };
    }

    /**
     * The reports that count: given in this term after sealing, so nobody can acknowledge anything more to an earlier
     * primary behind the leader's back (B20). A node's latest word in the term replaces the one beside its vote.
     */
    static SortedMap<NodeId, WalReport> reports(Turn turn) {
        var reports = new TreeMap<NodeId, WalReport>();
        for (var grant : turn.raft.grants().entrySet()) {
            var attachment = grant.getValue().attachment();
            if (attachment.isPresent() && attachment.get() instanceof WalReport report) {
                reports.put(grant.getKey().node(), report);
            }
        }
        for (var peer : turn.peers.entrySet()) {
            var status = peer.getValue().status();
            if (status.isEmpty() || status.get().report().isEmpty()) continue;
            boolean ofThisTerm = status.get().sealedTerm().equals(Optional.of(turn.term()));
            if (ofThisTerm) reports.put(peer.getKey(), status.get().report().get());
        }
        reports.remove(turn.self());
        return reports;
    }

    private static String founders(Turn turn) {
        String missing = Membership.missingFounders(turn);
        return missing.isEmpty() ? "the end of the founding is not committed" : missing;
    }

    /** Twice the tenure before, so that primaries that all starve take turns more and more slowly. */
    private static long reliefPatience(Turn turn) {
        long least = turn.settings.electionTimeoutMillis() * 10L;
        var appointments = turn.cluster.appointments();
        if (appointments.size() < 2) return least;
        long tenure = appointments.getLast().atMillis() - appointments.get(appointments.size() - 2).atMillis();
        return tenure > least * 60 ? least : Math.max(least, 2 * tenure);
    }

    private static boolean isAppointedHere(Turn turn) {
        var latest = turn.cluster.latest();
        if (latest.isEmpty() || !latest.get().node().equals(turn.self())) return false;
        if (turn.observed.isPrimaryOrRecoveringPrimary()) return false;
        return turn.leadership.appointing && latest.get().term().equals(turn.term())
                || turn.errand.promotingTo().equals(latest.get().timeline());
    }

    private static long promotionPatience(Turn turn) {
        return turn.settings.electionTimeoutMillis() * 30L;
    }

    private static String awaited(Turn turn, SortedMap<NodeId, WalReport> reports) {
        if (turn.now - turn.leadership.sinceMillis >= turn.settings.reportPatienceMillis()) return "";
        for (var voter : turn.raft.configuration().voters()) {
            var node = voter.node();
            if (node.equals(turn.self())) continue;
            // A frozen node's connections stay up; one that has been silent is not worth waiting for.
            boolean alive = turn.peer(node).isFresh(turn.now, turn.settings.livelyMillis());
            boolean pending = alive && !reports.containsKey(node);
            if (pending) return "no report from " + node + " yet";
        }
        if (!turn.gate.isSealedIn(turn.term())) return "this node is not sealed yet";
        return "";
    }

    /** The last primary, while its Postgres is coming back and its node answers; counted once per vacancy (B10). */
    private static Optional<NodeId> recovering(Turn turn) {
        // With synchronous standbys nothing that was acknowledged is on the last primary alone. Who was told to take
        // over was told so by a leader that has waited.
        if (turn.cluster.sync().waits() || cameBackBefore(turn) || turn.leadership.summoned) return Optional.empty();
        var appointments = turn.cluster.appointments();
        for (int i = appointments.size() - 1; i >= 0; i--) {
            var appointment = appointments.get(i);
            if (isRecovering(turn, appointment.node())) return graceFor(turn, appointment.node());
            // Whoever was appointed later may never have been promoted, and then this one is the last that served.
            if (appointment.fork().isPresent()) return Optional.empty();
        }
        return Optional.empty();
    }

    /** Its server is starting, or takes sessions already and has not replayed to the end what it wrote as a primary. */
    private static boolean isRecovering(Turn turn, NodeId node) {
        if (node.equals(turn.self())) {
            return !turn.instance.working() && isRecovering(turn.observed.phase(), turn.endSeen);
        }
        var peer = turn.peer(node);
        if (peer.status().isEmpty()) return false;
        var status = peer.status().get();
        // Its last word counts through the silence after it: a server ends its processes and starts anew before it speaks.
        if (turn.now - peer.heardAtMillis() > turn.settings.crashRestartGraceMillis()) return false;
        return isRecovering(status.phase(), status.report().isEmpty() || status.report().get().isValid()
                || status.report().get().endProven());
    }

    private static boolean isRecovering(Phase phase, boolean endKnown) {
        return switch (phase) {
            case STARTING, CRASH_RECOVERY -> true;
            case STANDBY -> !endKnown;
            case PRIMARY, STOPPING, DOWN -> false;
        };
    }

    private static Optional<NodeId> graceFor(Turn turn, NodeId node) {
        if (turn.leadership.graceSinceMillis == 0) turn.leadership.graceSinceMillis = turn.now;
        boolean used = turn.now - turn.leadership.graceSinceMillis >= turn.settings.crashRestartGraceMillis();
        return used ? Optional.empty() : Optional.of(node);
    }

    /** The last primary had just been appointed once more: a server that crashes again and again is not waited for. */
    private static boolean cameBackBefore(Turn turn) {
        var appointments = turn.cluster.appointments();
        if (appointments.size() < 2) return false;
        var last = appointments.get(appointments.size() - 1);
        var former = appointments.get(appointments.size() - 2);
        return last.node().equals(former.node()) && turn.wallClockMillis() - last.atMillis() < CRASHES_APART_MILLIS;
    }

    private static String selfObstacle(Turn turn, WalReport own) {
        if (turn.settings.preStart()) return "Postgres is down here for a rewind or clone";
        if (turn.settings.priority() == 0) return "its priority is 0: it is never primary";
        if (turn.errand.restarting()) return "its Postgres is being restarted";
        if (!own.isValid()) return own.voidReason();
        String collation = Collations.obstacle(turn);
        if (!collation.isEmpty()) return collation;
        return isOutside(turn, turn.self(), own) ? "its data is not in the sync set (" + turn.cluster.sync() + ")" : "";
    }

    /** Only a member is primary, so that what it acknowledges is on as many members as elections count with. */
    static boolean isOutside(Turn turn, NodeId node, WalReport report) {
        var sync = turn.cluster.sync();
        return !sync.members().isEmpty() && !sync.has(node, report.incarnation());
    }

    private static boolean mayLead(Turn turn, NodeId node, WalReport report) {
        if (!report.isValid() || isOutside(turn, node, report) || turn.leadership.tried.contains(node)) return false;
        if (Membership.voterOf(turn, node).isEmpty() || !turn.peer(node).connected()) return false;
        if (Collations.isHeldBack(turn, node)) return false;
        var status = turn.peer(node).status();
        return status.isEmpty() || status.get().priority() > 0;
    }

    /** Who would lead if this node did not, whether or not it has less. */
    static Optional<NodeId> bestOther(Turn turn) {
        return best(turn, reports(turn), OwnData.report(turn), false);
    }

    /** The node with the most WAL; with {@code betterOnly}, only if it is better than this one. */
    private static Optional<NodeId> best(Turn turn, SortedMap<NodeId, WalReport> reports, WalReport own,
                                         boolean betterOnly) {
        Optional<NodeId> best = Optional.empty();
        for (var entry : reports.entrySet()) {
            var node = entry.getKey();
            if (!mayLead(turn, node, entry.getValue())) continue;
            if (betterOnly && !isBetter(turn, node, entry.getValue(), own)) continue;
            boolean first = best.isEmpty();
            if (first || entry.getValue().compareProgress(reports.get(best.get())) > 0) best = Optional.of(node);
        }
        return best;
    }

    /**
     * Only a strictly better node is worth another election, or it would go round in circles; one that was told to take
     * over keeps what it was given, but for a standby with more WAL (B8, P4).
     */
    private static boolean isBetter(Turn turn, NodeId node, WalReport report, WalReport own) {
        if (!own.isValid()) return false;
        int progress = report.compareProgress(own);
        // Who gave leadership away keeps what it wrote to the end; a standby with more could not lead for a moment.
        if (turn.leadership.summoned) return progress > 0 && !report.primary();
        if (progress != 0) return progress > 0;
        if (report.primary() != own.primary()) return report.primary();
        var status = turn.peer(node).status();
        return status.isPresent() && status.get().priority() > turn.settings.priority();
    }

    private static long loss(Turn turn, WalReport own) {
        var latest = turn.cluster.latest();
        if (latest.isEmpty()) return 0;
        return Math.max(0, Leading.lastKnownEndOf(turn, latest.get()).bytesAfter(own.end()));
    }

    private static String text(Optional<NodeId> node) {
        return node.isPresent() ? node.get().name() : "none";
    }
}
