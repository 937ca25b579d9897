package pgreplica.node;

import java.util.SortedSet;
import java.util.TreeSet;
import pgreplica.base.Division;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.cluster.Ancestry;
import pgreplica.instance.DataCondition;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation;
import pgreplica.node.PeerMessage.Directive;

/** This node's own Postgres: sealing it, letting it follow, giving it up when another node was appointed. */
final class OwnServer {
    private OwnServer() {}

    static void observe(Turn turn, Observation observation) {
        var before = turn.observed;
        turn.observed = observation;
        turn.seen = true;
        turn.told.closedSeen = turn.told.leaseUntilMillis == 0;
        Quorum.noteConfirmed(turn, before);
        if (observation.flags().ailment().isEmpty()) turn.leadership.ailingSinceMillis = 0;
        else if (turn.leadership.ailingSinceMillis == 0) turn.leadership.ailingSinceMillis = turn.now;
        turn.endSeen = turn.endSeen || observation.endOfWalProven() || observation.isPrimary();
        if (turn.errand.isPromotion() && observation.isPrimary()) {
            turn.log("promoted to timeline " + observation.timeline() + " in "
                    + (turn.now - turn.errand.sinceMillis()) + " ms");
            turn.errand = Errand.NONE;
        }
        // A worker that died over a running primary comes back and stands at once, so that it does not cost the
        // primary its place (B3).
        boolean firstLook = before.equals(Observation.NOTHING) && turn.raft.leader().isEmpty();
        if (firstLook && observation.isPrimaryOrRecoveringPrimary()) {
            Consensus.feed(turn, new pgreplica.raft.Input.Campaign());
        }
    }

    static void sealed(Turn turn, Term term, boolean closed, Observation observation) {
        observe(turn, observation);
        if (!term.equals(turn.term())) return; // An answer to an older term's Seal; the newer one is on its way.
        turn.gate = turn.gate.closed(term, closed);
        if (closed) raiseFloor(turn);
        Consensus.grant(turn);
    }

    /** What was reported may never be undercut later; written at every seal, and before it is said. */
    private static void raiseFloor(Turn turn) {
        var report = OwnData.report(turn);
        if (!report.isValid()) return;
        turn.remember(turn.instance.withFloor(report.timeline(), report.end()));
    }

    static void seal(Turn turn) {
        if (turn.gate.requested().isPresent() && turn.gate.requested().get().equals(turn.term())
                && turn.gate.sealed().isEmpty()) return; // Asked already; the answer is on its way.
        turn.gate = turn.gate.closing(turn.term());
        turn.act(new Action.Seal(turn.term()));
    }

    /** Not on a disk that takes no writes: a failed flush of WAL would end the server. */
    static void flushWal(Turn turn) {
        if (!turn.observed.flags().probeFailed()) turn.act(new Action.FlushWal());
    }

    static void taskDone(Turn turn, Event.Task task, boolean ok, String detail) {
        if (!ok) turn.log(Action.Level.WARNING, failure(task) + ": " + detail);
        switch (task) {
            case PROMOTE -> {} // Tried again when it is overdue, so that a lasting failure does not flood the log.
            case RESTART -> {
                if (!ok) turn.errand = Errand.NONE;
            }
            case CHECKPOINT -> {
                if (!ok) turn.told.checkpointed = Timeline.NONE;
            }
            case SLOTS -> {
                if (!ok) turn.told.slots = "";
            }
            case IDENTITY, SYNC -> {} // Asked again after a while, as long as it is not seen to be so.
        }
    }

    private static String failure(Event.Task task) {
        return switch (task) {
            case PROMOTE -> "promotion failed";
            case RESTART -> "restart in place failed";
            case CHECKPOINT -> "checkpoint failed";
            case SLOTS -> "replication slots could not be brought into order";
            case IDENTITY -> "the data directory's identity could not be written";
            case SYNC -> "synchronous_standby_names could not be set";
        };
    }

    static void workProgress(Turn turn, Event.Work work, String phase, long doneBytes, long totalBytes) {
        String text = (work == Event.Work.REWIND ? "rewind: " : "clone: ") + phase
                + (totalBytes > 0 ? ", " + doneBytes + " of " + totalBytes + " bytes ("
                        + Division.quotient(doneBytes * 100, totalBytes) + " %)" : "");
        turn.errand = Errand.work(work, text, turn.now);
    }

    static void tend(Turn turn) {
        boolean asked = turn.gate.requested().isPresent() && turn.gate.requested().get().equals(turn.term());
        // A gate that could not be closed in time is asked again: its node's reports are void until it is.
        if (!asked || turn.gate.stuck()) seal(turn);
        if (!turn.seen || turn.settings.preStart()) return;
        forgetOverdueErrand(turn);
        adoptFoundingData(turn);
        finishWork(turn);
        giveUpIfDeposed(turn);
        noteFloor(turn);
    }

    /** Once a second: data that later ends before this position was exchanged for older data (A9). */
    private static void noteFloor(Turn turn) {
        if (turn.now - turn.told.floorAtMillis < turn.settings.electionTimeoutMillis()) return;
        var position = turn.observed.isPrimary() ? turn.observed.flushed() : turn.observed.replayed();
        if (position.equals(turn.told.floor) || OwnData.condition(turn) != DataCondition.OURS) return;
        turn.told.floorAtMillis = turn.now;
        turn.told.floor = position;
        turn.act(new Action.NoteFloor(turn.instance.identity(), turn.observed.timeline(), position));
    }

    /** Whatever was asked of Postgres and never came about is asked again. */
    private static void forgetOverdueErrand(Turn turn) {
        long patience = turn.settings.electionTimeoutMillis() * (turn.errand.isPromotion() ? 5L : 60L);
        boolean overdue = turn.now - turn.errand.sinceMillis() > patience;
        boolean promotionStuck = turn.errand.isPromotion() && turn.observed.isStandby();
        if (overdue && (promotionStuck || turn.errand.restarting())) turn.errand = Errand.NONE;
    }

    /** The founding primary's data becomes the cluster's; every other node's is cloned from it. */
    private static void adoptFoundingData(Turn turn) {
        if (!turn.isMember() || !turn.cluster.appointments().isEmpty()) return;
        var founding = turn.cluster.founding().get();
        boolean mine = founding.primary().equals(turn.self())
                && founding.systemIdentifier() == turn.observed.systemIdentifier()
                && founding.timeline().equals(turn.observed.timeline());
        if (!mine) return;
        if (turn.instance.identity().incarnation() == 0) {
            turn.remember(turn.instance.withIdentity(new DataIdentity(founding.clusterId(), turn.drawn()))
                    .explaining(only(founding.timeline())));
            turn.act(new Action.WriteIdentity(turn.instance.identity()));
        } else if (turn.observed.identity().equals(DataIdentity.NONE) && turn.told.identityToldAtMillis == 0) {
            // The state directory was written and the data directory was not: a crash came between the two.
            turn.told.identityToldAtMillis = turn.now;
            turn.act(new Action.WriteIdentity(turn.instance.identity()));
        }
    }

    private static void finishWork(Turn turn) {
        if (!turn.instance.working() || turn.errand.restarting() || !OwnData.isReadable(turn)) return;
        // Without an unfinished marker the work is done, or was never begun.
        if (turn.observed.flags().workUnfinished()) return;
        var timeline = turn.observed.timeline();
        var settled = turn.instance.settled(turn.observed.identity());
        boolean replaced = turn.observed.identity().equals(turn.instance.identity());
        if (replaced && !settled.explained().contains(timeline)) {
            // The source was lost on the way, and this is of the primary after it: nobody else admits a copy (B18). Which
            // numbers were appointed is known for certain only with a leader (A3).
            if (turn.raft.leader().isEmpty()) return;
            if (turn.cluster.appointmentOf(timeline).isPresent()) settled = settled.explaining(only(timeline));
        }
        turn.remember(settled);
    }

    private static SortedSet<Timeline> only(Timeline timeline) {
        var set = new TreeSet<Timeline>();
        set.add(timeline);
        return set;
    }

    /** A running primary whose place was given to another, or which nobody appointed, stops at once. */
    private static void giveUpIfDeposed(Turn turn) {
        if (!turn.observed.isPrimary() || turn.errand.restarting() || !turn.isMember()) return;
        var timeline = turn.observed.timeline();
        var latest = turn.cluster.latest();
        boolean superseded = latest.isPresent() && latest.get().timeline().isAfter(timeline);
        boolean never = latest.isPresent() && !superseded && !turn.cluster.isAppointed(turn.self(), timeline)
                && turn.raft.leader().isPresent();
        if (superseded) {
            restart(turn, true, "timeline " + latest.get().timeline() + " was given to " + latest.get().node()
                    + ", this primary is on timeline " + timeline);
        } else if (never) {
            restart(turn, true, "Postgres was promoted to timeline " + timeline + " without an appointment");
        }
    }

    static void restart(Turn turn, boolean immediate, String why) {
        turn.log("restarting Postgres as a standby: " + why);
        Lease.close(turn, why);
        turn.errand = Errand.restart(Event.Work.NONE, turn.now);
        turn.act(new Action.Restart(immediate, Event.Work.NONE, "", DataIdentity.NONE, why));
    }

    static void promote(Turn turn, Timeline timeline) {
        turn.remember(turn.instance.explaining(only(timeline)));
        turn.errand = Errand.promotion(timeline, turn.now);
        turn.act(new Action.Promote(timeline));
    }

    /** The leader's word on this node's data. Obeyed only in its own term, and only after sealing in it (A1, A7). */
    static void obey(Turn turn, NodeId leader, Term term, Directive directive) {
        boolean current = term.equals(turn.term()) && turn.leaderNode().isPresent()
                && turn.leaderNode().get().equals(leader);
        boolean free = turn.seen && !turn.settings.preStart() && !turn.errand.restarting()
                && !turn.errand.isPromotion();
        if (!current || !free || turn.gate.sealed().isEmpty()) return;
        switch (directive) {
            case Directive.Hold(var why) -> turn.hold = why;
            case Directive.Follow(var upstream, var timeline, var ancestry) ->
                    follow(turn, upstream, timeline, ancestry);
            case Directive.Rewind(var source, _, var ancestry) -> {
                if (OwnData.condition(turn) != DataCondition.OURS) return;
                replaceData(turn, Event.Work.REWIND, source, ancestry,
                        "its WAL went past the point where timeline " + ancestry.steps().getLast().timeline()
                                + " began");
            }
            case Directive.Clone(var source, _, var ancestry, var why) -> {
                boolean allowed = switch (OwnData.condition(turn)) {
                    case OURS, PRISTINE, UNEXPLAINED -> true;
                    case STRANGER, UNCLAIMED, UNKNOWN, WORKING, WITNESS -> false;
                };
                if (allowed) replaceData(turn, Event.Work.CLONE, source, ancestry, why);
            }
        }
    }

    private static void follow(Turn turn, NodeId upstream, Timeline timeline, Ancestry ancestry) {
        turn.hold = "";
        if (turn.observed.isPrimary()) {
            restart(turn, true, upstream + " is the primary now, on timeline " + timeline);
            return;
        }
        if (turn.gate.isOpenTo(upstream, timeline, turn.term())) return;
        // The leader compared the same position; a second look costs nothing and a wrong one costs data (A1).
        var relation = ancestry.relationOf(turn.observed.timeline(), OwnData.end(turn));
        if (relation != Ancestry.Relation.PREFIX || OwnData.condition(turn) != DataCondition.OURS) return;

        turn.remember(turn.instance.explaining(ancestry.timelines()));
        turn.gate = turn.gate.openTo(upstream, timeline, turn.term());
        turn.log("following " + upstream + " on timeline " + timeline);
        turn.act(new Action.Follow(upstream, timeline, turn.term(),
                Names.replication(turn.self(), turn.instance.identity().incarnation(), timeline),
                Names.slot(turn.self())));
    }

    private static void replaceData(Turn turn, Event.Work work, NodeId source, Ancestry ancestry, String why) {
        var renewed = new DataIdentity(turn.clusterId(), turn.drawn());
        turn.log((work == Event.Work.REWIND ? "rewinding to " : "cloning from ") + source + ": " + why);
        // The old incarnation is gone from the state directory before anything of its data is (A9).
        turn.remember(turn.instance.replacedBy(renewed, ancestry.timelines()));
        Lease.close(turn, why);
        turn.errand = Errand.restart(work, turn.now);
        turn.act(new Action.Restart(turn.observed.isPrimary(), work, source.name(), renewed, why));
    }
}
