package pgreplica.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.SyncSet;
import pgreplica.node.NodeState.Leaving;
import pgreplica.node.NodeState.Request;
import pgreplica.node.PeerMessage.NodeStatus;
import pgreplica.raft.Input;

/** What operators ask for. Callable on every node: the leader answers, the others pass it on. */
final class Requests {
    /** Requests that may wait at the same time; more are refused (P10). */
    private static final int MOST = 16;
    /** So long a target that has all that was acknowledged gets for what is written after that. */
    private static final long CLEAN_WITHIN_MILLIS = 200;
    /** The argument by which an operator accepts that acknowledged commits may be lost. */
    private static final String ALLOW_LOSS = "allow_loss";

    private Requests() {}

    static void ask(Turn turn, long requestId, String verb, List<String> arguments) {
        String refusal = obstacle(turn, verb);
        if (!refusal.isEmpty()) {
            turn.act(new Action.Reply(requestId, false, refusal));
        } else if (turn.raft.isLeader()) {
            accept(turn, requestId, new Request(requestId, Optional.empty(), arguments.contains(ALLOW_LOSS), "", turn.now));
        } else if (turn.leaderNode().isEmpty()) {
            turn.act(new Action.Reply(requestId, false,
                    "no leader is known, so nobody can " + verb + "; see pg_replica.status() for the reason"));
        } else {
            turn.requests.put(requestId, new Request(requestId, Optional.empty(), false, "", turn.now));
            turn.send(turn.leaderNode().get(), new PeerMessage.Forward(requestId, verb, arguments));
        }
    }

    static void forwarded(Turn turn, NodeId from, long ticket, String verb, List<String> arguments) {
        String refusal = turn.raft.isLeader() ? obstacle(turn, verb) : doesNotLead(turn);
        if (!refusal.isEmpty()) {
            turn.send(from, new PeerMessage.ForwardReply(ticket, false, refusal));
            return;
        }
        // Negative numbers are this node's own, so they never meet a client's.
        turn.nextTicket = turn.nextTicket + 1;
        accept(turn, -turn.nextTicket,
                new Request(ticket, Optional.of(from), arguments.contains(ALLOW_LOSS), "", turn.now));
    }

    static void answered(Turn turn, long ticket, boolean ok, String text) {
        if (turn.requests.remove(ticket) != null) turn.act(new Action.Reply(ticket, ok, text));
    }

    static void tend(Turn turn) {
        retry(turn);
        giveUpReports(turn);
        leave(turn);
        expire(turn);
        turn.leadership.lossAllowed = turn.leadership.lossAllowed && isLossAskedFor(turn);
    }

    /** The word counts for one vacancy, as long as its operator waits for an answer. */
    private static boolean isLossAskedFor(Turn turn) {
        for (var request : turn.requests.values()) {
            if (request.lossAllowed()) return true;
        }
        return false;
    }

    private static String obstacle(Turn turn, String verb) {
        if (!verb.equals("failover")) return "unknown request \"" + verb + "\"";
        return turn.requests.size() >= MOST ? "too many requests wait for an answer; try again" : "";
    }

    private static String doesNotLead(Turn turn) {
        return "node " + turn.self() + " does not lead any more; try again";
    }

    private static void accept(Turn turn, long key, Request request) {
        turn.requests.put(key, request.refused(begin(turn, request)));
    }

    /** What stands against a request may be gone in a moment: a standby connects, a new leader looks around. */
    private static void retry(Turn turn) {
        for (var key : new ArrayList<>(turn.requests.keySet())) {
            var request = turn.requests.get(key);
            if (request.refusal().isEmpty()) continue;
            boolean waited = turn.now - request.sinceMillis() >= turn.settings.electionTimeoutMillis();
            String refusal = turn.raft.isLeader() ? begin(turn, request) : doesNotLead(turn);
            if (!refusal.isEmpty() && (waited || !turn.raft.isLeader())) answer(turn, key, false, refusal);
            else turn.requests.put(key, request.refused(refusal));
        }
    }

    /** Why it cannot begin now; empty if it has begun. */
    private static String begin(Turn turn, Request request) {
        if (!Leading.serves(turn) && request.lossAllowed()) return allowLoss(turn);
        if (turn.leadership.leaving.isPresent()) return "a handover to " + turn.leadership.leaving.get().target() + " runs";
        if (!Leading.serves(turn)) {
            return "no primary serves on the leader, so there is nothing to hand over; see pg_replica.status()";
        }
        var target = heir(turn);
        if (target.isEmpty()) {
            return "no standby can take over: none streams from the primary and may be primary"
                    + Collations.heldBack(turn);
        }
        turn.log("failover on request: handing over to " + target.get());
        Leading.leave(turn, target.get());
        return "";
    }

    /** The way out when nodes that may hold acknowledged commits do not come back (B7). */
    private static String allowLoss(Turn turn) {
        if (turn.leadership.rule == 0) return "this leader has not looked at the cluster yet";
        turn.log(Action.Level.WARNING, "an operator allows that acknowledged commits are lost; rule "
                + turn.leadership.rule + " stood against a promotion: " + turn.leadership.ruleText);
        turn.leadership.lossAllowed = true;
        return "";
    }

    /** In the log, because another node may be the one that is promoted; and only if it stands against that. */
    private static void giveUpReports(Turn turn) {
        boolean settled = turn.raft.lastPosition().index() == turn.raft.commitIndex();
        if (!turn.leadership.lossAllowed || !turn.raft.isLeader() || turn.leadership.rule != 90 || !settled) return;
        Consensus.propose(turn, new ClusterCommand.SetSync(SyncSet.NONE));
    }

    /** Who is to take over from the primary here: only a node that could be promoted, its disk takes writes, its data is whole. */
    static Optional<NodeId> heir(Turn turn) {
        Optional<NodeId> heir = Optional.empty();
        for (var entry : turn.peers.entrySet()) {
            var node = entry.getKey();
            var peer = entry.getValue();
            if (!peer.isFresh(turn.now, turn.settings.electionTimeoutMillis())) continue;
            var status = peer.status().get();
            boolean able = status.streaming() && status.priority() > 0 && Membership.voterOf(turn, node).isPresent()
                    && status.following().equals(turn.observed.timeline())
                    && status.report().isPresent() && status.report().get().isValid()
                    && !Outlook.isOutside(turn, node, status.report().get())
                    && !turn.leadership.tried.contains(node) && !Collations.isHeldBack(turn, node);
            if (!able) continue;
            boolean preferred = heir.isEmpty() || isPreferred(turn, status, turn.peer(heir.get()).status().get());
            if (preferred) heir = Optional.of(node);
        }
        return heir;
    }

    /** It gets everything before it takes over, so of those that lag by little one is as good as the other. */
    private static boolean isPreferred(Turn turn, NodeStatus status, NodeStatus other) {
        boolean near = isNear(turn, status);
        if (near && isNear(turn, other) && status.priority() != other.priority()) {
            return status.priority() > other.priority();
        }
        return status.flushed().isAfter(other.flushed());
    }

    private static boolean isNear(Turn turn, NodeStatus status) {
        return turn.observed.flushed().bytesAfter(status.flushed()) <= turn.settings.nearBytes();
    }

    /**
     * Writes are refused from the request on; the target gets what is missing, for a bounded moment. Then the lease
     * is given up for good in this term (A6): what was held back may be undone, a release may not.
     */
    private static void leave(Turn turn) {
        if (turn.leadership.lossAllowed && Leading.serves(turn)) {
            answerAll(turn, true, "node " + turn.self() + " is primary; acknowledged commits may be lost");
        }
        if (turn.leadership.leaving.isEmpty() || !turn.raft.isLeader()) return;
        if (turn.raft.released() || turn.raft.handover().isPresent()) return;
        var leaving = noteWritten(turn, turn.leadership.leaving.get());
        var target = leaving.target();
        long since = turn.now - leaving.sinceMillis();
        boolean waited = since > turn.settings.electionTimeoutMillis();
        var voter = Membership.voterOf(turn, target);
        var confirmed = confirmed(turn, target);
        var missing = confirmed.map(position -> missingBytes(leaving.written(), position));
        boolean whole = missing.equals(Optional.of(0L));
        // What is written after the fence was closed nobody was told of, but what of it is flushed has to be rewound here.
        boolean clean = whole && missingBytes(turn.observed.replayed(), confirmed.get()) == 0;
        boolean allThereWillBe = isAllThereWillBe(turn, confirmed);
        boolean enough = clean || allThereWillBe || whole && since >= CLEAN_WITHIN_MILLIS || waited && mayLose(turn);
        if (voter.isPresent() && enough) {
            tellOfHandover(turn, target, whole, !whole && allThereWillBe);
            Consensus.feed(turn, new Input.Transfer(voter.get(), true));
        } else if (since > 3L * turn.settings.electionTimeoutMillis()) {
            if (voter.isEmpty()) {
                stay(turn, target + " is no voter any more", "");
            } else {
                stay(turn, target + (missing.isEmpty() ? " does not stream any more"
                        : " still lacks " + missing.get() + " bytes of WAL"),
                        "; failover(" + ALLOW_LOSS + " => true) does without it");
            }
        } else if (turn.observedAnew() || since == 0) {
            OwnServer.flushWal(turn);
        }
    }

    /**
     * Who minds is told when the target may lack something (P4): whoever asked while one was under way that does not wait
     * for everything, and, where nobody will have it, also who began it.
     */
    private static void tellOfHandover(Turn turn, NodeId target, boolean whole, boolean keptBack) {
        for (var key : new ArrayList<>(turn.requests.keySet())) {
            var request = turn.requests.get(key);
            boolean heeded = request.refusal().isEmpty() && !keptBack;
            boolean ok = whole || heeded || request.lossAllowed();
            answer(turn, key, ok, "leadership is handed to " + target + (ok ? "" : ", which may lack acknowledged commits: "
                    + "what ails this primary, or another request, wants that at once"));
        }
    }

    private static void stay(Turn turn, String why, String otherwise) {
        turn.log("handing over given up: " + why);
        turn.leadership.leaving = Optional.empty();
        answerAll(turn, false, why + "; the primary goes on. Try again" + otherwise);
    }

    /** A primary leaves for what ails it in any case; an operator who wants that at any price says so (P4). */
    private static boolean mayLose(Turn turn) {
        for (var request : turn.requests.values()) {
            if (request.refusal().isEmpty() && !request.lossAllowed()) return false;
        }
        return true;
    }

    /** When a target that has all that was acknowledged is waited for no longer. */
    static long dueMillis(Turn turn) {
        long due = turn.leadership.leaving.map(leaving -> leaving.sinceMillis() + CLEAN_WITHIN_MILLIS).orElse(Long.MAX_VALUE);
        return due > turn.now ? due : Long.MAX_VALUE;
    }

    /**
     * By a look that came after the fence was closed: what was acknowledged until then is in no earlier one. With what no
     * session waits for ({@code synchronous_commit = off}).
     */
    private static Leaving noteWritten(Turn turn, Leaving leaving) {
        if (!turn.told.closedSeen || leaving.written().isAfter(Lsn.ZERO)) return leaving;
        var noted = new Leaving(leaving.target(), leaving.sinceMillis(), turn.observed.replayed());
        turn.leadership.leaving = Optional.of(noted);
        return noted;
    }

    /**
     * A disk that takes no writes keeps from everybody what is written and not flushed, also what was acknowledged all the
     * same ({@code synchronous_commit = off}).
     */
    private static boolean isAllThereWillBe(Turn turn, Optional<Lsn> confirmed) {
        return turn.observed.flags().probeFailed() && confirmed.isPresent()
                && missingBytes(turn.observed.flushed(), confirmed.get()) == 0;
    }

    /** Up to where the target has everything; empty while nobody can say. */
    private static Optional<Lsn> confirmed(Turn turn, NodeId target) {
        var status = turn.peer(target).status();
        if (!turn.told.closedSeen || status.isEmpty()) return Optional.empty();
        var name = Names.replication(target, status.get().incarnation(), turn.observed.timeline());
        for (var receiver : turn.observed.receivers()) {
            if (receiver.applicationName().equals(name)) return Optional.of(receiver.flushed());
        }
        return Optional.empty();
    }

    private static long missingBytes(Lsn written, Lsn confirmed) {
        return Math.max(0, written.bytesAfter(confirmed));
    }

    private static void answerAll(Turn turn, boolean ok, String text) {
        for (var key : new ArrayList<>(turn.requests.keySet())) answer(turn, key, ok, text);
    }

    private static void expire(Turn turn) {
        for (var key : new ArrayList<>(turn.requests.keySet())) {
            boolean old = turn.now - turn.requests.get(key).sinceMillis() > turn.settings.electionTimeoutMillis() * 8L;
            if (old) answer(turn, key, false, "no answer from the leader in time; see pg_replica.status()");
        }
    }

    private static void answer(Turn turn, Long key, boolean ok, String text) {
        var request = turn.requests.remove(key);
        if (request.origin().isPresent()) {
            turn.send(request.origin().get(), new PeerMessage.ForwardReply(request.id(), ok, text));
        } else {
            turn.act(new Action.Reply(request.id(), ok, text));
        }
    }
}
