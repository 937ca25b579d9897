package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;

/** How a search begins: a cluster that founded itself, without a fault, and is well. */
final class Prologue {
    private static final int MOST_CHOICES = 100_000;

    /** A promise that does not hold even while a cluster is founded. */
    static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Broken(String what) {
            super(what);
        }
    }

    private Prologue() {}

    /** @return the choices that lead from {@link Machine#unfounded} to a cluster that is well */
    static List<Choice> of(Machine machine) {
        var choices = new ArrayList<Choice>();
        var cluster = machine.unfounded();
        for (int i = 0; i < machine.nodes(); i++) {
            var boot = Choice.of(Choice.Kind.BOOT, i);
            choices.add(boot);
            cluster = machine.draft(cluster).take(boot).done();
        }
        int turn = 0;
        while (!isWell(cluster)) {
            if (choices.size() > MOST_CHOICES) throw new Broken("P11: the cluster does not get well");
            var choice = !cluster.isQuiet() ? Choice.of(Choice.Kind.NEXT)
                    : machine.clock == Clock.SHARED ? Choice.of(Choice.Kind.TIME)
                    : Choice.of(Choice.Kind.TICK, turn++ % machine.nodes());
            choices.add(choice);
            var draft = machine.draft(cluster).take(choice);
            if (!draft.broken.isEmpty()) throw new Broken(draft.broken);
            cluster = draft.done();
        }
        return choices;
    }

    /** One node is open, every other one streams from it and has all it has, and nothing is under way. */
    static boolean isWell(Cluster cluster) {
        if (!cluster.isQuiet()) return false;
        Member primary = null;
        for (var member : cluster.members()) {
            if (member.postgres().isOpen()) primary = member;
        }
        if (primary == null || !primary.state().cluster().foundingComplete()) return false;
        for (var member : cluster.members()) {
            if (!member.isRunning()) return false;
            boolean follows = member == primary || member.postgres().streaming()
                    && member.postgres().wal().equals(primary.postgres().wal());
            boolean knows = member.state().applied().equals(primary.state().raft().lastPosition());
            if (!follows || !knows) return false;
        }
        return true;
    }
}
