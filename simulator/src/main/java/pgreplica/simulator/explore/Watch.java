package pgreplica.simulator.explore;

import java.util.Optional;
import pgreplica.base.Term;
import pgreplica.node.Action;

/** What must hold, looked at after every choice. Each message names the promise. */
final class Watch {
    private Watch() {}

    static void check(Draft draft) {
        var everyNode = new Term(Long.MAX_VALUE);
        for (var member : draft.members) {
            var term = member.disk().value.ballot().term();
            if (everyNode.isAfter(term)) everyNode = term;
        }
        for (var member : draft.members) {
            if (!member.isRunning()) continue;
            oneLeader(draft, member);
            oneHistory(draft, member);
        }
        openFences(draft);
        draft.ledger = draft.ledger.since(everyNode);
    }

    /** P1: over the whole history, not only among those who lead right now. */
    private static void oneLeader(Draft draft, Member member) {
        var raft = member.state().raft();
        if (!raft.isLeader()) return;
        var known = draft.ledger.leaders().get(raft.term());
        if (known == null) draft.ledger = draft.ledger.led(raft.term(), raft.self());
        else if (!known.equals(raft.self())) {
            draft.breaks("P1: term " + raft.term() + " has leaders " + known + " and " + raft.self());
        }
    }

    private static void oneHistory(Draft draft, Member member) {
        var raft = member.state().raft();
        for (long index = raft.commitIndex(); index > raft.log().base().last().index(); index--) {
            var position = raft.log().entry(index).position();
            var known = draft.ledger.committed().get(index);
            if (position.equals(known)) return; // the entries before it are equal, too (log matching)
            if (known != null) {
                draft.breaks("P1: " + raft.self() + " has committed " + position + ", another node " + known);
                return;
            }
            draft.ledger = draft.ledger.committed(position);
        }
    }

    private static void openFences(Draft draft) {
        int open = -1;
        for (int i = 0; i < draft.members.size(); i++) {
            if (!isOpen(draft, i)) continue;
            if (draft.machine.clock == Clock.SHARED) {
                if (open >= 0) {
                    draft.breaks("P2: " + draft.machine.id(open) + " and " + draft.machine.id(i)
                            + " are open at the same time");
                }
                open = i;
            }
            opened(draft, i);
        }
    }

    private static boolean isOpen(Draft draft, int index) {
        return draft.member(index).powered() && draft.server(index).isOpen();
    }

    /** P2: where a commit is acknowledged, none was in a higher term or on a later timeline before. */
    private static void opened(Draft draft, int index) {
        var server = draft.server(index);
        if (!server.isPrimary()) return; // orphans open nothing new
        int timeline = server.wal().branch().timeline();
        boolean later = !draft.ledger.opened().isEmpty() && draft.ledger.opened().lastKey() > timeline;
        boolean timed = draft.machine.clock == Clock.SHARED;
        if (timed && later) {
            draft.breaks("P2: " + draft.machine.id(index) + " is open on timeline " + timeline
                    + ", after another was on timeline " + draft.ledger.opened().lastKey());
        }
        if (!draft.member(index).isRunning()) return;
        var term = draft.member(index).state().raft().term();
        if (timed && draft.ledger.openedTerm().isAfter(term)) {
            draft.breaks("P2: " + draft.machine.id(index) + " is open in term " + term
                    + ", after another was in term " + draft.ledger.openedTerm());
        }
        if (!draft.ledger.opened().containsKey(timeline) || term.isAfter(draft.ledger.openedTerm())) {
            hasAllAcknowledged(draft, index, server.wal());
            draft.ledger = draft.ledger.opened(term, server.wal());
            show(draft, server);
            if (draft.isTold()) draft.say("  " + draft.machine.id(index) + " OPENS its fence in term " + term);
        }
    }

    /** P3: what was acknowledged on this timeline or an earlier one is on every primary that opens. */
    private static void hasAllAcknowledged(Draft draft, int index, Wal wal) {
        for (var commit : draft.ledger.acknowledged()) {
            if (commit.branch().timeline() <= wal.branch().timeline() && !wal.contains(commit)) {
                draft.breaks("P3: " + draft.machine.id(index) + " opens with " + wal + ", without " + commit
                        + ", which was acknowledged");
            }
        }
    }

    /** Who reads from a primary that has opened sees all it holds: that counts as told (A2b, B19). */
    private static void show(Draft draft, Server server) {
        if (!server.sync().demanded()) return;
        for (var commit : draft.ledger.written()) {
            boolean shown = server.wal().contains(commit) && !draft.ledger.acknowledged().contains(commit);
            if (shown) draft.ledger = draft.ledger.acknowledged(commit);
        }
    }

    /** P3: and an earlier primary acknowledges nothing that a later one that has opened lacks. */
    static void acknowledged(Draft draft, int index, Wal.Commit commit) {
        for (var later : draft.ledger.opened().entrySet()) {
            if (later.getKey() > commit.branch().timeline() && !later.getValue().contains(commit)) {
                draft.breaks("P3: " + draft.machine.id(index) + " acknowledges " + commit + ", which the primary on "
                        + "timeline " + later.getKey() + " opened without");
            }
        }
    }

    /** P5, and A3: a timeline number is one promotion's for ever. */
    static void promoted(Draft draft, int index, Wal.Branch branch) {
        var before = draft.ledger.timelines().get(branch.timeline());
        if (before != null) {
            draft.breaks("P5: timeline " + branch.timeline() + " was given to " + before + " and to "
                    + draft.machine.id(index));
        }
        draft.ledger = draft.ledger.promoted(branch.timeline(), draft.machine.id(index));
    }

    /** P7: only complete data of the cluster is promoted. P4: and not while leadership goes to a better node. */
    static void promotes(Draft draft, int index) {
        var state = draft.member(index).state();
        boolean whole = draft.server(index).systemIdentifier() == state.cluster().founding().orElseThrow()
                .systemIdentifier() && draft.server(index).work().isEmpty();
        if (!whole) draft.breaks("P7: " + draft.machine.id(index) + " is promoted with data that is not the cluster's");
        if (state.raft().handover().isPresent()) {
            draft.breaks("P4: " + draft.machine.id(index) + " is promoted while it hands over to "
                    + state.raft().handover().get().target());
        }
    }

    /** P6: the leader of the node's current term says from whom. */
    static void follows(Draft draft, int index, Action.Follow follow) {
        var term = draft.member(index).state().raft().term();
        var leader = Optional.ofNullable(draft.ledger.leaders().get(follow.term()));
        if (!term.equals(follow.term()) || leader.isEmpty() || !leader.get().node().equals(follow.upstream())) {
            draft.breaks("P6: " + draft.machine.id(index) + " of term " + term + " follows " + follow.upstream()
                    + " by order of term " + follow.term() + ", which " + leader + " led");
        }
    }
}
