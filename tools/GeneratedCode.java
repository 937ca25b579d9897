import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Applies our changes to the C that TeaVM has generated. A change that does not match exactly where it
 * should ends the build: TeaVM then generates something we have not looked at.
 *
 * Usage: java GeneratedCode.java DIRECTORY [without CHANGE]
 *
 * {@code without} leaves one change out, for the tests that show what happens then.
 */
final class GeneratedCode {
    /** {@code pattern} is a regular expression; {@code why} is written at the top of the file. */
    private record Change(String name, String file, String pattern, String replacement, String why) {}

    private static final List<Change> CHANGES = List.of(
            new Change("clone", "classes/java/lang/Object.c",
                    "\\(!meth_otr_RuntimeClass_isPrimitive\\((teavm_local_\\d+)\\)\\) \\? sizeof\\(void\\*\\)"
                            + " : TEAVM_FIELD\\(TEAVM_FIELD\\(\\1, TeaVM_Class, itemType\\), TeaVM_Class, size\\)",
                    "(!meth_otr_RuntimeClass_isPrimitive(TEAVM_FIELD($1, TeaVM_Class, itemType))) ? sizeof(void*)"
                            + " : TEAVM_FIELD(TEAVM_FIELD($1, TeaVM_Class, itemType), TeaVM_Class, size)",
                    "It asked whether the array type is primitive, not its items, and so copied eight bytes"
                            + " per item of a byte[] over whatever lies behind it."),
            new Change("gaps", "classes/org/teavm/runtime/GC.c",
                    "(teavm_local_\\d+) = \\((teavm_local_\\d+) \\+ \\(\\(int64_t\\) "
                            + "TEAVM_FIELD\\((teavm_local_\\d+), cls_otr_FreeChunk, fld_size\\)\\)\\);",
                    "$1 = ($2 + (TEAVM_FIELD($3, cls_otr_FreeChunk, fld_classReference) ? INT64_C(0)"
                            + " : ((int64_t) TEAVM_FIELD($3, cls_otr_FreeChunk, fld_size))));",
                    "A chunk that was allocated over since it was free has an object's identity hash where its"
                            + " size was; only a chunk that is still free has a size."),
            new Change("start", "main.c",
                    "int main\\(int argc, char\\*\\* argv\\) \\{\\n    teavm_beforeInit\\(\\);\\n"
                            + "    teavm_initHeap\\(\\d+, \\d+\\);\\n",
                    "int pgr_java_start(int64_t heap_bytes) {\n    teavm_initHeap(heap_bytes, heap_bytes);\n",
                    "teavm_beforeInit() would set the locale, seed rand(), take SIGRTMIN and make a timer, all of"
                            + " which belong to Postgres. A heap of one size is never resized."),
            new Change("arguments", "main.c",
                    "teavm_parseArguments\\(argc, argv\\)", "teavm_parseArguments(0, NULL)",
                    "There is no command line."),
            new Change("collections", "heaptrace.c",
                    "void teavm_gc_gcStarted\\(int32_t full\\) \\{\\n",
                    "extern int32_t pgr_java_collections;\n\nvoid teavm_gc_gcStarted(int32_t full) {\n"
                            + "    pgr_java_collections++;\n",
                    "The host wants to know whether a step was interrupted by a collection."));

    private static final String SPILLS = "spills";
    private static final Pattern SPILL = Pattern.compile("(?m)^ +[^\\n=(]*\\bteavm_spill_\\d+;$");
    private static final Pattern SPILLED_POINTER = Pattern.compile("(?m)^( +)volatile (\\w+)\\* (teavm_spill_\\d+);$");
    private static final Pattern SOUND_SPILL =
            Pattern.compile("(?m)^ +(?:volatile \\w+|\\w+\\* volatile) teavm_spill_\\d+;$");

    private GeneratedCode() {}

    public static void main(String[] arguments) throws IOException {
        boolean all = arguments.length == 1;
        if (!all && !(arguments.length == 3 && arguments[1].equals("without"))) {
            throw new IllegalArgumentException("usage: GeneratedCode DIRECTORY [without CHANGE]");
        }
        var directory = Path.of(arguments[0]);
        var left = new ArrayList<>(CHANGES);
        boolean known = all || arguments[2].equals(SPILLS)
                || left.removeIf(change -> change.name().equals(arguments[2]));
        if (!known) {
            throw new IllegalArgumentException("no change is called " + arguments[2]);
        }
        for (var change : left) apply(directory.resolve(change.file()), change);
        if (all || !arguments[2].equals(SPILLS)) repairSpills(directory.resolve("classes"));
    }

    /**
     * What a try block has assigned is kept for its catch in a variable that survives longjmp. TeaVM declares
     * "volatile T* v", a pointer to something volatile, which longjmp may set back to what it was before the try;
     * "T* volatile v" is meant. This is in every class, so what counts is that none is left.
     */
    private static void repairSpills(Path classes) throws IOException {
        int repaired = 0;
        List<Path> files;
        try (var walk = Files.walk(classes)) {
            files = walk.filter(file -> file.toString().endsWith(".c")).toList();
        }
        for (var file : files) {
            var before = Files.readString(file);
            var after = SPILLED_POINTER.matcher(before).replaceAll("$1$2* volatile $3;");
            repaired += SPILLED_POINTER.matcher(before).results().count();
            long declared = SPILL.matcher(after).results().count();
            long sound = SOUND_SPILL.matcher(after).results().count();
            if (declared != sound) {
                throw new IllegalStateException(file + ": " + (declared - sound) + " of " + declared
                        + " spilled variables are declared in a way that is not known");
            }
            if (!after.equals(before)) Files.writeString(file, after);
        }
        if (repaired == 0) throw new IllegalStateException("change \"" + SPILLS + "\" matches nowhere");
    }

    private static void apply(Path file, Change change) throws IOException {
        var before = Files.readString(file);
        var matcher = Pattern.compile(change.pattern()).matcher(before);
        long count = matcher.results().count();
        if (count != 1) {
            throw new IllegalStateException(file + ": change \"" + change.name() + "\" matches " + count
                    + " times, not once. Look at what this version of TeaVM generates there.");
        }
        var comment = "/* Changed by pg_replica (" + change.name() + "): " + change.why() + " */\n";
        Files.writeString(file, comment + matcher.replaceFirst(change.replacement()));
    }
}
