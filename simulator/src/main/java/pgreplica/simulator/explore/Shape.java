package pgreplica.simulator.explore;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.FrozenMap;
import pgreplica.base.FrozenSet;

/**
 * Rebuilds values that are made of records, component by component, whatever records they are: a state of a node has
 * some hundred components, and new ones come with every feature. What does not change stays the same object.
 */
final class Shape {
    /** What becomes of one component of one kind of record; the value itself if it stays. */
    interface Part {
        Object of(Object value, long elapsed);
    }

    /** Asked once for each component of each kind of record. */
    interface Parts {
        Part of(Class<?> owner, String name, Class<?> type);
    }

    private record Plan(Class<?> type, MethodHandle[] accessors, Part[] parts, MethodHandle maker) {}

    private final Map<Class<?>, Plan> plans = new HashMap<>();
    private final Parts parts;

    Shape(Parts parts) {
        this.parts = parts;
    }

    Object of(Object value, long elapsed) {
        return switch (value) {
            case Record record -> record(record, elapsed);
            case Optional<?> optional -> optional.isEmpty() ? optional : optional(optional, elapsed);
            case List<?> list -> list(list, elapsed);
            case SortedMap<?, ?> map -> map(map, elapsed);
            case SortedSet<?> set -> set(set, elapsed);
            default -> value;
        };
    }

    Object record(Record record, long elapsed) {
        var plan = plans.get(record.getClass());
        if (plan == null) {
            plan = plan(record.getClass());
            plans.put(record.getClass(), plan);
        }
        var values = new Object[plan.parts().length];
        boolean changed = false;
        for (int i = 0; i < values.length; i++) {
            var before = read(plan.accessors()[i], record);
            values[i] = plan.parts()[i].of(before, elapsed);
            changed |= !same(before, values[i]);
        }
        return changed ? make(plan, values) : record;
    }

    private static boolean same(Object before, Object after) {
        return before == after || before instanceof Number && before.equals(after);
    }

    private static Object read(MethodHandle accessor, Record record) {
        try {
            return (Object) accessor.invokeExact((Object) record);
        } catch (Throwable failed) {
            throw new IllegalStateException("cannot read " + record.getClass(), failed);
        }
    }

    private static Object make(Plan plan, Object[] values) {
        try {
            return (Object) plan.maker().invokeExact(values);
        } catch (RuntimeException broken) {
            throw broken;
        } catch (Throwable failed) {
            throw new IllegalStateException("cannot make " + plan.type(), failed);
        }
    }

    private Plan plan(Class<?> type) {
        try {
            var lookup = MethodHandles.privateLookupIn(type, MethodHandles.lookup());
            var components = type.getRecordComponents();
            var accessors = new MethodHandle[components.length];
            var kinds = new Part[components.length];
            for (int i = 0; i < components.length; i++) {
                accessors[i] = lookup.unreflect(components[i].getAccessor())
                        .asType(MethodType.methodType(Object.class, Object.class));
                kinds[i] = parts.of(type, components[i].getName(), components[i].getType());
            }
            var types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            var maker = lookup.findConstructor(type, MethodType.methodType(void.class, types));
            return new Plan(type, accessors, kinds,
                    maker.asSpreader(Object[].class, types.length)
                            .asType(MethodType.methodType(Object.class, Object[].class)));
        } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException("cannot look into " + type, failed);
        }
    }

    private Object optional(Optional<?> optional, long elapsed) {
        var before = optional.get();
        var after = of(before, elapsed);
        return before == after ? optional : Optional.of(after);
    }

    private Object list(List<?> list, long elapsed) {
        List<Object> changed = null;
        for (int i = 0; i < list.size(); i++) {
            var after = of(list.get(i), elapsed);
            if (after == list.get(i)) continue;
            if (changed == null) changed = new ArrayList<>(list);
            changed.set(i, after);
        }
        return changed == null ? list : List.copyOf(changed);
    }

    private Object map(SortedMap<?, ?> map, long elapsed) {
        var after = new TreeMap<Object, Object>();
        boolean changed = false;
        for (var entry : map.entrySet()) {
            var key = of(entry.getKey(), elapsed);
            var value = of(entry.getValue(), elapsed);
            changed |= key != entry.getKey() || value != entry.getValue();
            after.put(key, value);
        }
        return changed ? FrozenMap.of(after) : map;
    }

    private Object set(SortedSet<?> set, long elapsed) {
        var after = new TreeSet<Object>();
        boolean changed = false;
        for (var element : set) {
            var now = of(element, elapsed);
            changed |= now != element;
            after.add(now);
        }
        return changed ? FrozenSet.of(after) : set;
    }
}
