import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;

/**
 * Tells which tests failed and which promise each of them guards, and counts. The last line is for machines.
 *
 * Usage: java TestReport.java STAGES_PASSED [FAILED_STAGE]
 */
final class TestReport {
    private static final int SHOWN_LINES = 12;
    private static final Pattern PROMISE = Pattern.compile("@Promise\\(\\{?([^)}]*)\\}?\\)");

    private int passed;
    private int failed;
    private int skipped;
    private final TreeMap<String, Optional<String>> sources = new TreeMap<>();

    public static void main(String[] arguments) throws Exception {
        var report = new TestReport();
        report.passed = Integer.parseInt(arguments[0]);
        for (var file : find("TEST-.*\\.xml")) report.read(file);
        // A stage without JUnit is one test; one with JUnit may fail before any test of it has run.
        if (arguments.length > 1 && report.failed == 0) report.failed = 1;
        if (report.skipped > 0) System.out.println(report.skipped + " tests skipped");
        System.out.println(report.passed + " passed, " + report.failed + " failed");
    }

    private static List<Path> find(String name) throws IOException {
        try (var files = Files.walk(Path.of("."), 8)) {
            return files.filter(file -> file.getFileName().toString().matches(name)).sorted().toList();
        }
    }

    private void read(Path file) throws Exception {
        var document = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(file.toFile());
        var cases = document.getElementsByTagName("testcase");
        for (int i = 0; i < cases.getLength(); i++) {
            var test = (Element) cases.item(i);
            var trouble = new ArrayList<Element>();
            for (var kind : List.of("failure", "error")) {
                if (test.getElementsByTagName(kind).item(0) instanceof Element element) trouble.add(element);
            }
            if (!trouble.isEmpty()) tell(test, trouble.getFirst());
            else if (test.getElementsByTagName("skipped").getLength() > 0) skipped++;
            else passed++;
        }
    }

    private void tell(Element test, Element trouble) throws IOException {
        failed++;
        var name = test.getAttribute("name");
        System.out.println("FAILED " + test.getAttribute("classname") + "." + name
                + promises(test.getAttribute("classname"), name).map(guarded -> " (guards " + guarded + ")").orElse(""));
        trouble.getTextContent().strip().lines().limit(SHOWN_LINES).forEach(line -> System.out.println("    " + line));
    }

    /** What the annotation of the method, or else of its class, says in the source. */
    private Optional<String> promises(String type, String name) throws IOException {
        var source = source(type.substring(type.lastIndexOf('.') + 1).replaceFirst("[$(].*", ""));
        if (source.isEmpty()) return Optional.empty();
        var method = Pattern.compile("\\bvoid " + Pattern.quote(name.replaceFirst("\\W.*", "")) + "\\(").matcher(source.get());
        int end = method.find() ? method.start() : 0;
        int begin = Math.max(source.get().lastIndexOf("\n    }\n", end), source.get().lastIndexOf("\nclass ", end));
        var ofMethod = begin < 0 ? Optional.<String>empty() : promiseIn(source.get().substring(begin, end));
        return ofMethod.or(() -> promiseIn(source.get().substring(0, Math.max(0, source.get().indexOf("class ")))));
    }

    private static Optional<String> promiseIn(String text) {
        var matcher = PROMISE.matcher(text);
        return matcher.find() ? Optional.of(matcher.group(1).replace("P.", "").strip()) : Optional.empty();
    }

    private Optional<String> source(String type) throws IOException {
        if (!sources.containsKey(type)) {
            var found = find(Pattern.quote(type + ".java"));
            sources.put(type, found.isEmpty() ? Optional.empty() : Optional.of(Files.readString(found.getFirst())));
        }
        return sources.get(type);
    }
}
