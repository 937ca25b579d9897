package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import pgreplica.cluster.ClusterCommand;
import pgreplica.node.PeerMessage;
import pgreplica.raft.Message;
import pgreplica.raft.Payload;

/**
 * What a released version wrote is read for ever: its files by a node that was upgraded, its messages by nodes that are
 * upgraded before it. CONTRIBUTING.md says what to do when a format changes.
 */
class GoldenTest {
    private static final Set<String> FILES = Set.of("file-ballot", "file-instance", "file-floor", "file-identity",
            "file-log");
    static final List<Golden> OF_1_0_0 = Goldens100.all();

    @ParameterizedTest
    @FieldSource("OF_1_0_0")
    void isReadAsItWasMeant(Golden golden) throws IOException {
        assertThat(golden.decoded(golden.kept("1.0.0"))).isEqualTo(golden.meaning());
    }

    /** Of formats that are still the current ones. A change of format takes its goldens out of here. */
    @ParameterizedTest
    @FieldSource("OF_1_0_0")
    void isWrittenAsItWas(Golden golden) throws IOException {
        assertThat(golden.written()).isEqualTo(golden.kept("1.0.0"));
    }

    @Test
    void thereIsOneOfEveryKind() {
        var kinds = new TreeSet<String>();
        for (var golden : OF_1_0_0) collect(golden.meaning(), kinds);
        for (var family : List.of(PeerMessage.class, PeerMessage.Directive.class, Message.class, Payload.class,
                ClusterCommand.class)) {
            for (var kind : family.getPermittedSubclasses()) assertThat(kinds).contains(kind.getName());
        }
        assertThat(OF_1_0_0).extracting(Golden::name).containsAll(FILES);
    }

    /** A later release wrote it and somebody went back: nothing is damaged, and nothing is to be emptied. */
    @ParameterizedTest
    @FieldSource("FILES")
    void aFileOfALaterReleaseIsRefusedWithTheWayOut(String name) throws IOException {
        var golden = OF_1_0_0.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
        var bytes = golden.kept("1.0.0");
        assertThatThrownBy(() -> golden.decoded(withVersion(name, bytes, 2))).isInstanceOf(NewerRelease.class)
                .hasMessageContaining("has format 2, this release of pg_replica reads 1")
                .hasMessageContaining("install that release again");
        // A version that no release wrote is damage.
        if (!name.equals("file-identity")) {
            assertThatThrownBy(() -> golden.decoded(withVersion(name, bytes, 0))).isInstanceOf(DamagedState.class);
        }
    }

    static Stream<Golden> messages() {
        return OF_1_0_0.stream().filter(golden -> golden.meaning() instanceof pgreplica.node.Envelope);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageOfAnotherFormatIsRefused(Golden golden) throws IOException {
        var bytes = golden.kept("1.0.0");
        bytes[0] = 2;
        assertThatThrownBy(() -> golden.decoded(bytes)).isInstanceOf(Malformed.class)
                .hasMessageContaining("it has format 2, this node reads 1");
    }

    /** The same file with another version and the checksum that belongs to it. */
    private static byte[] withVersion(String name, byte[] bytes, int version) {
        boolean log = name.equals("file-log");
        int at = log ? 4 : 0;
        var in = new ByteReader(bytes).skip(5);
        int sealed = log ? 9 + in.number() : bytes.length - 4;
        var out = new ByteWriter();
        for (int i = 0; i < sealed; i++) out.u8(i == at ? version : bytes[i] & 0xff);
        out.seal();
        for (int i = sealed + 4; i < bytes.length; i++) out.u8(bytes[i] & 0xff);
        return out.toBytes();
    }

    private static void collect(Object value, Collection<String> kinds) {
        if (value instanceof Optional<?> optional) optional.ifPresent(inner -> collect(inner, kinds));
        if (value instanceof Collection<?> items) items.forEach(item -> collect(item, kinds));
        if (!(value instanceof Record)) return;
        kinds.add(value.getClass().getName());
        for (var component : value.getClass().getRecordComponents()) collect(valueOf(component, value), kinds);
    }

    private static Object valueOf(RecordComponent component, Object value) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(value);
        } catch (ReflectiveOperationException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
