package pgreplica.codec;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Reads the primitives of docs/host-border.md from bytes of unknown origin. Each length and count is checked against
 * what is left before anything is allocated, so that no input asks for more memory than it has bytes.
 */
public final class ByteReader {
    private final byte[] source;
    private final int end;
    private final boolean lenientText;
    private int position;

    /** How one item is read. */
    public interface Reading<T> {
        T read(ByteReader in);
    }

    public ByteReader(byte[] source) {
        this(source, 0, source.length, false);
    }

    private ByteReader(byte[] source, int start, int length, boolean lenientText) {
        this.source = source;
        this.position = start;
        this.end = start + length;
        this.lenientText = lenientText;
    }

    /** For text that a server or a person wrote: a character that is not printable ASCII becomes a question mark. */
    public static ByteReader withLenientText(byte[] source) {
        return new ByteReader(source, 0, source.length, true);
    }

    public int remaining() {
        return end - position;
    }

    public int position() {
        return position;
    }

    public int u8() {
        need(1);
        return source[position++] & 0xff;
    }

    public boolean bool() {
        return switch (u8()) {
            case 0 -> false;
            case 1 -> true;
            default -> throw new Malformed("a truth value that is neither 0 nor 1");
        };
    }

    public int u32() {
        need(4);
        int value = (source[position] & 0xff) << 24 | (source[position + 1] & 0xff) << 16
                | (source[position + 2] & 0xff) << 8 | source[position + 3] & 0xff;
        position += 4;
        return value;
    }

    /** A u32 in the range of a positive int. */
    public int number() {
        int value = u32();
        if (value < 0) throw new Malformed("a number beyond 2147483647");
        return value;
    }

    public long i64() {
        long high = u32();
        long low = u32() & 0xffffffffL;
        return high << 32 | low;
    }

    public long notNegative() {
        long value = i64();
        if (value < 0) throw new Malformed("a negative number");
        return value;
    }

    public byte[] bytes() {
        int length = number();
        need(length);
        var value = new byte[length];
        System.arraycopy(source, position, value, 0, length);
        position += length;
        return value;
    }

    /** A reader of the next {@code length} bytes, which this one skips. */
    public ByteReader part(int length) {
        if (length < 0) throw new Malformed("a negative length");
        need(length);
        var part = new ByteReader(source, position, length, lenientText);
        position += length;
        return part;
    }

    /** The checksum of the next {@code length} bytes, which stay unread. */
    public int checksum(int length) {
        if (length < 0) throw new Malformed("a negative length");
        need(length);
        return Crc32.of(source, position, length);
    }

    /** What {@link ByteWriter#seal} ended: everything before the last four bytes, which must be its checksum. */
    public static ByteReader sealed(byte[] content) {
        var whole = new ByteReader(content);
        var body = whole.part(content.length - 4);
        whole.checkSeal();
        return body;
    }

    /** The next four bytes are the checksum of all before them. */
    public void checkSeal() {
        int checksum = Crc32.of(source, 0, position);
        if (u32() != checksum) throw new Malformed("the checksum does not match");
    }

    public ByteReader skip(int length) {
        part(length);
        return this;
    }

    public String str() {
        int length = number();
        need(length);
        var characters = new char[length];
        for (int i = 0; i < length; i++) {
            int character = source[position + i] & 0xff;
            if (!Ascii.isPrintable(character)) {
                if (!lenientText) throw new Malformed("text that is not printable ASCII");
                character = '?';
            }
            characters[i] = (char) character;
        }
        position += length;
        return new String(characters);
    }

    /** Every item takes at least one byte, so a count beyond what is left is a lie. */
    public int count(int most) {
        int count = number();
        if (count > most) throw new Malformed("more items than allowed: " + count + ", at most " + most);
        if (count > remaining()) throw new Malformed("more items than bytes");
        return count;
    }

    public <T> List<T> list(int most, Reading<T> item) {
        int count = count(most);
        var items = new ArrayList<T>();
        for (int i = 0; i < count; i++) items.add(item.read(this));
        return Collections.unmodifiableList(items);
    }

    /** A set has one encoding: its items in rising order. */
    public <T extends Comparable<T>> SortedSet<T> set(int most, Reading<T> item) {
        int count = count(most);
        var items = new TreeSet<T>();
        for (int i = 0; i < count; i++) {
            var next = item.read(this);
            if (!items.isEmpty() && items.last().compareTo(next) >= 0) throw new Malformed("a set out of order");
            items.add(next);
        }
        return items;
    }

    public <T> Optional<T> optional(Reading<T> item) {
        return bool() ? Optional.of(item.read(this)) : Optional.empty();
    }

    public void finish() {
        if (remaining() > 0) throw new Malformed(remaining() + " bytes too many");
    }

    private void need(int bytes) {
        if (bytes > end - position) throw new Malformed("cut short");
    }
}
