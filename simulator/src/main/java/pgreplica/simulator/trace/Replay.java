package pgreplica.simulator.trace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import pgreplica.codec.HostActionCodec;
import pgreplica.codec.HostEventCodec;
import pgreplica.codec.Session;
import pgreplica.simulator.Words;

/** A recorded trace once more, through the core on the JVM. */
final class Replay {
    private static final int SHOWN_BEFORE = 5;

    private final List<TraceFile.Entry> entries;
    private final ArrayList<String> latest = new ArrayList<>();
    private Session session = new Session();
    private byte[] reply = new byte[0];
    private String refusal = "";
    private long events;
    private long states;
    /** Told every event and action in words, for who wants to read along. */
    private final boolean tells;

    Replay(List<TraceFile.Entry> entries, boolean tells) {
        this.entries = entries;
        this.tells = tells;
    }

    long events() {
        return events;
    }

    long states() {
        return states;
    }

    /** Where the JVM first does something else than was recorded; empty if nowhere. */
    String firstDifference() {
        for (var entry : entries) {
            var difference = switch (entry.kind()) {
                case REMARK -> {
                    note(entry.text());
                    yield "";
                }
                case EVENT -> {
                    step(entry.bytes());
                    yield "";
                }
                case ACTIONS -> actions(entry.bytes());
                case REFUSAL -> refusal.isEmpty()
                        ? "the host ended here: " + entry.text() + "\n  the JVM goes on with: " + words(reply) : "";
                case STATE -> state(entry.bytes());
            };
            if (!difference.isEmpty()) return "at event " + events + "\n" + String.join("\n", latest) + "\n" + difference;
        }
        return "";
    }

    private void step(byte[] event) {
        events++;
        note(told(event));
        refusal = "";
        reply = new byte[0];
        try {
            reply = session.step(event);
        } catch (RuntimeException refused) {
            refusal = refused.toString();
            note("refused: " + refusal);
            session = new Session();
        }
    }

    private String actions(byte[] recorded) {
        if (!refusal.isEmpty()) return "recorded: " + words(recorded) + "\nthe JVM refuses: " + refusal;
        if (Arrays.equals(recorded, reply)) {
            for (var action : HostActionCodec.decode(reply)) Words.of(action).ifPresent(words -> note("  -> " + words));
            return "";
        }
        return "recorded: " + words(recorded) + "\nthe JVM:  " + words(reply) + "\nbyte " + Arrays.mismatch(recorded, reply);
    }

    private String state(byte[] recorded) {
        states++;
        var now = session.state();
        return Arrays.equals(recorded, now) ? "" : "the state differs at byte " + Arrays.mismatch(recorded, now) + " of "
                + recorded.length + " recorded, " + now.length + " on the JVM\n" + session.node();
    }

    private void note(String line) {
        if (tells) System.out.println(line);
        latest.add(line);
        if (latest.size() > 2 * SHOWN_BEFORE) latest.removeFirst();
    }

    private static String told(byte[] event) {
        try {
            var timed = HostEventCodec.decode(event);
            return timed.nowMillis() + " <- " + Words.of(timed.event());
        } catch (RuntimeException malformed) {
            return "<- an event that cannot be read: " + malformed.getMessage();
        }
    }

    /** Every byte of them counts where they differ. */
    private static String words(byte[] actions) {
        try {
            return HostActionCodec.decode(actions).toString();
        } catch (RuntimeException malformed) {
            return "actions that cannot be read: " + malformed.getMessage();
        }
    }
}
