package pgreplica.codec;

/** The checksum of zlib and Ethernet (reflected polynomial EDB88320). */
final class Crc32 {
    private static final int[] TABLE = table();

    private Crc32() {}

    static int of(byte[] bytes) {
        return of(bytes, 0, bytes.length);
    }

    static int of(byte[] bytes, int start, int length) {
        int sum = 0xffffffff;
        for (int i = 0; i < length; i++) {
            sum = TABLE[(sum ^ bytes[start + i]) & 0xff] ^ sum >>> 8;
        }
        return ~sum;
    }

    private static int[] table() {
        var table = new int[256];
        for (int i = 0; i < 256; i++) {
            int remainder = i;
            for (int bit = 0; bit < 8; bit++) {
                remainder = (remainder & 1) != 0 ? 0xEDB88320 ^ remainder >>> 1 : remainder >>> 1;
            }
            table[i] = remainder;
        }
        return table;
    }
}
