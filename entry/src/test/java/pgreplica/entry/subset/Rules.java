package pgreplica.entry.subset;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import pgreplica.entry.subset.Use.Call;
import pgreplica.entry.subset.Use.Field;
import pgreplica.entry.subset.Use.Instruction;
import pgreplica.entry.subset.Use.Type;

/** The subset of Java that gives the same answers on the JVM and in the C that TeaVM makes of it. */
final class Rules {
    private static final Set<String> INT_DIVISIONS = Set.of("IDIV", "IREM", "LDIV", "LREM");
    private static final Set<String> INT_SHIFTS = Set.of("ISHL", "ISHR", "IUSHR");
    private static final Set<String> LONG_SHIFTS = Set.of("LSHL", "LSHR", "LUSHR");
    private static final Set<String> VIEWS = Set.of("subMap", "headMap", "tailMap", "subSet", "headSet", "tailSet",
            "descendingMap", "descendingSet", "descendingKeySet");
    private static final Set<String> REGEX_CALLS = Set.of("split", "matches", "replaceAll", "replaceFirst");

    static final List<Rule> ALL = List.of(
            new Rule("clone", use -> use instanceof Call call && call.name().equals("clone") && !isEnumValues(call),
                    "copy with Arrays.copyOf, System.arraycopy or a loop"),
            new Rule("hashCode", Rules::isHash,
                    "compare with equals or compareTo; a hash differs between the builds"),
            new Rule("hash-ordered collection",
                    types("java/util/HashMap", "java/util/HashSet", "java/util/IdentityHashMap",
                            "java/util/WeakHashMap", "java/util/Hashtable", "java/util/Collections$SetFromMap"),
                    "use TreeMap, TreeSet, EnumMap, LinkedHashMap or a list"),
            new Rule("Set.of", use -> use instanceof Call call
                    && (call.owner().equals("java/util/Set") || call.owner().equals("java/util/Map"))
                    && (call.name().equals("of") || call.name().equals("copyOf") || call.name().equals("ofEntries")),
                    "its order is another in every JVM: use TreeSet, TreeMap or List.of"),
            new Rule("format", use -> isType(use, "java/util/Formatter")
                    || isCall(use, "java/lang/String", "format") || isCall(use, "java/lang/String", "formatted"),
                    "use StringBuilder or concatenation"),
            new Rule("floating point", Rules::isFloating, "use integers, with the unit in the name"),
            new Rule("thread", use -> types("java/lang/Thread", "java/lang/ThreadLocal", "java/lang/Process").test(use)
                    || isTypeBelow(use, "java/util/concurrent/")
                    || use instanceof Instruction at && at.opcode().equals("MONITORENTER")
                    || use instanceof Call call && call.owner().equals("java/lang/Object")
                            && Set.of("wait", "notify", "notifyAll").contains(call.name()),
                    "the core is one function of state and event; slow work is an action of the host"),
            new Rule("clock", use -> isCall(use, "java/lang/System", "currentTimeMillis")
                    || isCall(use, "java/lang/System", "nanoTime")
                    || isTypeBelow(use, "java/time/") || types("java/util/Date", "java/util/Timer").test(use),
                    "time comes with the event"),
            new Rule("random", use -> types("java/util/Random", "java/util/SplittableRandom", "java/util/UUID").test(use)
                    || isTypeBelow(use, "java/util/random/") || isCall(use, "java/lang/Math", "random"),
                    "use pgreplica.base.Xorshift, seeded by the Start event"),
            // A map of our own may offer the method, which SortedMap demands; nobody may use it.
            new Rule("view of a sorted collection", use -> use instanceof Call call
                    && VIEWS.contains(call.name()) && !call.place().method().equals(call.name()),
                    "collect the keys in a loop; removal through a view leaves a wrong size"),
            new Rule("try-with-resources", use -> use instanceof Call call
                    && (call.name().equals("addSuppressed") || call.name().equals("getSuppressed")),
                    "close by hand in finally"),
            new Rule("unguarded division", use -> use instanceof Instruction at
                    && INT_DIVISIONS.contains(at.opcode()) && !isSafeDivisor(at)
                    && !at.place().declaring().equals("pgreplica/base/Division"),
                    "use pgreplica.base.Division, or divide by a constant: a zero divisor ends the process"),
            new Rule("shift out of range", use -> use instanceof Instruction at && at.pushed().isPresent()
                    && (INT_SHIFTS.contains(at.opcode()) && !isWithin(at.pushed().getAsLong(), 31)
                            || LONG_SHIFTS.contains(at.opcode()) && !isWithin(at.pushed().getAsLong(), 63)),
                    "shift an int by 0 to 31 and a long by 0 to 63"),
            new Rule("regular expression", use -> isTypeBelow(use, "java/util/regex/")
                    || use instanceof Call call && call.owner().equals("java/lang/String")
                            && REGEX_CALLS.contains(call.name()),
                    "parse by hand"),
            new Rule("charset", use -> isTypeBelow(use, "java/nio/charset/")
                    || isCall(use, "java/lang/String", "getBytes")
                    || use instanceof Call call && call.owner().equals("java/lang/String")
                            && call.name().equals("<init>") && call.descriptor().startsWith("([B"),
                    "use pgreplica.codec.Ascii"),
            new Rule("letter case", use -> isCall(use, "java/lang/String", "toUpperCase")
                    || isCall(use, "java/lang/String", "toLowerCase"),
                    "map ASCII letters in a loop"),
            new Rule("stream", use -> isTypeBelow(use, "java/util/stream/"), "write a loop"),
            new Rule("assert", use -> isCall(use, "java/lang/Class", "desiredAssertionStatus"),
                    "use pgreplica.base.Invariant.check: assert is off on the JVM and on in C"),
            new Rule("outside world", use -> isTypeBelow(use, "java/io/") && !isType(use, "java/io/Serializable")
                    || isTypeBelow(use, "java/nio/file/") || isTypeBelow(use, "java/net/")
                    || isTypeBelow(use, "java/lang/reflect/") || isTypeBelow(use, "sun/")
                    || use instanceof Field field && field.owner().equals("java/lang/System")
                    || isCall(use, "java/lang/System", "exit") || isCall(use, "java/lang/System", "getenv")
                    || isCall(use, "java/lang/System", "getProperty"),
                    "return an action; only the host touches the world"));

    private Rules() {}

    /** Enum.values() copies its array of objects, the one kind of clone that was never wrong. */
    private static boolean isEnumValues(Call call) {
        return call.place().inEnum() && call.place().method().equals("values");
    }

    /** A class may define its hashCode, for the JVM's explorers; nothing in the core may ask for one. */
    private static boolean isHash(Use use) {
        if (!(use instanceof Call call) || call.place().method().equals("hashCode")) return false;
        return switch (call.name()) {
            // javac compiles a switch over strings with it, and it is the same everywhere.
            case "hashCode" -> !call.owner().equals("java/lang/String");
            case "identityHashCode" -> true;
            case "hash" -> call.owner().equals("java/util/Objects");
            default -> false;
        };
    }

    private static boolean isFloating(Use use) {
        return switch (use) {
            case Call call -> hasFloat(call.descriptor());
            case Field field -> hasFloat(field.descriptor());
            case Type(_, var name) -> name.equals("java/lang/Double") || name.equals("java/lang/Float")
                    || name.equals("[D") || name.equals("[F");
            case Instruction(_, var opcode, _) -> opcode.startsWith("F") || opcode.startsWith("D")
                            && !opcode.startsWith("DUP")
                    || opcode.endsWith("2F") || opcode.endsWith("2D");
        };
    }

    private static boolean hasFloat(String descriptor) {
        for (int i = 0; i < descriptor.length(); i++) {
            switch (descriptor.charAt(i)) {
                case 'D', 'F' -> { return true; }
                case 'L' -> i = descriptor.indexOf(';', i);
                default -> { }
            }
        }
        return false;
    }

    private static boolean isSafeDivisor(Instruction at) {
        return at.pushed().isPresent() && at.pushed().getAsLong() > 0;
    }

    private static boolean isWithin(long value, long max) {
        return value >= 0 && value <= max;
    }

    private static Predicate<Use> types(String... names) {
        var set = Set.of(names);
        return use -> switch (use) {
            case Call call -> set.contains(call.owner());
            case Field field -> set.contains(field.owner());
            case Type type -> set.contains(type.name());
            case Instruction _ -> false;
        };
    }

    private static boolean isType(Use use, String name) {
        return types(name).test(use);
    }

    private static boolean isTypeBelow(Use use, String prefix) {
        return switch (use) {
            case Call call -> call.owner().startsWith(prefix);
            case Field field -> field.owner().startsWith(prefix);
            case Type type -> type.name().startsWith(prefix);
            case Instruction _ -> false;
        };
    }

    private static boolean isCall(Use use, String owner, String name) {
        return use instanceof Call call && call.owner().equals(owner) && call.name().equals(name);
    }
}
