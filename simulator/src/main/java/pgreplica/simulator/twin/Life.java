package pgreplica.simulator.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import pgreplica.codec.Session;

/** What a node was told since it started, and the JVM build of it. Kept so that a difference can be looked at. */
final class Life {
    private static final int SHOWN = 1000;

    private final Session session = new Session();
    private final List<byte[]> events = new ArrayList<>();
    private boolean refused;

    Session session() {
        return session;
    }

    boolean isEmpty() {
        return events.isEmpty();
    }

    /** Returns which event of this life it is. */
    int add(byte[] event) {
        events.add(event);
        return events.size() - 1;
    }

    void refuse() {
        refused = true;
    }

    boolean isRefused() {
        return refused;
    }

    int size() {
        return events.size();
    }

    /** Runs both builds anew through this life up to the event, and shows where they first differ. */
    Optional<String> firstDifference(Path program, int lastIndex) throws IOException {
        var again = new Session();
        try (var twin = new NativeTwin(program)) {
            for (int i = 0; i <= lastIndex; i++) {
                var event = events.get(i);
                var difference = differenceOrEndAt(event, again, twin);
                if (!difference.isEmpty()) return Optional.of("alone, its life differs first at event " + i
                        + " since the start: " + shown(event) + "\n" + difference);
            }
        }
        return Optional.empty();
    }

    private static String differenceOrEndAt(byte[] event, Session jvm, NativeTwin twin) throws IOException {
        try {
            return differenceAt(event, jvm, twin);
        } catch (Difference ended) {
            return ended.getMessage();
        }
    }

    private static String differenceAt(byte[] event, Session jvm, NativeTwin twin) throws IOException {
        byte[] reply;
        try {
            reply = jvm.step(event);
        } catch (RuntimeException refusal) {
            var c = twin.bytesAfter(event);
            return c.state().length == 0 ? "" : "JVM refuses: " + refusal + "\nC   answers " + shown(c.reply());
        }
        var c = twin.bytesAfter(event);
        if (c.state().length == 0) return "JVM answers " + shown(reply) + "\nC   refuses, for the reason above";
        return difference("actions", reply, c.reply()) + difference("state", jvm.state(), c.state());
    }

    private static String difference(String what, byte[] jvm, byte[] c) {
        int at = Arrays.mismatch(jvm, c);
        return at < 0 ? "" : what + " differ first at byte " + at + "\nJVM " + shown(jvm) + "\nC   " + shown(c) + "\n";
    }

    private static String shown(byte[] bytes) {
        var hex = HexFormat.of().formatHex(bytes);
        return bytes.length + " bytes " + (hex.length() <= SHOWN ? hex : hex.substring(0, SHOWN) + "...");
    }
}
