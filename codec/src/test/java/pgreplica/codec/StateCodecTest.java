package pgreplica.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.NodeId;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.InstanceRecord;
import pgreplica.node.Node;
import pgreplica.node.Settings;
import pgreplica.node.StoredFiles;
import pgreplica.node.SyncWish;
import pgreplica.raft.Ballot;
import pgreplica.raft.Log;
import pgreplica.raft.Promises;
import pgreplica.raft.Role;

/**
 * The canonical encoding leaves nothing out: a state that differs in any one component of any record below it has
 * other bytes. The components are found by looking at the records, so a new one cannot be forgotten.
 */
class StateCodecTest {
    private final Anything any = new Anything(42);
    private final TreeSet<String> changed = new TreeSet<>();

    @Test
    void everyComponentOfTheNodeCounts() {
        var settings = new Settings(new NodeId("n1"), List.of(any.of(Settings.ListedNode.class)), 1000, 0, 5000, -1,
                any.of(SyncWish.class), false,
                "15", any.of(pgreplica.node.Collation.class), false, 0);
        var files = new StoredFiles(Optional.empty(), Ballot.START, Log.blank(ClusterState.EMPTY),
                InstanceRecord.EMPTY);
        Object state = Node.start(settings, files, 1, 1000).state();
        // Each walk draws other values, so that lists which happen to be empty in one are not in another.
        for (int i = 0; i < 5; i++) walk(state, bytesWith(StateCodec::writeNode));
        assertThat(changed).contains("NodeState.settings", "NodeState.nextTicket", "RaftState.random",
                "Gate.upstream", "Peer.status", "NodeStatus.reason", "Told.floor",
                "Leadership.leaving", "Request.refusal", "InstanceRecord.former", "DataRecord.floor", "Observation.oldest",
                "Errand.progress", "ListedNode.raftPort", "Appointment.why");
        assertThat(changed.stream().filter(name -> name.startsWith("NodeState.")))
                .hasSize(pgreplica.node.NodeState.class.getRecordComponents().length);
    }

    @Test
    void everyComponentOfARoleCounts() {
        for (var kind : Role.class.getPermittedSubclasses()) {
            walk(any.of(kind), bytesWith(RaftStateCodec::writeRole));
            for (var component : kind.getRecordComponents()) {
                assertThat(changed).contains(kind.getSimpleName() + "." + component.getName());
            }
        }
        assertThat(changed).contains("Grant.othersPromiseOverAtMillis", "Progress.nextIndex", "WalReport.primary",
                "Handover.giveUpAtMillis", "Release.term");
    }

    @Test
    void everyComponentOfAPromiseCounts() {
        walk(any.of(Promises.class), bytesWith(RaftStateCodec::writePromises));
        assertThat(changed).contains("Promises.toEveryoneUntilMillis", "Promise.untilMillis", "Promise.term");
    }

    /** Goes from variant to variant, so that what is empty at first is filled and then changed itself. */
    private void walk(Object state, Function<Object, byte[]> encode) {
        var random = new java.util.Random(7);
        for (int round = 0; round < 60; round++) {
            var bytes = encode.apply(state);
            var variants = variants(state.getClass(), state);
            for (var variant : variants) {
                if (variant.value().equals(state)) continue;
                assertThat(Arrays.equals(encode.apply(variant.value()), bytes))
                        .as("a change in %s is not in the encoding", variant.path()).isFalse();
                changed.addAll(variant.path());
            }
            // Growing is preferred, so that there is soon a peer, a request, a promise to be changed.
            var longer = variants.stream().filter(v -> encode.apply(v.value()).length > bytes.length).toList();
            var next = longer.isEmpty() ? variants : longer;
            state = next.get(random.nextInt(next.size())).value();
        }
    }

    private record Variant(List<String> path, Object value) {}

    private List<Variant> variants(Type type, Object value) {
        if (value instanceof Log) return List.of(new Variant(List.of("Log"), any.log()));
        if (type instanceof ParameterizedType generic) return containerVariants(generic, value);
        if (!(value instanceof Record)) return List.of(new Variant(List.of(), any.of(type)));
        var found = recordVariants((Record) value);
        if (type instanceof Class<?> open && !open.isRecord()) found.add(new Variant(List.of(), any.of(type)));
        return found;
    }

    private List<Variant> recordVariants(Record value) {
        var components = value.getClass().getRecordComponents();
        var types = new Class<?>[components.length];
        var values = new Object[components.length];
        try {
            for (int i = 0; i < components.length; i++) {
                types[i] = components[i].getType();
                components[i].getAccessor().setAccessible(true);
                values[i] = components[i].getAccessor().invoke(value);
            }
            var constructor = value.getClass().getDeclaredConstructor(types);
            constructor.setAccessible(true);
            var found = new ArrayList<Variant>();
            for (int i = 0; i < components.length; i++) {
                for (var inner : variants(components[i].getGenericType(), values[i])) {
                    var other = values.clone();
                    other[i] = inner.value();
                    var path = new ArrayList<>(inner.path());
                    path.add(value.getClass().getSimpleName() + "." + components[i].getName());
                    try {
                        found.add(new Variant(path, constructor.newInstance(other)));
                    } catch (InvocationTargetException refused) {
                        if (!(refused.getCause() instanceof InvariantViolation)) throw refused;
                    }
                }
            }
            return found;
        } catch (ReflectiveOperationException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private List<Variant> containerVariants(ParameterizedType type, Object value) {
        var arguments = type.getActualTypeArguments();
        var item = arguments[0];
        var found = new ArrayList<Variant>();
        switch (value) {
            case Optional<?> optional -> {
                found.add(new Variant(List.of(), optional.isPresent() ? Optional.empty() : Optional.of(any.of(item))));
                if (optional.isPresent()) {
                    for (var inner : variants(item, optional.get())) {
                        found.add(new Variant(inner.path(), Optional.of(inner.value())));
                    }
                }
            }
            case List<?> list -> {
                var longer = new ArrayList<Object>(list);
                longer.add(any.of(item));
                found.add(new Variant(List.of(), longer));
                if (!list.isEmpty()) {
                    for (var inner : variants(item, list.get(0))) {
                        var other = new ArrayList<Object>(list);
                        other.set(0, inner.value());
                        found.add(new Variant(inner.path(), other));
                    }
                }
            }
            case SortedSet<?> set -> {
                var larger = new TreeSet<Object>(set);
                larger.add(any.of(item));
                found.add(new Variant(List.of(), larger));
            }
            case SortedMap<?, ?> map -> {
                var larger = new TreeMap<Object, Object>(map);
                larger.put(any.of(item), any.of(arguments[1]));
                found.add(new Variant(List.of(), larger));
                if (!map.isEmpty()) {
                    for (var inner : variants(arguments[1], map.get(map.firstKey()))) {
                        var other = new TreeMap<Object, Object>(map);
                        other.put(map.firstKey(), inner.value());
                        found.add(new Variant(inner.path(), other));
                    }
                }
            }
            default -> throw new AssertionError("no variants of " + type);
        }
        return found;
    }

    private interface Encoder<T> {
        void write(ByteWriter out, T value);
    }

    @SuppressWarnings("unchecked")
    private static <T> Function<Object, byte[]> bytesWith(Encoder<T> encoder) {
        return value -> {
            var out = new ByteWriter();
            encoder.write(out, (T) value);
            return out.toBytes();
        };
    }
}
