package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.VoterId;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.SyncSet;
import pgreplica.codec.EnvelopeCodec;
import pgreplica.codec.HostAction;
import pgreplica.node.Action;
import pgreplica.node.Collation;
import pgreplica.node.NodeState;
import pgreplica.node.PeerMessage;
import pgreplica.node.SyncWish;
import pgreplica.raft.Entry;
import pgreplica.raft.Message;
import pgreplica.raft.Payload;
import pgreplica.raft.RaftState;

/** What must hold at every moment, checked after every event. Each message names the promise. */
final class Promises {
    /** A promise that does not hold. */
    static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Broken(String what) {
            super(what);
        }

        Broken(String what, Throwable cause) {
            super(what, cause);
        }
    }

    /** What operators wanted before may still be on its way into the log. */
    private static final long OPERATORS_PATIENCE_MILLIS = 9000;

    /** A commit whose client was told. */
    private record Commit(Wal.Branch branch, long lsn) {}

    private final World world;
    private final TreeMap<Term, VoterId> leaders = new TreeMap<>();
    private final TreeMap<Long, Entry> committed = new TreeMap<>();
    private final TreeMap<VoterId, Long> checkedUpTo = new TreeMap<>();
    private final TreeSet<LogPosition> judged = new TreeSet<>();
    /** Where leaders wrote, as an operator wished it then, that commits wait for nobody. */
    private final TreeSet<LogPosition> waived = new TreeSet<>();
    private final TreeMap<Integer, NodeId> timelines = new TreeMap<>();
    private final List<Commit> acknowledged = new ArrayList<>();
    private final List<Commit> promised = new ArrayList<>();
    private final List<Commit> unpromised = new ArrayList<>();
    private long logLines;
    private String sortedBy = "";
    /** An operator gave up what only lost nodes may hold, until the next primary serves. */
    private boolean lossAllowed;
    private long lossAllowedMillis;
    long promotions;
    long acknowledgements;
    long durable;
    long lost;

    Promises(World world) {
        this.world = world;
    }

    /** After an event of {@code host}: what no event changed has been checked before. */
    void check(Host host) {
        oneOpenFence();
        // What is not on disk yet may never have been: the process can still end before anything follows from it.
        if (host.state().isEmpty() || host.isStoring()) return;
        var state = host.state().get();
        var raft = state.raft();
        host.waitsByLog = state.cluster().sync().waits();
        if (raft.isLeader()) {
            followTheMode(host, state);
            appoints(host, state);
        }
        bounded(host, "requests", state.requests().size(), 64);
        if (raft == host.checked) return;
        host.checked = raft;
        if (raft.isLeader()) oneLeader(raft.term(), raft.self());
        long from = checkedUpTo.getOrDefault(raft.self(), 0L);
        if (raft.commitIndex() > from) {
            for (long index = from + 1; index <= raft.commitIndex(); index++) {
                if (raft.log().has(index)) oneHistory(host, raft.log().entry(index));
            }
            checkedUpTo.put(raft.self(), raft.commitIndex());
        }
        bounded(host, "log", raft.log().entries().size(), 200);
    }

    /** An operator has another cluster founded from the same data: its terms are its own, timelines are still used up (P5). */
    void foundedAnew() {
        leaders.clear();
        committed.clear();
        checkedUpTo.clear();
        judged.clear();
        waived.clear();
    }

    /** P9: what is said before the first write of a step can only be what was on disk before the step. */
    void durableFirst(Host host, RaftState before, List<HostAction> actions) {
        int first = 0;
        while (first < actions.size() && !Disk.isWrite(actions.get(first))) first++;
        boolean stores = first < actions.size();
        var after = host.state().orElseThrow().raft();
        boolean changed = !after.ballot().equals(before.ballot()) || !after.lastPosition().equals(before.lastPosition());
        if (changed && !stores) throw new Broken("P9: " + host.id + " stores neither a new ballot nor a new log");
        for (int i = 0; stores && i < first; i++) {
            if (!(actions.get(i) instanceof HostAction.Send(var to, var payload))) continue;
            var message = EnvelopeCodec.decode(payload).message();
            if (message instanceof PeerMessage.Raft(var said) && !isOnDisk(before, to, said)) {
                throw new Broken("P9: " + host.id + " says " + said + " to " + to + " before it is on disk");
            }
        }
    }

    private static boolean isOnDisk(RaftState disk, NodeId to, Message said) {
        boolean ofTerm = said.term().equals(disk.term());
        var votedFor = disk.ballot().votedFor().map(VoterId::node);
        return switch (said) {
            // Of a term that nobody has entered.
            case Message.PreVoteRequest _, Message.PreVoteReply _ -> true;
            case Message.VoteRequest _ -> ofTerm && votedFor.equals(Optional.of(disk.self().node()));
            case Message.VoteReply reply -> ofTerm && (!reply.granted() || votedFor.equals(Optional.of(to)));
            case Message.AppendReply reply ->
                    ofTerm && (!reply.success() || reply.matchIndex() <= disk.lastPosition().index());
            case Message.AppendRequest _, Message.InstallSnapshot _, Message.TimeoutNow _ -> ofTerm;
        };
    }

    /** P15: what was sorted by one library is searched by the same, unless an operator has said otherwise. */
    private boolean mayOpen(Collation collation) {
        return sortedBy.isEmpty() || sortedBy.equals(collation.versions()) || collation.mismatchAllowed();
    }

    /** P1: compared over the whole history, not only among those who lead right now. */
    private void oneLeader(Term term, VoterId leader) {
        var known = leaders.putIfAbsent(term, leader);
        if (known != null && !known.equals(leader)) {
            throw new Broken("P1: term " + term + " has leaders " + known + " and " + leader);
        }
    }

    private void oneHistory(Host host, Entry entry) {
        var known = committed.putIfAbsent(entry.index(), entry);
        if (known == null) asksOn(host, entry);
        if (known == null && waived.contains(entry.position())) promiseNothing();
        if (known != null && !known.equals(entry)) {
            throw new Broken("P1: " + host.id + " committed " + entry + ", another node " + known);
        }
    }

    /** P2: true time, so clocks and their drift are part of it. */
    void oneOpenFence() {
        Host open = null;
        for (var host : world.hosts) {
            if (!host.postgres.isOpen()) continue;
            if (open != null) throw new Broken("P2: " + open.id + " and " + host.id + " are open at the same time");
            open = host;
        }
    }

    /** P3: as long as the operators want standbys to be waited for, no leader makes an end of it; two nodes need none (B7). */
    private void asksOn(Host host, Entry entry) {
        var state = host.state().orElseThrow();
        boolean own = state.raft().isLeader() && entry.position().term().equals(state.raft().term());
        long wished = Math.max(host.wishedMillis, lossAllowedMillis);
        if (!isWaiver(entry) || !own || world.nowMillis - wished < OPERATORS_PATIENCE_MILLIS) return;
        var mode = state.settings().sync().mode();
        boolean needed = Math.max(state.settings().listed().size(), state.raft().configuration().voters().size()) > 2;
        if (mode != SyncWish.Mode.OFF && needed) {
            throw new Broken("P3: " + host.id + " waits for no standby any more, and the mode is " + mode);
        }
    }

    void acknowledged(Host host, Wal.Branch branch, long lsn, boolean durable) {
        acknowledgements++;
        var commit = new Commit(branch, lsn);
        acknowledged.add(commit);
        if (durable) this.durable++;
        // While a quorum is being introduced its standbys are waited for, and nobody was promised anything yet (A8).
        (durable && host.waitsByLog ? promised : unpromised).add(commit);
        oneOpenFence();
    }

    /** P3: whoever serves has every commit that a quorum confirmed. */
    void opens(Host host) {
        sortedBy = host.collation;
        if (lossAllowed) promised.removeIf(commit -> !host.postgres.wal().contains(commit.branch(), commit.lsn()));
        lossAllowed = false;
        for (var commit : promised) {
            if (!host.postgres.wal().contains(commit.branch(), commit.lsn())) {
                throw new Broken("P3: " + host.id + " with " + host.postgres.wal() + " serves without the commit at "
                        + Long.toHexString(commit.lsn()) + " of timeline " + commit.branch().timeline());
            }
        }
    }

    /** P4: a primary that leaves for an operator takes nothing with it that it acknowledged. */
    void hasEverything(Host target, Host primary) {
        for (var commit : acknowledged) {
            boolean here = primary.postgres.hasWritten(commit.branch(), commit.lsn());
            if (here && !target.postgres.wal().contains(commit.branch(), commit.lsn())) {
                throw new Broken("P4: " + primary.id + " is handing over to " + target.id + ", which lacks the commit at "
                        + Long.toHexString(commit.lsn()) + " of timeline " + commit.branch().timeline());
            }
        }
    }

    /**
     * The log says that acknowledged commits are on a quorum: so are those of this primary from before (A8). It says that
     * none is asked for, as an operator wished it: what one confirmed is from then on as safe as all the rest (P4).
     */
    private void followTheMode(Host host, NodeState state) {
        if (state.settings().sync().mode() == SyncWish.Mode.OFF) {
            noteWaivers(state.raft());
            if (state.raft().committedOwnTerm() && state.cluster().sync().equals(SyncSet.NONE)) promiseNothing();
        }
        if (!host.postgres.isPrimary()) return;
        if (unpromised.isEmpty() || !state.cluster().sync().waits()) return;
        for (var commit : unpromised) {
            if (host.postgres.wal().contains(commit.branch(), commit.lsn())) promised.add(commit);
        }
        unpromised.clear();
    }

    /** It can be decided later, by a leader whose operator wishes something else again (Raft §5.4.2). */
    private void noteWaivers(RaftState raft) {
        for (var entry : raft.log().entries()) {
            boolean own = entry.position().term().equals(raft.term());
            if (own && isWaiver(entry)) waived.add(entry.position());
        }
    }

    private static boolean isWaiver(Entry entry) {
        return entry.payload() instanceof Payload.Application(var command)
                && command instanceof ClusterCommand.SetSync(var sync) && sync.equals(SyncSet.NONE);
    }

    private void promiseNothing() {
        unpromised.addAll(promised);
        promised.clear();
    }

    /** P7: only complete data of the cluster is promoted; P4: and not while leadership is on its way to a better node. */
    void promotes(Host host, int timeline) {
        var state = host.state().orElseThrow();
        var founding = state.cluster().founding().orElseThrow();
        if (host.postgres.systemIdentifier() != founding.systemIdentifier() || host.postgres.hasUnfinishedWork()) {
            throw new Broken("P7: " + host.id + " is promoted with data that is not the cluster's");
        }
        if (state.raft().handover().isPresent()) {
            throw new Broken("P4: " + host.id + " is promoted while it hands over to "
                    + state.raft().handover().get().target());
        }
    }

    /**
     * P13: and it is healthy. P4: when a leader appoints itself, no report that it holds reaches further; of nodes that
     * were handed leadership in vain it need not think any more, nor of a primary that gave its own away (B8).
     */
    private void appoints(Host host, NodeState state) {
        var entries = state.raft().log().entries();
        var last = entries.isEmpty() ? null : entries.getLast();
        boolean proposes = last != null && last.term().equals(state.raft().term())
                && last.payload() instanceof Payload.Application(ClusterCommand.Appoint _)
                && judged.add(last.position());
        if (!proposes) return;
        var ailment = state.observed().flags().ailment();
        if (!ailment.isEmpty()) throw new Broken("P13: " + host.id + " appoints itself although " + ailment);
        if (state.settings().priority() == 0) throw new Broken("P4: " + host.id + " appoints itself, with priority 0");
        if (!mayOpen(host.collation())) {
            throw new Broken("P15: " + host.id + " with " + host.collation + " appoints itself, the last primary had "
                    + sortedBy);
        }
        for (var peer : state.peers().entrySet()) {
            var report = peer.getValue().status().flatMap(status -> status.sealedTerm().equals(
                    Optional.of(state.raft().term())) ? status.report() : Optional.empty());
            var voter = peer.getValue().voter();
            boolean counts = report.isPresent() && report.get().isValid() && peer.getValue().connected()
                    && state.raft().configuration().voters().contains(voter.get())
                    && (state.cluster().sync().members().isEmpty()
                            || state.cluster().sync().has(peer.getKey(), report.get().incarnation()))
                    && !state.leadership().tried().contains(peer.getKey())
                    && mayOpen(peer.getValue().status().get().collation())
                    && peer.getValue().status().get().priority() > 0
                    && !(state.leadership().summoned() && report.get().primary());
            var wal = host.postgres.wal();
            boolean better = counts && (report.get().timeline().number() > wal.timeline()
                    || report.get().timeline().number() == wal.timeline()
                            && report.get().end().isAfter(new Lsn(wal.completeEnd())));
            if (better) {
                throw new Broken("P4: " + host.id + " with " + wal + " appoints itself although " + peer.getKey()
                        + " reported " + report.get());
            }
        }
    }

    /** P5. */
    void promoted(Host host, Wal.Branch branch) {
        promotions++;
        world.say(host, "IS PRIMARY on timeline " + branch.timeline());
        var before = timelines.putIfAbsent(branch.timeline(), host.id);
        if (before != null) {
            throw new Broken("P5: timeline " + branch.timeline() + " was given to " + before + " and to " + host.id);
        }
        lost = 0;
        for (var commit : acknowledged) {
            if (!host.postgres.wal().contains(commit.branch(), commit.lsn())) lost++;
        }
    }

    /** P6: the leader of the node's current term says from whom. */
    void follows(Host host, Action.Follow follow) {
        var state = host.state().orElseThrow();
        if (!state.raft().term().equals(follow.term())) {
            throw new Broken("P6: " + host.id + " of term " + state.raft().term() + " follows by order of term "
                    + follow.term());
        }
        var leader = leaders.get(follow.term());
        if (leader == null || !leader.node().equals(follow.upstream())) {
            throw new Broken("P6: " + host.id + " follows " + follow.upstream() + ", the leader of term "
                    + follow.term() + " is " + leader);
        }
    }

    /** P7: a standby receives only what extends its own. */
    void streams(Host host, Host upstream) {
        if (!host.postgres.wal().isPrefixOf(upstream.postgres.wal())) {
            throw new Broken("P7: " + host.id + " with " + host.postgres.wal() + " streams from " + upstream.id
                    + " with " + upstream.postgres.wal() + ", which does not contain it");
        }
    }

    /** P10. */
    void bounded(Host host, String what, long size, long limit) {
        if (size > limit) throw new Broken("P10: the " + what + " of " + host.id + " grew to " + size + ", more than " + limit);
    }

    void logged(Host host, String text) {
        logLines++;
        if (text.contains("an operator allows that acknowledged commits are lost")) {
            lossAllowed = true;
            lossAllowedMillis = world.nowMillis;
        }
    }

    long logLines() {
        return logLines;
    }

    /** P11: one node is writable and every other one streams from it; else what is missing. */
    String unwell() {
        Host primary = null;
        for (var host : world.hosts) {
            if (host.postgres.isPrimary() && host.postgres.isOpen()) primary = host;
        }
        if (primary == null) return "no node is writable";
        for (var host : world.hosts) {
            if (host == primary || host.witness || !host.present) continue;
            if (!host.postgres.isStreaming()) return host.id + " does not stream";
            if (!host.postgres.wal().isPrefixOf(primary.postgres.wal())) return host.id + " has diverged";
        }
        return unsynchronised(primary);
    }

    /** The sync set is whole again: every data node, and as many standbys as there may be failures. */
    private String unsynchronised(Host primary) {
        var state = primary.state();
        if (state.isEmpty()) return primary.id + " has no worker";
        var sync = state.get().cluster().sync();
        int dataNodes = 0;
        boolean everyone = true;
        for (var host : world.hosts) {
            if (host.witness || !host.present) continue;
            dataNodes++;
            everyone &= sync.has(host.id, host.postgres.incarnation());
        }
        int minority = (world.present() - 1) / 2;
        int wanted = world.sync.mode() == SyncWish.Mode.OFF ? 0
                : Math.min(Math.max(world.sync.standbys(), minority), dataNodes - 1);
        boolean whole = sync.standbys() == wanted && (wanted == 0 ? sync.equals(SyncSet.NONE)
                : everyone && sync.members().size() == dataNodes);
        return whole ? "" : "the sync set is " + sync + ", not " + wanted + " of " + dataNodes;
    }
}
