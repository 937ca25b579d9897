package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.NodeId;

/** What operators were told: each request is answered once, in time, and what the answer says is so (P11, P4, A6). */
final class Answers {
    /** After eight election timeouts the node itself gives up; it looks at least twice in one. */
    private static final long LATEST_MILLIS = 9000;

    private static final String HANDED = "leadership is handed to ";

    private record Question(Host host, int life, long id) {}

    /** The milliseconds for which the node could have answered since it was asked. */
    private static final class Waiting {
        private final Question question;
        private final boolean lossAllowed;
        private long millis;

        Waiting(Question question, boolean lossAllowed) {
            this.question = question;
            this.lossAllowed = lossAllowed;
        }
    }

    private final List<Waiting> waiting = new ArrayList<>();
    private long lossAllowedMillis = -LATEST_MILLIS;

    void asked(Host host, long id, boolean lossAllowed) {
        if (lossAllowed) lossAllowedMillis = host.world.nowMillis;
        waiting.add(new Waiting(new Question(host, host.life, id), lossAllowed));
    }

    void answered(Host host, long id, boolean ok, String text) {
        var question = new Question(host, host.life, id);
        var answered = waiting.stream().filter(one -> one.question.equals(question)).findFirst().orElseThrow(() ->
                new Promises.Broken("P11: " + host.id + " answers request " + id + ", which nobody waits for: " + text));
        waiting.remove(answered);
        // Passed on by another node the answer may come late, when this one is primary again.
        boolean handsOver = host.state().map(state -> state.raft().handover().isPresent()).orElse(false);
        boolean handedOver = ok && handsOver && text.startsWith(HANDED);
        // Who asks while a handover runs that may lose something is told of that one.
        if (handedOver && !answered.lossAllowed && host.world.nowMillis > lossAllowedMillis + LATEST_MILLIS) {
            host.world.promises.hasEverything(host.world.host(new NodeId(text.substring(HANDED.length()))), host);
        }
        if (handedOver && host.postgres.isOpen()) {
            throw new Promises.Broken("A6: " + host.id + " says \"" + text + "\" and takes writes");
        }
        boolean promoted = ok && text.startsWith("node " + host.id + " is primary");
        if (promoted && !host.postgres.isPrimary()) {
            throw new Promises.Broken("B7: " + host.id + " says \"" + text + "\" and is no primary");
        }
    }

    /** A worker that ended took its clients' requests with it; one that is stuck cannot answer. */
    void pass(long millis) {
        waiting.removeIf(one -> one.question.life() != one.question.host().life);
        for (var one : waiting) {
            if (!one.question.host().isStuck()) one.millis += millis;
            if (one.millis > LATEST_MILLIS) {
                throw new Promises.Broken("P11: request " + one.question.id() + " to " + one.question.host().id
                        + " has no answer after " + one.millis + " ms");
            }
        }
    }
}
