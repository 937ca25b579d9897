package pgreplica.codec;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.InvariantViolation;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.cluster.SyncSet;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.WalReport;
import pgreplica.raft.Attachment;
import pgreplica.raft.Command;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;
import pgreplica.raft.SnapshotImage;
import pgreplica.raft.Snapshot;

/**
 * Random values of any type of the core, made from the record declarations themselves, so that a new component or a
 * new message is tested without anybody having to think of it.
 */
final class Anything {
    /** Where Raft leaves a type open, this is what the node puts there. */
    private static final Map<Class<?>, Class<?>> FILLED_WITH = Map.of(
            Attachment.class, WalReport.class,
            Command.class, ClusterCommand.class,
            Snapshot.class, ClusterState.class);

    private final Random random;

    Anything(long seed) {
        random = new Random(seed);
    }

    <T> T of(Class<T> type) {
        return type.cast(of((Type) type));
    }

    Object of(Type type) {
        if (type instanceof ParameterizedType generic) return container(generic);
        var wanted = FILLED_WITH.getOrDefault((Class<?>) type, (Class<?>) type);
        if (wanted == long.class || wanted == Long.class) return number();
        if (wanted == int.class) return random.nextInt(Integer.MAX_VALUE);
        if (wanted == boolean.class) return random.nextBoolean();
        if (wanted == String.class) return text();
        if (wanted == byte[].class) return bytes();
        if (wanted.isEnum()) return oneOf(wanted.getEnumConstants());
        if (wanted.isSealed()) return of((Type) oneOf(wanted.getPermittedSubclasses()));
        if (wanted == Log.class) return log();
        if (wanted == SyncSet.class) return syncSet();
        if (wanted == DataIdentity.class) return new DataIdentity(text(), random.nextLong());
        if (wanted.isRecord()) return record(wanted);
        throw new IllegalArgumentException("no values of " + wanted);
    }

    private Object container(ParameterizedType type) {
        var raw = (Class<?>) type.getRawType();
        var item = type.getActualTypeArguments()[0];
        if (raw == Optional.class) return random.nextBoolean() ? Optional.of(of(item)) : Optional.empty();
        int size = random.nextInt(4);
        if (raw == List.class) {
            var list = new ArrayList<Object>();
            for (int i = 0; i < size; i++) list.add(of(item));
            return list;
        }
        if (raw == SortedSet.class) {
            var set = new TreeSet<Object>();
            for (int i = 0; i < size; i++) set.add(of(item));
            return set;
        }
        if (raw == SortedMap.class) {
            var map = new TreeMap<Object, Object>();
            for (int i = 0; i < size; i++) map.put(of(item), of(type.getActualTypeArguments()[1]));
            return map;
        }
        throw new IllegalArgumentException("no values of " + type);
    }

    /** Records refuse what cannot be; a refused value is drawn again. */
    private Object record(Class<?> type) {
        var components = type.getRecordComponents();
        for (int attempt = 0; attempt < 10_000; attempt++) {
            var values = new Object[components.length];
            var types = new Class<?>[components.length];
            for (int i = 0; i < components.length; i++) {
                types[i] = components[i].getType();
                values[i] = of(components[i].getGenericType());
            }
            try {
                var constructor = type.getDeclaredConstructor(types);
                constructor.setAccessible(true);
                return constructor.newInstance(values);
            } catch (InvocationTargetException refused) {
                if (!(refused.getCause() instanceof InvariantViolation)) throw new AssertionError(refused);
            } catch (ReflectiveOperationException impossible) {
                throw new AssertionError(impossible);
            }
        }
        throw new AssertionError("no valid " + type.getSimpleName() + " in 10000 attempts");
    }

    /** Entries that follow each other; drawing them blindly would never give two. */
    Log log() {
        var base = of(SnapshotImage.class);
        var entries = new ArrayList<Entry>();
        long term = base.last().term().value();
        long index = base.last().index();
        int size = random.nextInt(6);
        for (int i = 0; i < size; i++) {
            term += random.nextInt(2);
            index++;
            entries.add(new Entry(new LogPosition(new Term(term), index), of(Entry.class).payload()));
        }
        return new Log(base, entries);
    }

    /** Commits wait for members other than the primary; blindly drawn numbers would always be too large. */
    private SyncSet syncSet() {
        var members = new TreeSet<SyncSet.Member>();
        int size = random.nextInt(4);
        for (int i = 0; i < size; i++) members.add(of(SyncSet.Member.class));
        return new SyncSet(members, members.isEmpty() ? 0 : random.nextInt(members.size()));
    }

    private long number() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(5);
            case 1 -> random.nextLong(1L << 40);
            default -> random.nextLong(1L << 59);
        };
    }

    private String text() {
        var text = new StringBuilder();
        int length = 1 + random.nextInt(12);
        for (int i = 0; i < length; i++) text.append((char) (0x20 + random.nextInt(0x5f)));
        return text.toString();
    }

    byte[] bytes() {
        var bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        return bytes;
    }

    private <T> T oneOf(T[] values) {
        return values[random.nextInt(values.length)];
    }
}
