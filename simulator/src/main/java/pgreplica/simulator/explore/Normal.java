package pgreplica.simulator.explore;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import pgreplica.base.FrozenMap;
import pgreplica.base.LogPosition;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.base.VoterId;
import pgreplica.base.Xorshift;
import pgreplica.cluster.Ancestry;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.node.Envelope;
import pgreplica.node.NodeState;
import pgreplica.node.PeerMessage.NodeStatus;
import pgreplica.node.Settings;
import pgreplica.raft.Ballot;
import pgreplica.raft.Configuration;
import pgreplica.raft.Log;
import pgreplica.raft.Promise;

/**
 * States in a form in which those that will act alike are equal: every moment is told as seen from {@link #NOW},
 * nothing is older than anybody asks, and what is only for people is left out. docs/verification.md says why each of
 * these is no loss.
 */
final class Normal {
    /** The time at which every step of the explorer happens, on every node's clock. */
    static final long NOW = 1_000_000;
    /** Raft's mark for a moment that never was. */
    private static final long NEVER = Long.MIN_VALUE / 4;

    /** How a moment is kept. */
    private sealed interface Rule {
        /** Something that ends: over, it is 0. */
        record Until() implements Rule {}

        /** Something that is to be done: not done yet, it is due now. */
        record Due() implements Rule {}

        /** Since when; nobody asks for more than {@code most} milliseconds. 0 and never stay what they are. */
        record Since(long most, long older) implements Rule {}

        /** Always as if it were this many milliseconds from now; 0, never and for ever stay what they are. */
        record Fixed(long fromNow) implements Rule {}

        /** Of no use to any decision. */
        record Zero() implements Rule {}

        /** A length of time, no moment. */
        record Length() implements Rule {}
    }

    private static Rule since(long most) {
        return new Rule.Since(most, NOW - most);
    }

    /** What is no matter of clocks: who answers is fresh, and what is due is repeated until it is known. */
    private static final Map<String, Rule> ALWAYS = Map.ofEntries(
            Map.entry("Told.statusAtMillis", new Rule.Fixed(-500)),
            Map.entry("Told.ordersAtMillis", new Rule.Fixed(-500)),
            Map.entry("Told.publishedAtMillis", new Rule.Fixed(0)),
            Map.entry("Told.slotsAtMillis", new Rule.Fixed(0)),
            Map.entry("Told.floorAtMillis", new Rule.Fixed(0)),
            Map.entry("Told.identityToldAtMillis", new Rule.Fixed(0)),
            Map.entry("Peer.heardAtMillis", new Rule.Fixed(0)),
            Map.entry("Peer.idleSinceMillis", new Rule.Zero()),
            Map.entry("Peer.levelAtMillis", new Rule.Zero()),
            Map.entry("Peer.confirmedAtMillis", new Rule.Fixed(0)),
            Map.entry("Errand.sinceMillis", new Rule.Fixed(0)),
            Map.entry("Request.sinceMillis", new Rule.Fixed(0)),
            Map.entry("Appointment.atMillis", new Rule.Fixed(0)),
            Map.entry("Appoint.atMillis", new Rule.Fixed(0)),
            Map.entry("Leadership.sinceMillis", since(301)),
            Map.entry("Syncing.starvedSinceMillis", new Rule.Fixed(-4500)),
            Map.entry("Syncing.reliefSinceMillis", new Rule.Fixed(-4500)),
            Map.entry("Told.syncAtMillis", new Rule.Fixed(-4500)));

    private static final Map<String, Rule> SHARED = Map.ofEntries(
            Map.entry("RaftState.nextDeadlineMillis", new Rule.Due()),
            Map.entry("PreCandidate.askAgainAtMillis", new Rule.Due()),
            Map.entry("Candidate.askAgainAtMillis", new Rule.Due()),
            Map.entry("Handover.giveUpAtMillis", new Rule.Due()),
            Map.entry("Follower.heardAtMillis", since(1001)),
            Map.entry("Leader.sinceMillis", since(1001)),
            Map.entry("Progress.answeredSentAtMillis", new Rule.Since(1001, NEVER)),
            Map.entry("Leader.leaseUntilMillis", new Rule.Until()),
            Map.entry("Leader.othersLeaseOverAtMillis", new Rule.Until()),
            Map.entry("Grant.othersPromiseOverAtMillis", new Rule.Until()),
            Map.entry("Promises.toEveryoneUntilMillis", new Rule.Until()),
            Map.entry("Promise.untilMillis", new Rule.Until()),
            Map.entry("Told.leaseUntilMillis", new Rule.Until()),
            Map.entry("Leadership.triedAtMillis", since(5001)),
            Map.entry("Leadership.graceSinceMillis", since(5001)),
            Map.entry("Leaving.sinceMillis", since(3001)),
            Map.entry("AppendRequest.sentAtMillis", since(1001)),
            Map.entry("AppendReply.sentAtMillis", since(1001)),
            Map.entry("InstallSnapshot.sentAtMillis", since(1001)),
            Map.entry("VoteReply.promisedToOthersMillis", new Rule.Length()));

    /** Without clocks: {@link Clock#TICK} makes due what is told here as almost due, and no lease ever ends. */
    private static final Map<String, Rule> TIMELESS = Map.ofEntries(
            Map.entry("RaftState.nextDeadlineMillis", new Rule.Fixed(600)),
            Map.entry("PreCandidate.askAgainAtMillis", new Rule.Fixed(500)),
            Map.entry("Candidate.askAgainAtMillis", new Rule.Fixed(500)),
            Map.entry("Handover.giveUpAtMillis", new Rule.Fixed(600)),
            Map.entry("Follower.heardAtMillis", new Rule.Fixed(-1001)),
            Map.entry("Leader.sinceMillis", new Rule.Fixed(0)),
            Map.entry("Progress.answeredSentAtMillis", new Rule.Fixed(0)),
            Map.entry("Leader.leaseUntilMillis", new Rule.Fixed(800)),
            Map.entry("Leader.othersLeaseOverAtMillis", new Rule.Zero()),
            Map.entry("Grant.othersPromiseOverAtMillis", new Rule.Zero()),
            Map.entry("Promises.toEveryoneUntilMillis", new Rule.Zero()),
            Map.entry("Promise.untilMillis", new Rule.Zero()),
            Map.entry("Told.leaseUntilMillis", new Rule.Fixed(800)),
            Map.entry("Leadership.triedAtMillis", new Rule.Fixed(-4500)),
            Map.entry("Leadership.graceSinceMillis", new Rule.Fixed(-4500)),
            Map.entry("Leaving.sinceMillis", new Rule.Fixed(-700)),
            Map.entry("AppendRequest.sentAtMillis", new Rule.Fixed(0)),
            Map.entry("AppendReply.sentAtMillis", new Rule.Fixed(0)),
            Map.entry("InstallSnapshot.sentAtMillis", new Rule.Fixed(0)),
            Map.entry("VoteReply.promisedToOthersMillis", new Rule.Zero()));

    /** What has no time in it that is told differently later: once it is normal, it stays so. */
    private static final Set<Class<?>> LASTING = Set.of(Log.class, ClusterState.class, InstanceRecord.class,
            Observation.class, NodeStatus.class, Configuration.class);

    /** Made of numbers and names only. */
    private static final Set<Class<?>> PLAIN = Set.of(NodeId.class, VoterId.class, Term.class, LogPosition.class,
            Lsn.class, Timeline.class, DataIdentity.class, Ballot.class, Ancestry.class);

    /** Whose name says that it ends or is to be done; all that is not named above. */
    private static boolean lies(String name) {
        return name.contains("ntil") || name.contains("eadline") || name.contains("Over");
    }

    private final Clock clock;
    private final Shape shape = new Shape(this::part);
    private final Map<NodeId, Xorshift> chances = new HashMap<>();
    private Xorshift chance = Xorshift.of(1);
    private final Map<Object, Integer> lasting = new IdentityHashMap<>();
    private final Map<Object, Object> equal = new HashMap<>();

    Normal(Clock clock) {
        this.clock = clock;
    }

    /** The state {@code elapsed} milliseconds later, nothing having happened. */
    NodeState of(NodeState state, long elapsed) {
        chance = chances.computeIfAbsent(state.settings().self(), _ -> chance(state.settings()));
        return (NodeState) shape.of(state, elapsed);
    }

    Envelope of(Envelope envelope, long elapsed) {
        return (Envelope) shape.of(envelope, elapsed);
    }

    /** A hash that does not look into what it has looked into before. */
    int hash(NodeState state) {
        var raft = state.raft();
        int hash = Objects.hash(raft.ballot(), raft.role(), raft.promises(), raft.gone(), raft.preparing(),
                raft.nextDeadlineMillis(), raft.commitIndex(), state.gate(), state.errand(), state.hold(),
                state.leadership(), state.told());
        hash = hash * 31 + lasting.get(raft.log());
        hash = hash * 31 + lasting.get(state.cluster());
        hash = hash * 31 + lasting.get(state.instance());
        hash = hash * 31 + lasting.get(state.observed());
        for (var peer : state.peers().values()) {
            hash = hash * 31 + Objects.hash(peer.connected(), peer.voter(), peer.clusterId());
            hash = hash * 31 + (peer.status().isPresent() ? lasting.get(peer.status()) : 0);
        }
        return hash;
    }

    /**
     * What a node draws next, always: an election timeout that is its own, and short steps of time that meet those of
     * the other nodes again and again. The second listed node is the quickest, the first one the slowest.
     */
    private static Xorshift chance(Settings settings) {
        int index = 0;
        while (!settings.listed().get(index).node().equals(settings.self())) index++;
        int order = (index + settings.listed().size() - 1) % settings.listed().size();
        for (long seed = 1; ; seed++) {
            var before = Xorshift.of(seed);
            var drawn = before.next();
            if (drawn.below(300) == order * 50 && drawn.below(56) == order * 10) return before;
        }
    }

    private Shape.Part part(Class<?> owner, String name, Class<?> type) {
        if (type == long.class && name.endsWith("Millis")) return moment(owner, name);
        boolean plain = type.isPrimitive() || type.isEnum() || type == String.class || PLAIN.contains(type);
        if (LASTING.contains(type)) return (value, _) -> lasting(value);
        return switch (owner.getSimpleName() + "." + name) {
            case "NodeState.settings", "RaftState.settings", "NodeState.random" -> (value, _) -> value;
            case "RaftState.random" -> (_, _) -> chance;
            case "Promises.byNode" -> (value, elapsed) -> running((SortedMap<?, ?>) shape.of(value, elapsed));
            case "Told.publishedKey", "Told.settledKey", "Told.slots", "Leadership.ruleText", "Appoint.why", "Appointment.why",
                    "NodeStatus.reason", "NodeStatus.state" -> (_, _) -> "";
            case "WalReport.voidReason" -> (value, _) -> value.equals("") ? "" : "void";
            case "Told.logged" -> (_, _) -> List.of();
            case "Peer.status" -> (value, _) ->
                    ((Optional<?>) value).isEmpty() ? value : lasting((Optional<?>) value);
            default -> plain ? (value, _) -> value : shape::of;
        };
    }

    /** Equal ones become one object, which is compared and looked through once. */
    private Object lasting(Object value) {
        if (lasting.containsKey(value)) return value;
        var one = equal.computeIfAbsent(value instanceof Optional<?> optional
                ? Optional.of(lasting(optional.get())) : shape.record((Record) value, 0), same -> same);
        lasting.put(one, one.hashCode());
        return one;
    }

    private Shape.Part moment(Class<?> owner, String name) {
        String full = owner.getSimpleName() + "." + name;
        var known = ALWAYS.get(full);
        if (known == null) known = (clock == Clock.NONE ? TIMELESS : SHARED).get(full);
        if (known == null) known = lies(name) ? new Rule.Until() : since(5001);
        var rule = known;
        return (value, elapsed) -> kept(rule, (Long) value, elapsed);
    }

    private Object kept(Rule rule, long moment, long elapsed) {
        boolean never = moment == NEVER || moment == Long.MAX_VALUE;
        long shifted = never || moment == 0 ? moment : moment - elapsed;
        return switch (rule) {
            case Rule.Length() -> moment;
            case Rule.Zero() -> 0L;
            case Rule.Until() -> never || shifted > NOW ? shifted : 0L;
            case Rule.Due() -> Math.max(NOW, shifted);
            case Rule.Since(var most, var older) -> never || moment == 0 ? moment
                    : NOW - shifted >= most ? older : clock == Clock.NONE ? NOW : shifted;
            case Rule.Fixed(var fromNow) -> never || moment == 0 ? moment : NOW + fromNow;
        };
    }

    /** A promise that has run out is none. */
    private static Object running(SortedMap<?, ?> promises) {
        var rest = new TreeMap<NodeId, Promise>();
        for (var made : promises.entrySet()) {
            if (((Promise) made.getValue()).untilMillis() > 0) {
                rest.put((NodeId) made.getKey(), (Promise) made.getValue());
            }
        }
        return rest.size() == promises.size() ? promises : FrozenMap.of(rest);
    }
}
