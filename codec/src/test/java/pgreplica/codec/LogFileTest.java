package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;
import pgreplica.raft.Payload;

/** The log on disk: whatever was durable is read back, whatever a crash tore is cut off, damage is refused (P9). */
class LogFileTest {
    @Property
    void readsBackWhatWasWritten(@ForAll long seed) {
        var log = new Anything(seed).log();
        var stored = LogFile.read(LogFile.whole(log));
        assertThat(stored.log()).isEqualTo(log);
        assertThat(stored.torn()).isFalse();
        assertThat(stored.length()).isEqualTo(LogFile.whole(log).length);
    }

    @Test
    void readsBackAppendedBatches() {
        var file = fileOf(3);
        assertThat(LogFile.read(file.bytes()).log()).isEqualTo(file.log());
        assertThat(LogFile.read(file.bytes()).batches()).isEqualTo(3);
    }

    /** Cut anywhere in the last batch: what came before it is kept, and nothing of it. */
    @Test
    void cutsOffATornAppend() {
        var before = fileOf(2);
        var whole = fileOf(3).bytes();
        for (int length = before.bytes().length + 1; length < whole.length; length++) {
            var stored = LogFile.read(Arrays.copyOf(whole, length));
            assertThat(stored.log()).isEqualTo(before.log());
            assertThat(stored.length()).isEqualTo(before.bytes().length);
            assertThat(stored.torn()).isTrue();
        }
    }

    /** A page of the last append that never reached the disk reads as zeros. */
    @Test
    void cutsOffAnAppendWithAHole() {
        var before = fileOf(2);
        var whole = fileOf(3).bytes();
        for (int from = before.bytes().length; from < whole.length - 1; from++) {
            var holed = whole.clone();
            Arrays.fill(holed, from, whole.length, (byte) 0);
            if (Arrays.equals(holed, whole)) continue;
            assertThat(LogFile.read(holed).log()).isEqualTo(before.log());
        }
    }

    /** A flipped bit in a batch that has a later one behind it is damage, wherever it is. */
    @Test
    void refusesDamageInTheMiddle() {
        var oneBatch = fileOf(1).bytes().length;
        var twoBatches = fileOf(2).bytes().length;
        var whole = fileOf(3).bytes();
        for (int bit = 0; bit < twoBatches * 8; bit++) {
            var flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> LogFile.read(flipped)).as("bit %d", bit)
                    .isInstanceOf(DamagedState.class).hasMessageContaining("\"log\"");
        }
        assertThat(oneBatch).isLessThan(twoBatches);
    }

    @Test
    void refusesALostHead() {
        var whole = fileOf(1).bytes();
        int head = fileOf(0).bytes().length;
        for (int length = 0; length < head; length++) {
            var cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> LogFile.read(cut)).isInstanceOf(DamagedState.class);
        }
    }

    private record File(byte[] bytes, Log log) {}

    private static File fileOf(int batches) {
        var log = Log.blank(pgreplica.cluster.ClusterState.EMPTY);
        var bytes = LogFile.whole(log);
        for (int number = 1; number <= batches; number++) {
            var entries = List.of(entry(number * 2L - 1), entry(number * 2L));
            bytes = joined(bytes, LogFile.batch(number, entries));
            var all = new ArrayList<>(log.entries());
            all.addAll(entries);
            log = new Log(log.base(), all);
        }
        return new File(bytes, log);
    }

    private static Entry entry(long index) {
        return new Entry(new LogPosition(new Term(3), index), new Payload.NoOp());
    }

    private static byte[] joined(byte[] first, byte[] second) {
        var joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
