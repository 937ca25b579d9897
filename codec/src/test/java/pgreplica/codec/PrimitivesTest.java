package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import pgreplica.instance.DataIdentity;

class PrimitivesTest {
    @Property
    void checksumIsTheUsualOne(@ForAll byte[] bytes) {
        var usual = new java.util.zip.CRC32();
        usual.update(bytes);
        assertThat(Crc32.of(bytes)).isEqualTo((int) usual.getValue());
    }

    @Property
    void numbers(@ForAll int number, @ForAll long large, @ForAll boolean truth, @ForAll byte[] bytes) {
        var out = new ByteWriter();
        out.u32(number);
        out.i64(large);
        out.bool(truth);
        out.bytes(bytes);
        var in = new ByteReader(out.toBytes());
        assertThat(in.u32()).isEqualTo(number);
        assertThat(in.i64()).isEqualTo(large);
        assertThat(in.bool()).isEqualTo(truth);
        assertThat(in.bytes()).isEqualTo(bytes);
        in.finish();
    }

    /** A server message in another language reaches the core as readable text, not as a malformed event. */
    @Test
    void foreignTextBecomesQuestionMarks() {
        var out = new ByteWriter();
        out.bytes("Gr\u00fc\u00dfe\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(ByteReader.withLenientText(out.toBytes()).str()).isEqualTo("Gr????e?");
        assertThatThrownBy(() -> new ByteReader(out.toBytes()).str()).isInstanceOf(Malformed.class);
    }

    @Test
    void aSetOutOfOrderIsRefused() {
        var out = new ByteWriter();
        out.list(List.of("b", "a"), ByteWriter::str);
        assertThatThrownBy(() -> new ByteReader(out.toBytes()).<String>set(9, ByteReader::str))
                .isInstanceOf(Malformed.class);
    }

    /** An identity file that cannot be read says nothing: the data is not known to be ours. */
    @Test
    void aDamagedIdentityIsNone() {
        var bytes = InstanceCodec.identityBytes(new DataIdentity("c1", 77));
        assertThat(InstanceCodec.identityOf(bytes)).isEqualTo(new DataIdentity("c1", 77));
        for (int i = 0; i < bytes.length; i++) {
            var flipped = bytes.clone();
            flipped[i] ^= 1;
            assertThat(InstanceCodec.identityOf(flipped)).isEqualTo(DataIdentity.NONE);
        }
    }
}
