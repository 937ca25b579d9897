package pgreplica.entry;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** A small machine with the habits of the real one: records, sorted maps, strings, exceptions. */
public final class ToyMachine implements Machine {
    private record Item(int key, long sum, String text) {}

    private TreeMap<Integer, Item> items = new TreeMap<>();
    private List<Item> recent = new ArrayList<>();

    @Override public byte[] step(byte[] event) {
        if (event.length == 0) throw new MalformedEvent("it is empty");
        var next = new TreeMap<>(items);
        var seen = new ArrayList<>(recent);
        for (byte b : event) {
            int key = b & 0x3f;
            var before = next.get(key);
            var item = before == null
                    ? new Item(key, b, "n" + key)
                    : new Item(key, before.sum() * 31 + b, tail(before.text() + b));
            next.put(key, item);
            seen.add(item);
        }
        while (seen.size() > 50) seen.remove(0);
        items = next;
        recent = seen;
        return bytes(seen.toString());
    }

    private static String tail(String text) {
        return text.length() <= 20 ? text : text.substring(text.length() - 20);
    }

    @Override public byte[] state() {
        return bytes(items.toString());
    }

    private static byte[] bytes(String text) {
        var bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) text.charAt(i);
        return bytes;
    }
}
