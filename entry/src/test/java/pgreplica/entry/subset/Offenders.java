package pgreplica.entry.subset;

import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** One class for each rule, which breaks that rule and no other: a rule that catches nothing is no rule. */
final class Offenders {
    private Offenders() {}

    static Map<String, List<Class<?>>> byRule() {
        return Map.ofEntries(
                Map.entry("clone", List.of(Clone.class)),
                Map.entry("hashCode", List.of(Hash.class, HashReference.class)),
                Map.entry("hash-ordered collection", List.of(HashOrder.class)),
                Map.entry("Set.of", List.of(SaltedOrder.class)),
                Map.entry("format", List.of(Format.class)),
                Map.entry("floating point", List.of(Floating.class, FloatingField.class)),
                Map.entry("thread", List.of(Threads.class, Monitor.class)),
                Map.entry("clock", List.of(Clock.class)),
                Map.entry("random", List.of(Dice.class)),
                Map.entry("view of a sorted collection", List.of(View.class)),
                Map.entry("try-with-resources", List.of(Resources.class)),
                Map.entry("unguarded division", List.of(Divide.class, LongRemainder.class)),
                Map.entry("shift out of range", List.of(Shift.class, LongShift.class)),
                Map.entry("regular expression", List.of(Regex.class, Split.class)),
                Map.entry("charset", List.of(Bytes.class)),
                Map.entry("letter case", List.of(Case.class)),
                Map.entry("stream", List.of(Stream.class)),
                Map.entry("assert", List.of(Assert.class)),
                Map.entry("outside world", List.of(Print.class, Reading.class)));
    }

    static final class Clone { byte[] of(byte[] b) { return b.clone(); } }

    static final class Hash { int of(Object o) { return o.hashCode(); } }

    static final class HashReference {
        java.util.function.ToIntFunction<String> of() { return System::identityHashCode; }
    }

    static final class HashOrder { Object of() { return new HashMap<String, String>(); } }

    static final class SaltedOrder { Object of() { return Set.of("a", "b"); } }

    static final class Format { String of(int i) { return String.format("%d", i); } }

    static final class Floating { int of(int i) { return (int) (i * 1.5f); } }

    static final class FloatingField { double value; }

    static final class Threads { Object of() { return Thread.currentThread(); } }

    static final class Monitor { int of(Object o) { synchronized (o) { return 1; } } }

    static final class Clock { long of() { return System.nanoTime(); } }

    static final class Dice { int of() { return new Random(1).nextInt(); } }

    static final class View { Object of(TreeMap<String, String> map) { return map.headMap("x"); } }

    interface Door extends AutoCloseable {
        @Override void close();

        int enter();
    }

    static final class Resources {
        int of(Door door) { try (door) { return door.enter(); } }
    }

    static final class Divide { int of(int a, int b) { return a / b; } }

    static final class LongRemainder { long of(long a) { return a % -1L; } }

    static final class Shift { int of(int a) { return a << 32; } }

    static final class LongShift { long of(long a) { return a >>> -1; } }

    static final class Regex { Object of() { return Pattern.compile("x"); } }

    static final class Split { String[] of(String s) { return s.split(","); } }

    static final class Bytes { byte[] of(String s) { return s.getBytes(StandardCharsets.UTF_8); } }

    static final class Case { String of(String s) { return s.toUpperCase(java.util.Locale.ROOT); } }

    static final class Stream { long of(List<String> l) { return l.stream().count(); } }

    static final class Assert { int of(int a) { assert a > 0; return a; } }

    static final class Print { void of() { System.out.println(); } }

    static final class Reading { Object of() { return new StringReader("x"); } }
}
