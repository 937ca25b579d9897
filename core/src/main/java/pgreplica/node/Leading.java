package pgreplica.node;

import java.util.Optional;
import pgreplica.base.FrozenSet;
import pgreplica.base.Lsn;
import pgreplica.base.Timeline;
import pgreplica.cluster.Appointment;
import pgreplica.cluster.ClusterCommand;
import pgreplica.failover.Decision;
import pgreplica.failover.Rule;
import pgreplica.failover.View;
import pgreplica.node.NodeState.Leaving;
import pgreplica.raft.Input;

/** What the leader does: looks, lets the policy decide, and carries the decision out. */
final class Leading {
    private Leading() {}

    static void tend(Turn turn) {
        if (!turn.leadership.term.equals(turn.term())) turn.leadership.begin(turn.term());
        boolean leads = turn.raft.isLeader() && turn.isMember();
        if (!leads) turn.leadership.sinceMillis = 0;
        else if (turn.leadership.sinceMillis == 0) turn.leadership.sinceMillis = turn.now;
        if (!leads) {
            Standbys.dismiss(turn);
            return;
        }
        forgetFormerVacancy(turn);
        if (serves(turn)) Quorum.noteReached(turn);
        var view = new Outlook(turn);
        var rule = Rule.decide(view);
        note(turn, rule, view);
        carryOut(turn, rule, view);
        Standbys.tend(turn);
    }

    /** A primary runs here, appointed for its timeline, and nobody was appointed after it (A10). */
    static boolean serves(Turn turn) {
        if (!turn.raft.isLeader() || !turn.raft.committedOwnTerm() || !turn.cluster.foundingComplete()) return false;
        var latest = turn.cluster.latest();
        return latest.isPresent() && turn.observed.isPrimary() && !turn.errand.restarting()
                && latest.get().node().equals(turn.self())
                && latest.get().timeline().equals(turn.observed.timeline());
    }

    private static void forgetFormerVacancy(Turn turn) {
        long vacancy = turn.cluster.latest().map(Appointment::index).orElse(0L);
        // A target that did not take over may have been cut off; without another choice it must be asked again.
        boolean longAgo = turn.now - turn.leadership.triedAtMillis > turn.settings.electionTimeoutMillis() * 5L;
        boolean another = turn.leadership.vacancy != vacancy;
        if (longAgo || another) turn.leadership.tried = FrozenSet.empty();
        if (!another) return;
        turn.leadership.vacancy = vacancy;
        turn.leadership.graceSinceMillis = 0;
    }

    /** Every decision is logged once, with its rule in plain words. */
    private static void note(Turn turn, Rule rule, View view) {
        boolean another = turn.leadership.rule != rule.id();
        // While the same rule goes on deciding, only what it waits for may change.
        if (!another && rule.decision() == Decision.SERVE) return;
        turn.leadership.rule = rule.id();
        turn.leadership.ruleText = rule.why() + Outlook.details(rule, view);
        if (another) turn.log("rule " + rule.id() + ": " + turn.leadership.ruleText);
    }

    private static void carryOut(Turn turn, Rule rule, View view) {
        switch (rule.decision()) {
            case WAIT -> {
                if (rule.id() == 60) promoteIfAppointed(turn);
            }
            case SERVE -> {
                turn.leadership.summoned = false; // It has taken over. What happens from now on is its own.
                if (Quorum.reached(turn)) recordFork(turn, turn.cluster.latest().get());
            }
            case LEAVE -> leave(turn, view.heir().get());
            case RESTART -> {
                if (!turn.errand.restarting()) OwnServer.restart(turn, true, rule.why());
            }
            case HAND_OVER_TO_RELIEF -> handOver(turn, view.relief().get());
            case HAND_OVER_TO_BETTER -> handOver(turn, view.better().get());
            case HAND_OVER_TO_SUCCESSOR -> handOver(turn, view.successor().get());
            case APPOINT -> appoint(turn, view);
        }
    }

    /** A timeline's beginning is known to the node that made it; others judge by it what is a prefix (P7). */
    private static void recordFork(Turn turn, Appointment appointment) {
        boolean known = turn.observed.timeline().equals(appointment.timeline())
                && turn.observed.parentTimeline().isAfter(Timeline.NONE);
        if (appointment.fork().isPresent() || turn.leadership.recordingFork || !known) return;
        turn.leadership.recordingFork = true;
        Consensus.propose(turn, new ClusterCommand.RecordFork(appointment.timeline(),
                turn.observed.parentTimeline(), turn.observed.fork()));
    }

    private static void handOver(Turn turn, pgreplica.base.NodeId target) {
        var voter = Membership.voterOf(turn, target);
        if (voter.isEmpty() || turn.raft.handover().isPresent()) return;
        turn.leadership.tried = FrozenSet.with(turn.leadership.tried, target);
        turn.leadership.triedAtMillis = turn.now;
        turn.log("handing leadership to " + target);
        // Whoever has opened nothing in this term gives its lease up too: the next leader need not sit it out.
        Consensus.feed(turn, new Input.Transfer(voter.get(), turn.told.leaseUntilMillis == 0));
    }

    /** As an operator's failover(): writes are refused from now on, and the target gets what it misses. */
    static void leave(Turn turn, pgreplica.base.NodeId target) {
        turn.leadership.tried = FrozenSet.with(turn.leadership.tried, target);
        turn.leadership.triedAtMillis = turn.now;
        turn.leadership.leaving = Optional.of(new Leaving(target, turn.now, Lsn.ZERO));
    }

    private static void appoint(Turn turn, View view) {
        if (turn.leadership.appointing) return;
        // The timeline this node stands on may never have been recorded; its history must be known before a new one
        // grows out of it.
        var standing = turn.cluster.appointmentOf(turn.observed.timeline());
        if (standing.isPresent()) recordFork(turn, standing.get());

        var timeline = turn.cluster.nextTimeline();
        for (var peer : turn.peers.values()) {
            if (peer.status().isEmpty()) continue;
            var seen = peer.status().get().timeline();
            if (!timeline.isAfter(seen)) timeline = seen.next();
        }
        turn.leadership.appointing = true;
        turn.leadership.recordingFork = false;
        Consensus.propose(turn, new ClusterCommand.Appoint(turn.self(), timeline, turn.observed.timeline(),
                turn.settings.collation().versions(), turn.wallClockMillis(), reason(turn, view)));
        promoteIfAppointed(turn); // With one voter the entry is committed at once.
    }

    private static String reason(Turn turn, View view) {
        var before = turn.cluster.latest();
        if (before.isEmpty()) return "founding primary";
        String loss = view.lossBytes() == 0 ? "no WAL known of " + before.get().node() + " is given up"
                : view.lossBytes() + " bytes of WAL known of " + before.get().node() + " are given up"
                        + (turn.cluster.sync().waits() ? ", no acknowledged commit among them" : "");
        String difference = Collations.difference(turn, turn.settings.collation());
        String said = turn.peer(before.get().node()).status().flatMap(status -> status.report())
                .map(report -> report.voidReason()).orElse("");
        return "replaces " + before.get().node() + (said.isEmpty() ? "" : " (" + said + ")")
                + ", WAL ends here at " + OwnData.end(turn) + ", " + loss
                + (difference.isEmpty() ? "" : "; " + difference + ": REINDEX what is sorted by text");
    }

    /** The reservation is committed in this leader's own term before the promotion is asked for (A3). */
    private static void promoteIfAppointed(Turn turn) {
        var latest = turn.cluster.latest();
        boolean mine = latest.isPresent() && latest.get().node().equals(turn.self())
                && latest.get().term().equals(turn.term());
        boolean ready = turn.observed.isStandby() && turn.errand.equals(Errand.NONE);
        if (mine && ready) OwnServer.promote(turn, latest.get().timeline());
    }

    static Lsn lastKnownEndOf(Turn turn, Appointment appointment) {
        var status = turn.peer(appointment.node()).status();
        boolean there = status.isPresent() && status.get().timeline().equals(appointment.timeline());
        return there ? status.get().flushed() : Lsn.ZERO;
    }
}
