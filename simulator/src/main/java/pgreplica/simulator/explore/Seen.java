package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The clusters that were reached, each as a fingerprint of 128 bits, and how: some 30 bytes for each. Two different
 * clusters with one fingerprint would hide one of them; with 100 million clusters the chance of any such pair is
 * below 1 in 10^22.
 */
final class Seen {
    private long[] high = new long[1 << 16];
    private long[] low = new long[1 << 16];
    private int[] parent = new int[1 << 16];
    private int[] choice = new int[1 << 16];
    private int[] table = new int[1 << 18];
    private int size;

    int size() {
        return size;
    }

    /** @return its number, or -1 if it was there already */
    int add(Cluster cluster, int from, Choice by) {
        long a = fingerprint(cluster, 0x9E3779B97F4A7C15L);
        long b = fingerprint(cluster, 0xC2B2AE3D27D4EB4FL);
        int slot = slot(a, b);
        if (table[slot] != 0) return -1;
        if (size == high.length) grow();
        high[size] = a;
        low[size] = b;
        parent[size] = from;
        choice[size] = by.packed();
        table[slot] = ++size;
        if (size > table.length / 2) rehash();
        return size - 1;
    }

    boolean contains(Cluster cluster) {
        return table[slot(fingerprint(cluster, 0x9E3779B97F4A7C15L), fingerprint(cluster, 0xC2B2AE3D27D4EB4FL))] != 0;
    }

    private int slot(long a, long b) {
        int mask = table.length - 1;
        int slot = (int) a & mask;
        while (table[slot] != 0) {
            int known = table[slot] - 1;
            if (high[known] == a && low[known] == b) return slot;
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        int larger = high.length * 2;
        high = Arrays.copyOf(high, larger);
        low = Arrays.copyOf(low, larger);
        parent = Arrays.copyOf(parent, larger);
        choice = Arrays.copyOf(choice, larger);
    }

    private void rehash() {
        table = new int[table.length * 2];
        int mask = table.length - 1;
        for (int i = 0; i < size; i++) {
            int slot = (int) high[i] & mask;
            while (table[slot] != 0) slot = slot + 1 & mask;
            table[slot] = i + 1;
        }
    }

    /** The choices that led there from the first one. */
    List<Choice> path(int number) {
        var choices = new ArrayList<Choice>();
        for (int at = number; parent[at] >= 0; at = parent[at]) choices.add(Choice.unpacked(choice[at]));
        Collections.reverse(choices);
        return choices;
    }

    private static long fingerprint(Cluster cluster, long seed) {
        long hash = seed;
        for (var member : cluster.members()) {
            hash = mix(hash, member.core().isPresent() ? member.core().get().number : -1);
            hash = mix(hash, member.disk().number);
            hash = mix(hash, member.server().number);
            hash = mix(hash, member.wakeAt() << 8 | (member.powered() ? 1 : 0) | (member.frozen() ? 2 : 0)
                    | (member.preStart() ? 4 : 0) | (long) member.lostStates() << 4);
        }
        for (var item : cluster.queue()) hash = mix(hash, item.number);
        hash = mix(hash, -2);
        // What is late comes in any order.
        long late = 0;
        for (var item : cluster.held()) late += mix(seed, item.number);
        hash = mix(hash, late);
        hash = mix(hash, cluster.cuts());
        hash = mix(hash, cluster.ledger().number);
        return mix(hash, cluster.last() * 16L + cluster.losses());
    }

    private static long mix(long hash, long value) {
        long x = (hash ^ value * 0xFF51AFD7ED558CCDL) * 0x9E3779B97F4A7C15L;
        x ^= x >>> 32;
        x *= 0xC4CEB9FE1A85EC53L;
        return x ^ x >>> 29;
    }
}
