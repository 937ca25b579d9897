package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import pgreplica.base.VoterId;
import pgreplica.instance.InstanceRecord;
import pgreplica.node.Action;
import pgreplica.node.Envelope;
import pgreplica.node.Event;
import pgreplica.node.PeerMessage;
import pgreplica.raft.Ballot;

/** What is written is read back, and what is cut short anywhere is refused. */
class RoundTripTest {
    private static final List<Class<? extends Action>> BYTES_ALREADY = List.of(Action.NoteFloor.class, Action.PersistBallot.class,
            Action.PersistEntries.class, Action.PersistLog.class, Action.PersistInstance.class, Action.Send.class);

    @Property
    void everyEnvelope(@ForAll long seed) {
        var any = new Anything(seed);
        for (var kind : PeerMessage.class.getPermittedSubclasses()) {
            var envelope = new Envelope("cluster", any.of(VoterId.class), any.of(VoterId.class),
                    (PeerMessage) any.of(kind));
            var bytes = EnvelopeCodec.encode(envelope);
            assertThat(EnvelopeCodec.decode(bytes)).isEqualTo(envelope);
            refusedWhenCut(bytes, EnvelopeCodec::decode);
        }
    }

    @Property
    void everyEvent(@ForAll long seed) {
        var any = new Anything(seed);
        for (var kind : Event.class.getPermittedSubclasses()) {
            if (kind == Event.MessageReceived.class) continue;
            var timed = new HostEvent.Timed(seed >>> 1, new HostEvent.Plain((Event) any.of(kind)));
            var bytes = HostEventCodec.encode(timed);
            assertThat(HostEventCodec.decode(bytes)).isEqualTo(timed);
            refusedWhenCut(bytes, HostEventCodec::decode);
        }
    }

    @Property
    void theEventsThatCarryBytes(@ForAll long seed) {
        var any = new Anything(seed);
        for (var kind : List.of(HostEvent.Start.class, HostEvent.MessageReceived.class)) {
            var event = any.of(kind);
            if (event instanceof HostEvent.Start start && start.settings().listed().isEmpty()) continue;
            var bytes = HostEventCodec.encode(new HostEvent.Timed(7, event));
            var again = HostEventCodec.encode(HostEventCodec.decode(bytes));
            assertThat(again).isEqualTo(bytes);
            refusedWhenCut(bytes, HostEventCodec::decode);
        }
    }

    @Property
    void everyAction(@ForAll long seed) {
        var any = new Anything(seed);
        var actions = new ArrayList<HostAction>();
        for (var kind : Action.class.getPermittedSubclasses()) {
            if (!BYTES_ALREADY.contains(kind)) actions.add(new HostAction.Plain((Action) any.of(kind)));
        }
        var bytes = HostActionCodec.encode(actions);
        assertThat(HostActionCodec.decode(bytes)).isEqualTo(actions);
        refusedWhenCut(bytes, HostActionCodec::decode);
    }

    @Property
    void theActionsThatCarryBytes(@ForAll long seed) {
        var any = new Anything(seed);
        var bytes = HostActionCodec.encode(List.of(any.of(HostAction.StoreReplace.class),
                any.of(HostAction.StoreAppend.class), any.of(HostAction.StoreLater.class),
                any.of(HostAction.Send.class)));
        assertThat(HostActionCodec.encode(HostActionCodec.decode(bytes))).isEqualTo(bytes);
    }

    @Property
    void theSmallFiles(@ForAll long seed) {
        var any = new Anything(seed);
        var self = any.of(VoterId.class);
        var ballot = any.of(Ballot.class);
        var bytes = SmallFiles.ballotBytes(self, ballot);
        assertThat(SmallFiles.ballotOf(bytes)).isEqualTo(new SmallFiles.BallotFile(self, ballot));
        damagedWhenCut(bytes, SmallFiles::ballotOf);
        damagedWhenFlipped(bytes, SmallFiles::ballotOf);

        var record = any.of(InstanceRecord.class);
        bytes = SmallFiles.instanceBytes(record);
        assertThat(SmallFiles.instanceOf(bytes)).isEqualTo(record);
        damagedWhenCut(bytes, SmallFiles::instanceOf);
        damagedWhenFlipped(bytes, SmallFiles::instanceOf);

        var floor = any.of(Action.NoteFloor.class);
        bytes = SmallFiles.floorBytes(floor);
        assertThat(SmallFiles.floorOf(bytes)).isEqualTo(floor);
        damagedWhenCut(bytes, SmallFiles::floorOf);
        damagedWhenFlipped(bytes, SmallFiles::floorOf);
    }

    private interface Reader {
        Object read(byte[] bytes);
    }

    private static void refusedWhenCut(byte[] bytes, Reader reader) {
        for (int length = 0; length < bytes.length; length++) {
            var cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> reader.read(cut)).isInstanceOf(Malformed.class);
        }
        var longer = Arrays.copyOf(bytes, bytes.length + 1);
        assertThatThrownBy(() -> reader.read(longer)).isInstanceOf(Malformed.class);
    }

    private static void damagedWhenCut(byte[] bytes, Reader reader) {
        for (int length = 0; length < bytes.length; length++) {
            var cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> reader.read(cut)).isInstanceOf(DamagedState.class);
        }
    }

    private static void damagedWhenFlipped(byte[] bytes, Reader reader) {
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            var flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> reader.read(flipped)).isInstanceOf(DamagedState.class);
        }
    }
}
