package pgreplica.simulator.twin;

import java.util.Arrays;
import java.util.Iterator;
import java.util.SplittableRandom;

/**
 * What nodes of simulated clusters are told, and now and then what they never should be: damaged messages, which
 * the core must drop, and damaged events, which it must refuse. After a refusal its process ends, so nothing comes
 * until the next start.
 */
final class RoughEvents {
    private static final int START = 1;
    private static final int MESSAGE_RECEIVED = 3;
    /** The tag and the time. Time only goes on, whoever damages what. */
    private static final int HEAD_BYTES = 9;
    private static final int MESSAGES_PER_DAMAGED_ONE = 500;
    private static final int EVENTS_PER_DAMAGED_ONE = 20_000;

    private final Iterator<byte[]> events;
    private final SplittableRandom random;
    private byte[] held = new byte[0];

    RoughEvents(Iterator<byte[]> events, long seed) {
        this.events = events;
        random = new SplittableRandom(seed);
    }

    static boolean isStart(byte[] event) {
        return event.length > 0 && event[0] == START;
    }

    byte[] next() {
        if (held.length > 0) {
            var event = held;
            held = new byte[0];
            return event;
        }
        var event = events.next();
        if (random.nextInt(EVENTS_PER_DAMAGED_ONE) == 0) return damaged(event, HEAD_BYTES);
        if (event[0] == MESSAGE_RECEIVED && random.nextInt(MESSAGES_PER_DAMAGED_ONE) == 0) {
            held = event;
            return damagedMessage(event);
        }
        return event;
    }

    byte[] nextStart() {
        held = new byte[0];
        while (true) {
            var event = events.next();
            if (isStart(event)) return event;
        }
    }

    /** Cut short with its length corrected, or one byte of it another, so that the envelope's decoder has to see it. */
    private byte[] damagedMessage(byte[] event) {
        int name = HEAD_BYTES + 4 + number(event, HEAD_BYTES);
        int payload = name + 4;
        if (payload == event.length) return event;
        if (random.nextBoolean()) return damaged(event, payload);
        var cut = Arrays.copyOf(event, payload + random.nextInt(event.length - payload));
        putNumber(cut, name, cut.length - payload);
        return cut;
    }

    /** Cut short, or one byte another. */
    private byte[] damaged(byte[] event, int from) {
        if (from >= event.length || random.nextInt(4) == 0) return Arrays.copyOf(event, random.nextInt(event.length));
        var other = event.clone();
        other[from + random.nextInt(event.length - from)] ^= (byte) (1 << random.nextInt(8));
        return other;
    }

    private static int number(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 24 | (bytes[at + 1] & 0xff) << 16 | (bytes[at + 2] & 0xff) << 8
                | bytes[at + 3] & 0xff;
    }

    private static void putNumber(byte[] bytes, int at, int number) {
        for (int i = 0; i < 4; i++) bytes[at + i] = (byte) (number >> 24 - 8 * i);
    }
}
