package pgreplica.codec;

import java.util.Collection;
import java.util.Optional;
import java.util.SortedMap;

/** Appends the primitives of docs/host-border.md to a growing buffer. */
public final class ByteWriter {
    private byte[] buffer;
    private int length;

    /** How one item is written. */
    public interface Writing<T> {
        void write(ByteWriter out, T value);
    }

    public ByteWriter() {
        this(256);
    }

    public ByteWriter(int capacity) {
        buffer = new byte[Math.max(capacity, 16)];
    }

    public int length() {
        return length;
    }

    public byte[] toBytes() {
        var bytes = new byte[length];
        System.arraycopy(buffer, 0, bytes, 0, length);
        return bytes;
    }

    /** The checksum of what was written from {@code start} on. */
    public int checksumFrom(int start) {
        return Crc32.of(buffer, start, length - start);
    }

    /** The checksum of everything so far; what is behind it is not covered. */
    public ByteWriter seal() {
        u32(checksumFrom(0));
        return this;
    }

    public void u8(int value) {
        if (value < 0 || value > 255) throw new IllegalArgumentException("not a byte: " + value);
        makeRoom(1);
        buffer[length++] = (byte) value;
    }

    public void bool(boolean value) {
        u8(value ? 1 : 0);
    }

    public void u32(int value) {
        makeRoom(4);
        put32(length, value);
        length += 4;
    }

    /** Overwrites a number written before, once what it counts is known. */
    public void u32At(int position, int value) {
        if (position < 0 || position > length - 4) throw new IllegalArgumentException("nothing was written there");
        put32(position, value);
    }

    public void i64(long value) {
        u32((int) (value >>> 32));
        u32((int) value);
    }

    public void bytes(byte[] value) {
        u32(value.length);
        makeRoom(value.length);
        System.arraycopy(value, 0, buffer, length, value.length);
        length += value.length;
    }

    /** Text as printable ASCII; what is not becomes a question mark, so that every text can be read back. */
    public void str(String value) {
        int characters = value.length();
        u32(characters);
        makeRoom(characters);
        var to = buffer;
        int at = length;
        for (int i = 0; i < characters; i++) {
            char character = value.charAt(i);
            to[at++] = (byte) (Ascii.isPrintable(character) ? character : '?');
        }
        length = at;
    }

    public <T> void list(Collection<T> items, Writing<T> item) {
        u32(items.size());
        for (var value : items) item.write(this, value);
    }

    public <K, V> void map(SortedMap<K, V> map, Writing<K> key, Writing<V> value) {
        u32(map.size());
        for (var entry : map.entrySet()) {
            key.write(this, entry.getKey());
            value.write(this, entry.getValue());
        }
    }

    public <T> void optional(Optional<T> value, Writing<T> item) {
        bool(value.isPresent());
        if (value.isPresent()) item.write(this, value.get());
    }

    private void put32(int position, int value) {
        buffer[position] = (byte) (value >>> 24);
        buffer[position + 1] = (byte) (value >>> 16);
        buffer[position + 2] = (byte) (value >>> 8);
        buffer[position + 3] = (byte) value;
    }

    private void makeRoom(int more) {
        if (more <= buffer.length - length) return;
        var larger = new byte[Math.max(buffer.length * 2, length + more)];
        System.arraycopy(buffer, 0, larger, 0, length);
        buffer = larger;
    }
}
