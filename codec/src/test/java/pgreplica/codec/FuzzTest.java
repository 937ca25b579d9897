package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import pgreplica.base.VoterId;
import pgreplica.node.Envelope;
import pgreplica.node.Event;
import pgreplica.node.PeerMessage;

/** No byte sequence does anything but be read or be refused (P12). */
class FuzzTest {
    @Property(tries = 20_000)
    void randomBytes(@ForAll long seed) {
        var random = new Random(seed);
        var bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        // Most random bytes fail at the first tag, so the tags are made to fit.
        if (bytes.length > 0) bytes[0] = (byte) (1 + random.nextInt(11));
        readEverything(bytes);
    }

    @Property(tries = 5_000)
    void changedEnvelopes(@ForAll long seed) {
        var any = new Anything(seed);
        var envelope = new Envelope("cluster", any.of(VoterId.class), any.of(VoterId.class),
                any.of(PeerMessage.class));
        readEverything(changed(EnvelopeCodec.encode(envelope), new Random(seed)));
    }

    @Property(tries = 5_000)
    void changedEvents(@ForAll long seed) {
        var any = new Anything(seed);
        var event = any.of(Event.class);
        if (event instanceof Event.MessageReceived) return;
        readEverything(changed(HostEventCodec.encode(new HostEvent.Timed(1, new HostEvent.Plain(event))),
                new Random(seed)));
        readEverything(changed(LogFile.whole(any.log()), new Random(seed)));
    }

    /** A length or count of two thousand millions is refused before anything of that size is allocated. */
    @Test
    void hugeLengths() {
        for (int tag = 0; tag < 256; tag++) {
            for (int fill : new int[] {0x7f, 0xff, 0x00, 0x01}) {
                var bytes = new byte[200];
                java.util.Arrays.fill(bytes, (byte) fill);
                bytes[0] = (byte) tag;
                readEverything(bytes);
            }
        }
    }

    private static byte[] changed(byte[] bytes, Random random) {
        var changed = bytes.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
        return changed;
    }

    private static void readEverything(byte[] bytes) {
        try {
            EnvelopeCodec.decode(bytes);
        } catch (Malformed refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
        try {
            HostEventCodec.decode(bytes);
        } catch (Malformed refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
        try {
            HostActionCodec.decode(bytes);
        } catch (Malformed refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
        try {
            LogFile.read(bytes);
        } catch (DamagedState | NewerRelease refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
        try {
            SmallFiles.ballotOf(bytes);
        } catch (DamagedState | NewerRelease refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
        try {
            InstanceCodec.identityOf(bytes);
        } catch (NewerRelease refused) {
            assertThat(refused).hasMessageMatching("[ -~]+");
        }
    }
}
