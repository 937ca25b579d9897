package pgreplica.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import pgreplica.codec.HostAction;
import pgreplica.codec.HostEvent;

/**
 * The state directory of one host, as store.c uses it: what its processes read, and what is left of it when the power
 * fails. A write has a beginning and an end, with time between them in which the power can fail or the process be killed.
 */
final class Disk {
    /** @param renamed it replaced {@code durable}, and the directory is not synced yet */
    private record Content(byte[] seen, byte[] durable, boolean renamed) {
        static Content of(byte[] bytes) {
            return new Content(bytes, bytes, false);
        }
    }

    private final String owner;
    private final Dice dice;
    private final TreeMap<String, Content> files = new TreeMap<>();
    boolean full;
    /** Chance that fsync() fails. */
    double failing;
    /** The longest that one fsync() takes. */
    long slowestMillis;

    Disk(long seed, String owner) {
        this.owner = owner;
        dice = new Dice(seed, "disk of " + owner);
    }

    /** Whether what follows it waits until it is durable. */
    static boolean isWrite(HostAction action) {
        return action instanceof HostAction.StoreReplace || action instanceof HostAction.StoreAppend;
    }

    void clear() {
        files.clear();
    }

    void heal() {
        full = false;
        failing = 0;
        slowestMillis = 0;
    }

    List<HostEvent.File> read() {
        var found = new ArrayList<HostEvent.File>();
        files.forEach((name, content) -> found.add(new HostEvent.File(name, content.seen())));
        return found;
    }

    /**
     * What a process does before it reads: it writes its start number, which syncs the directory, and syncs what a
     * killed one may have left unsynced. False if it cannot.
     */
    boolean open() {
        if (full || fails()) return false;
        files.replaceAll((name, content) -> Content.of(content.seen()));
        return true;
    }

    long millis() {
        if (slowestMillis == 0) return 0;
        return dice.between(0, dice.chance(0.3) ? slowestMillis : Math.min(slowestMillis, 20));
    }

    /** The bytes are in the kernel; false if there is no room for them, and then nothing has changed. */
    boolean begin(HostAction action) {
        if (action instanceof HostAction.StoreAppend append) {
            var old = files.get(append.name());
            if (old == null || old.seen().length != append.offset()) {
                throw new Promises.Broken("P9: " + owner + " appends at " + append.offset() + " to " + append.name()
                        + " of " + (old == null ? "no" : old.seen().length) + " bytes");
            }
            if (!full) files.put(append.name(), new Content(longer(old.seen(), append.content()), old.durable(), false));
        }
        return !full;
    }

    /** fsync() returns. If it failed, store.c has cut off again what was appended; of a new file nothing was seen. */
    boolean finish(HostAction action) {
        boolean failed = fails();
        switch (action) {
            case HostAction.StoreReplace(var name, var content) -> {
                if (!failed) files.put(name, Content.of(content));
                else if (dice.chance(0.3)) rename(name, content);
            }
            case HostAction.StoreAppend append -> {
                var seen = files.get(append.name()).seen();
                var before = Arrays.copyOf(seen, (int) append.offset());
                files.put(append.name(), failed ? new Content(before, torn(before, seen), false) : Content.of(seen));
            }
            default -> throw new IllegalStateException("it is not stored");
        }
        return !failed;
    }

    /** The process is killed between the beginning and the end of a write. */
    void abandon(HostAction action) {
        if (action instanceof HostAction.StoreReplace(var name, var content) && dice.chance(0.5)) rename(name, content);
    }

    private void rename(String name, byte[] content) {
        var old = files.get(name);
        files.put(name, new Content(content, old == null ? null : old.durable(), true));
    }

    /** When the assistant comes to it. */
    long laterMillis() {
        return dice.between(1, 50);
    }

    /** The assistant's own write, which nobody waits for. */
    void replaceIfPossible(String name, byte[] content) {
        if (!full && !fails()) files.put(name, Content.of(content));
    }

    void losePower() {
        files.replaceAll((name, content) -> {
            var kept = content.renamed() && dice.chance(0.5) ? content.seen()
                    : !content.renamed() && content.seen().length > content.durable().length
                            ? torn(content.durable(), content.seen()) : content.durable();
            return new Content(kept, kept, false);
        });
        files.values().removeIf(content -> content.seen() == null);
    }

    private boolean fails() {
        return failing > 0 && dice.chance(failing);
    }

    /** What a disk may hold of an append that was not synced: a part of it, or its length with the bytes missing. */
    private byte[] torn(byte[] old, byte[] longer) {
        int kept = old.length + dice.below(longer.length - old.length + 1);
        var torn = Arrays.copyOf(longer, kept);
        if (dice.chance(0.3)) return Arrays.copyOf(torn, longer.length);
        if (dice.chance(0.2)) Arrays.fill(torn, old.length, old.length + (kept - old.length) / 2, (byte) 0);
        return torn;
    }

    private static byte[] longer(byte[] old, byte[] more) {
        var both = Arrays.copyOf(old, old.length + more.length);
        System.arraycopy(more, 0, both, old.length, more.length);
        return both;
    }
}
