package pgreplica.simulator.explore;

import java.util.List;

/**
 * A whole cluster at one moment: what is explored. Items happen in the order of {@code queue} if nothing is chosen
 * otherwise.
 *
 * @param held messages that are late, and come when they are let go
 * @param cuts a bit for each pair of nodes that cannot reach each other
 * @param last the node whose step, just now, did something that matters; -1 if none did
 * @param losses how often data or a state directory was lost
 */
record Cluster(List<Member> members, List<Interner.Unique<Item>> queue, List<Interner.Unique<Item>> held, long cuts,
               Interner.Unique<Ledger> ledger, int last, int losses) {

    int size() {
        return members.size();
    }

    Member member(int index) {
        return members.get(index);
    }

    boolean isQuiet() {
        return queue.isEmpty();
    }

    boolean isCut(int a, int b) {
        return (cuts & cut(a, b)) != 0;
    }

    static long cut(int a, int b) {
        return 1L << (Math.min(a, b) * 8 + Math.max(a, b));
    }

    int running() {
        int count = 0;
        for (var member : members) {
            if (member.isRunning() && !member.frozen()) count++;
        }
        return count;
    }
}
