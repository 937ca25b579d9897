package pgreplica.node;

import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import pgreplica.base.FrozenSet;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.node.NodeState.Leadership;
import pgreplica.node.NodeState.Leaving;
import pgreplica.node.NodeState.Syncing;
import pgreplica.node.NodeState.Told;

/** The records with many independent facts, open to change while a step is being made. */
final class Draft {
    private Draft() {}

    /** {@link Told} in the making. */
    static final class Telling {
        long leaseUntilMillis;
        String leaseWhy;
        boolean leaseQuorum;
        boolean closedSeen;
        long statusAtMillis;
        String statusKey;
        long publishedAtMillis;
        String publishedKey;
        String settledKey;
        long ordersAtMillis;
        String ordersKey;
        String slots;
        long slotsAtMillis;
        List<String> admitted;
        Timeline checkpointed;
        long identityToldAtMillis;
        long floorAtMillis;
        Lsn floor;
        String sync;
        long syncAtMillis;
        boolean reads;
        String collation;

        Telling(Told before) {
            leaseUntilMillis = before.leaseUntilMillis();
            leaseWhy = before.leaseWhy();
            leaseQuorum = before.leaseQuorum();
            closedSeen = before.closedSeen();
            statusAtMillis = before.statusAtMillis();
            statusKey = before.statusKey();
            publishedAtMillis = before.publishedAtMillis();
            publishedKey = before.publishedKey();
            settledKey = before.settledKey();
            ordersAtMillis = before.ordersAtMillis();
            ordersKey = before.ordersKey();
            slots = before.slots();
            slotsAtMillis = before.slotsAtMillis();
            admitted = before.admitted();
            checkpointed = before.checkpointed();
            identityToldAtMillis = before.identityToldAtMillis();
            floorAtMillis = before.floorAtMillis();
            floor = before.floor();
            sync = before.sync();
            syncAtMillis = before.syncAtMillis();
            reads = before.reads();
            collation = before.collation();
        }

        Told done() {
            return new Told(leaseUntilMillis, leaseWhy, leaseQuorum, closedSeen, statusAtMillis, statusKey, publishedAtMillis,
                    publishedKey, settledKey, ordersAtMillis, ordersKey, slots, slotsAtMillis, admitted, checkpointed,
                    identityToldAtMillis, floorAtMillis, floor, sync, syncAtMillis, reads, collation);
        }
    }

    /** {@link Leadership} in the making. */
    static final class Leading {
        Term term;
        long sinceMillis;
        boolean summoned;
        long vacancy;
        SortedSet<NodeId> tried;
        long triedAtMillis;
        long graceSinceMillis;
        int rule;
        String ruleText;
        boolean appointing;
        boolean recordingFork;
        Optional<Leaving> leaving;
        boolean lossAllowed;
        Syncing syncing;
        long ailingSinceMillis;

        Leading(Leadership before) {
            term = before.term();
            sinceMillis = before.sinceMillis();
            summoned = before.summoned();
            vacancy = before.vacancy();
            tried = before.tried();
            triedAtMillis = before.triedAtMillis();
            graceSinceMillis = before.graceSinceMillis();
            rule = before.rule();
            ruleText = before.ruleText();
            appointing = before.appointing();
            recordingFork = before.recordingFork();
            leaving = before.leaving();
            lossAllowed = before.lossAllowed();
            syncing = before.syncing();
            ailingSinceMillis = before.ailingSinceMillis();
        }

        /** A new term begins: what was proposed or asked in the old one is void, the vacancy's memory stays. */
        void begin(Term begun) {
            term = begun;
            sinceMillis = 0;
            summoned = false;
            rule = 0;
            ruleText = "";
            appointing = false;
            recordingFork = false;
            leaving = Optional.empty();
            lossAllowed = false;
            syncing = Syncing.NONE;
        }

        /** The leader of the term before asked this node to take over. */
        void summon(Term next) {
            begin(next);
            summoned = true;
        }

        Leadership done() {
            return new Leadership(term, sinceMillis, summoned, vacancy,
                    FrozenSet.of(tried), triedAtMillis, graceSinceMillis, rule, ruleText,
                    appointing, recordingFork, leaving, lossAllowed, syncing,
                    ailingSinceMillis);
        }
    }
}
