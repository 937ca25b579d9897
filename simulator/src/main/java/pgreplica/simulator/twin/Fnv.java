package pgreplica.simulator.twin;

/** The 64-bit FNV-1a hash over everything answered so far, as twin.c computes it. */
final class Fnv {
    private long value = 0xcbf29ce484222325L;

    long value() {
        return value;
    }

    void add(byte[] bytes) {
        long hash = value;
        for (byte b : bytes) hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        value = hash;
    }

    void addInt(int number) {
        long hash = value;
        for (int shift = 24; shift >= 0; shift -= 8) hash = (hash ^ (number >>> shift & 0xff)) * 0x100000001b3L;
        value = hash;
    }
}
