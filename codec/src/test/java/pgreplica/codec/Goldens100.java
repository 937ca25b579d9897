package pgreplica.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;
import pgreplica.cluster.Ancestry;
import pgreplica.cluster.Appointment;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.cluster.Founding;
import pgreplica.cluster.SyncSet;
import pgreplica.instance.DataCondition;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.DataRecord;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation.Phase;
import pgreplica.instance.WalReport;
import pgreplica.node.Action;
import pgreplica.node.Collation;
import pgreplica.node.Envelope;
import pgreplica.node.PeerMessage;
import pgreplica.node.PeerMessage.Directive;
import pgreplica.node.PeerMessage.NodeStatus;
import pgreplica.raft.Ballot;
import pgreplica.raft.Configuration;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;
import pgreplica.raft.Message;
import pgreplica.raft.Payload;
import pgreplica.raft.Release;
import pgreplica.raft.SnapshotImage;

/** What the files and messages that release 1.0.0 wrote mean, one of each kind. */
final class Goldens100 {
    private static final NodeId N1 = new NodeId("n1");
    private static final NodeId N2 = new NodeId("n2");
    private static final NodeId N3 = new NodeId("n3");
    private static final VoterId V1 = new VoterId(N1, 0x1111_2222_3333_4444L);
    private static final VoterId V2 = new VoterId(N2, 0x5555_6666_7777_0001L);
    private static final VoterId V3 = new VoterId(N3, 0x0102_0304_0506_0708L);
    private static final Term TERM = new Term(7);
    private static final Timeline T2 = new Timeline(2);
    private static final Timeline T3 = new Timeline(3);
    private static final Lsn FORK = new Lsn(0x0000_0001_4A00_0028L);
    private static final Lsn END = new Lsn(0x0000_0001_4BFF_FFD8L);
    private static final LogPosition BASE = new LogPosition(new Term(5), 40);
    private static final DataIdentity IDENTITY = new DataIdentity("c0ffee-1", 99);

    private Goldens100() {}

    static List<Golden> all() {
        var all = new ArrayList<Golden>();
        all.add(new Golden("file-ballot", new SmallFiles.BallotFile(V1, new Ballot(TERM, Optional.of(V2))),
                SmallFiles.ballotBytes(V1, new Ballot(TERM, Optional.of(V2))), SmallFiles::ballotOf));
        all.add(new Golden("file-instance", record(), SmallFiles.instanceBytes(record()), SmallFiles::instanceOf));
        var floor = new Action.NoteFloor(IDENTITY, T3, END);
        all.add(new Golden("file-floor", floor, SmallFiles.floorBytes(floor), SmallFiles::floorOf));
        all.add(new Golden("file-identity", IDENTITY, InstanceCodec.identityBytes(IDENTITY), InstanceCodec::identityOf));
        all.add(new Golden("file-log", log(), logFile(), bytes -> LogFile.read(bytes).log()));
        for (var message : messages()) all.add(message("raft-" + nameOf(message), new PeerMessage.Raft(message)));
        for (var directive : directives()) {
            all.add(message("order-" + nameOf(directive), new PeerMessage.Order(TERM, directive)));
        }
        all.add(message("status", new PeerMessage.Status(status())));
        all.add(message("forward", new PeerMessage.Forward(12, "failover", List.of("allow_loss"))));
        all.add(message("forward-reply", new PeerMessage.ForwardReply(12, false, "no primary serves on the leader")));
        return all;
    }

    /** Two batches, as an append leaves them. */
    private static byte[] logFile() {
        var entries = log().entries();
        var out = new java.io.ByteArrayOutputStream();
        out.writeBytes(LogFile.whole(new Log(log().base(), entries.subList(0, 2))));
        out.writeBytes(LogFile.batch(2, entries.subList(2, entries.size())));
        return out.toByteArray();
    }

    private static Log log() {
        return new Log(image(), List.of(
                entry(41, new Payload.NoOp()),
                entry(42, new Payload.Application(new ClusterCommand.CompleteFounding())),
                entry(43, new Payload.Application(new ClusterCommand.Appoint(N3, new Timeline(4), T3,
                        "libc 2.41, icu 153.128", 1_800_000_000_000L, "replaces n2"))),
                entry(44, new Payload.Application(new ClusterCommand.RecordFork(new Timeline(4), T3, END))),
                entry(45, new Payload.Application(new ClusterCommand.SetSync(sync()))),
                entry(46, new Payload.Configure(configuration()))));
    }

    private static Entry entry(long index, Payload payload) {
        return new Entry(new LogPosition(TERM, index), payload);
    }

    private static SnapshotImage image() {
        var founding = new Founding("c0ffee-1", 7_300_000_000_000_000_001L, N1, new Timeline(1), new Timeline(1),
                new TreeSet<>(List.of(N1, N2, N3)));
        return new SnapshotImage(BASE, configuration(), new ClusterState(Optional.of(founding), true, List.of(
                new Appointment(3, new Term(1), N1, T2, new Timeline(1), Optional.of(FORK),
                        "libc 2.36, icu 153.120", 1_790_000_000_000L, "founding primary"),
                new Appointment(39, new Term(5), N2, T3, T2, Optional.empty(),
                        "libc 2.36, icu 153.120", 1_795_000_000_000L, "replaces n1")),
                sync()));
    }

    private static Configuration configuration() {
        return new Configuration(new TreeSet<>(List.of(V1, V2)), new TreeSet<>(List.of(V3)));
    }

    private static SyncSet sync() {
        return new SyncSet(new TreeSet<>(List.of(new SyncSet.Member(N1, 99), new SyncSet.Member(N2, 98))), 1);
    }

    private static InstanceRecord record() {
        return new InstanceRecord(new DataRecord(IDENTITY, new TreeSet<>(List.of(T2, T3)), T3, END),
                Optional.of(new DataRecord(new DataIdentity("c0ffee-1", 98), new TreeSet<>(List.of(T2)), T2, FORK)));
    }

    private static WalReport report() {
        return new WalReport("", 99, T3, END, true, false);
    }

    private static List<Message> messages() {
        var release = new Release(V1, TERM);
        return List.of(
                new Message.PreVoteRequest(TERM, BASE),
                new Message.PreVoteReply(TERM, true),
                new Message.VoteRequest(TERM, BASE, Optional.of(release)),
                new Message.VoteReply(TERM, true, 805, Optional.of(report())),
                new Message.AppendRequest(TERM, BASE, log().entries(), 44, 123_456_789),
                new Message.AppendReply(TERM, true, 46, 123_456_789),
                new Message.InstallSnapshot(TERM, image(), 44, 123_456_789),
                new Message.TimeoutNow(TERM, Optional.of(release)));
    }

    private static List<Directive> directives() {
        var ancestry = new Ancestry(List.of(new Ancestry.Step(T2, Optional.of(FORK)),
                new Ancestry.Step(T3, Optional.empty())));
        return List.of(new Directive.Follow(N2, T3, ancestry), new Directive.Rewind(N2, T3, ancestry),
                new Directive.Clone(N2, T3, ancestry, "its data directory is fresh"), new Directive.Hold("not yet"));
    }

    private static NodeStatus status() {
        return new NodeStatus(TERM, "n1=a:5432/5433,n2=b:5432/5433,n3=c:5432/5433", Phase.STANDBY,
                7_300_000_000_000_000_001L, DataCondition.OURS, T3, FORK, END, true, true, false, T3, 99,
                Optional.of(TERM), Optional.of(report()), 100,
                new Collation("libc 2.36, icu 153.120", false), "1.0.0", "b:5432", "streaming", "");
    }

    private static Golden message(String name, PeerMessage message) {
        var envelope = new Envelope("c0ffee-1", V1, V2, message);
        return new Golden("message-" + name, envelope, EnvelopeCodec.encode(envelope), EnvelopeCodec::decode);
    }

    /** AppendRequest is append-request. */
    private static String nameOf(Object value) {
        return value.getClass().getSimpleName().replaceAll("(?<=.)([A-Z])", "-$1").toLowerCase();
    }
}
