package pgreplica.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;

import pgreplica.harness.run.Json;

/** What is said of a release in several places is the same in all of them, and what PGXN's specification 1.0.0 asks is said. */
class PackagingTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final String DOCKERFILE = "packaging/docker/Dockerfile";
    private static final String VERSION = "\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z][0-9A-Za-z.-]*)?";
    private static final Set<String> LICENSES = Set.of("agpl_3", "apache_1_1", "apache_2_0", "artistic_1", "artistic_2",
            "bsd", "freebsd", "gfdl_1_2", "gfdl_1_3", "gpl_1", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit",
            "mozilla_1_0", "mozilla_1_1", "openssl", "perl_5", "postgresql", "qpl_1_0", "ssleay", "sun", "zlib",
            "open_source", "restricted", "unrestricted", "unknown");

    @Test void pgxnTakesTheMetadata() throws IOException {
        assertThat(mistakes(meta())).isEmpty();
    }

    @Test void eachMistakeInTheMetadataIsSeen() throws IOException {
        for (var missing : List.of("name", "abstract", "version", "maintainer", "license", "provides", "meta-spec")) {
            var meta = meta();
            meta.remove(missing);
            assertThat(mistakes(meta)).as("without " + missing).isNotEmpty();
        }
        var wrong = Map.<String, Object>of("version", "1.0", "license", "PostgreSQL", "release_status", "beta",
                "name", "pg/replica", "meta-spec", Map.of("version", "2.0.0"), "tags", List.of("x"),
                "provides", Map.of("pg_replica", Map.of("version", "1.0.0")),
                "prereqs", Map.of("runtime", Map.of("requires", Map.of("PostgreSQL", "15"))));
        for (var mistake : wrong.entrySet()) {
            var meta = meta();
            meta.put(mistake.getKey(), mistake.getValue());
            assertThat(mistakes(meta)).as(mistake.toString()).isNotEmpty();
        }
    }

    @Test void allPlacesNameTheSameVersion() throws IOException {
        var meta = meta();
        var version = meta.get("version").toString();
        var provided = Json.object(Json.object(meta.get("provides")).get("pg_replica"));
        assertThat(provided.get("version")).isEqualTo(version);
        assertThat(first("extension/pg_replica.control", "default_version = '(.*)'")).isEqualTo(version);
        assertThat(first("packaging/debian/changelog", "pg-replica \\((.*)-\\d+\\)")).isEqualTo(version);
        // The release has at its top what the work tree has in extension/.
        assertThat(ROOT.resolve("extension").resolve(provided.get("file").toString())).exists();
        assertThat(ROOT.resolve(provided.get("docfile").toString())).exists();
        assertThat(first("CHANGELOG.md", "(?m)^## (?:\\[)?(\\d[^\\] ]*)")).isEqualTo(version);
    }

    /** What the image copies is there, and it is made on the Debian that has the server that it asks for. */
    @Test void theImageIsMadeOfWhatThereIs() throws IOException {
        var instructions = instructions();
        assertThat(instructions).extracting(words -> words.split(" ")[0]).as("each is looked at here").containsOnly("FROM", "ARG",
                "COPY", "RUN", "ENV", "VOLUME", "USER", "STOPSIGNAL", "EXPOSE", "ENTRYPOINT");
        var version = first(DOCKERFILE, "ARG PG=(\\d+)");
        assertThat(first("tools/servers", version + "\\) echo (\\w+) ;;")).isEqualTo(first(DOCKERFILE, "FROM debian:(\\w+)-slim"));
        var sources = instructions.stream().filter(words -> words.startsWith("COPY ")).map(words -> words.split(" "))
                .map(words -> words[words.length - 2]).toList();
        assertThat(sources).hasSize(2);
        var deb = sources.getFirst().replace("${PG}", "PGVERSION").replaceAll("build/(.*)_\\*\\.deb", "$1");
        assertThat(first("packaging/debian/control.in", "(?m)^Package: (.*)$")).isEqualTo(deb);
        assertThat(ROOT.resolve(sources.getLast())).isExecutable();
        assertThat(instructions).contains("ENTRYPOINT [\"pg_replica-entrypoint\"]");
        assertThat(first(DOCKERFILE, "COPY .*/usr/local/bin/(.*)")).isEqualTo("pg_replica-entrypoint");
    }

    /** Image and composition give the entrypoint all that it asks for, and volumes hold all that must outlive a container. */
    @Test void theCompositionFitsTheImage() throws IOException {
        var volume = first(DOCKERFILE, "VOLUME (.*)");
        var image = first(DOCKERFILE, "(?m)^ENV (.*)$");
        var composition = Files.readString(ROOT.resolve("packaging/docker/compose.yaml"));
        var asked = first("packaging/docker/entrypoint", "for name in ([A-Z_ ]+); do").split(" ");
        assertThat(asked).contains("PGDATA", "PGREPLICA_STATE", "PGREPLICA_NODE");
        for (var name : asked) {
            boolean given = image.contains(name + "=") || composition.contains(name + ": ");
            assertThat(given).as(name + " is set by the image or the composition").isTrue();
        }
        for (var name : List.of("PGDATA", "PGREPLICA_STATE")) {
            assertThat(first(DOCKERFILE, name + "=(\\S+)")).as(name).startsWith(volume + "/");
        }
        assertThat(first(DOCKERFILE, "install -d -o postgres -g postgres -m 700 (\\S+)")).isEqualTo(volume);
        var nodes = first("packaging/docker/compose.yaml", "PGREPLICA_NODES: (.*)").split(",");
        assertThat(nodes).hasSize(3);
        for (var node : nodes) {
            var name = node.replaceAll("=.*", "");
            assertThat(node).isEqualTo(name + "=" + name + ":5432/5433");
            assertThat(composition).contains("PGREPLICA_NODE: " + name + "}", "volumes: [\"" + name + ":" + volume + "\"]");
        }
        assertThat(first(DOCKERFILE, "EXPOSE (.*)")).isEqualTo("5432 5433");
        assertThat(first("packaging/docker/compose.yaml", "image: (.*)")).isEqualTo("pg_replica:" + first(DOCKERFILE, "ARG PG=(\\d+)"));
        for (var secret : List.of("secret", "passwords")) {
            assertThat(composition).contains("/run/secrets/" + secret + "\n", secret + ": {file: ");
        }
    }

    /** A line each. */
    private static List<String> instructions() throws IOException {
        return Files.readString(ROOT.resolve(DOCKERFILE)).replaceAll("\\\\\n *", "").lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#")).toList();
    }

    private static Map<String, Object> meta() throws IOException {
        return new HashMap<>(Json.readObject(Files.readString(ROOT.resolve("META.json"))));
    }

    private static String first(String file, String pattern) throws IOException {
        var found = Pattern.compile(pattern).matcher(Files.readString(ROOT.resolve(file)));
        return found.find() ? found.group(1) : "nothing like " + pattern + " in " + file;
    }

    private static List<String> mistakes(Map<String, Object> meta) {
        var mistakes = new ArrayList<String>();
        expect(mistakes, isTerm(meta.get("name")), "name");
        expect(mistakes, isText(meta.get("abstract")), "abstract");
        expect(mistakes, isVersion(meta.get("version")), "version");
        expect(mistakes, isTextOrTexts(meta.get("maintainer")), "maintainer");
        expect(mistakes, meta.get("license") instanceof String license && LICENSES.contains(license), "license");
        expect(mistakes, meta.get("meta-spec") instanceof Map<?, ?> spec && "1.0.0".equals(spec.get("version")), "meta-spec");
        expect(mistakes, meta.get("provides") instanceof Map<?, ?> provides && !provides.isEmpty()
                && provides.entrySet().stream().allMatch(PackagingTest::isProvided), "provides");
        expect(mistakes, Set.of("stable", "testing", "unstable").contains(meta.getOrDefault("release_status", "stable")),
                "release_status");
        expect(mistakes, meta.getOrDefault("tags", List.of()) instanceof List<?> tags
                && tags.stream().allMatch(PackagingTest::isTerm), "tags");
        expect(mistakes, meta.getOrDefault("prereqs", Map.of()) instanceof Map<?, ?> phases
                && phases.values().stream().allMatch(PackagingTest::isPhase), "prereqs");
        return mistakes;
    }

    private static void expect(List<String> mistakes, boolean good, String field) {
        if (!good) mistakes.add(field);
    }

    private static boolean isProvided(Map.Entry<?, ?> extension) {
        return isTerm(extension.getKey()) && extension.getValue() instanceof Map<?, ?> about
                && isVersion(about.get("version")) && isText(about.get("file"));
    }

    private static boolean isPhase(Object phase) {
        return phase instanceof Map<?, ?> relations && relations.values().stream().allMatch(relation ->
                relation instanceof Map<?, ?> needed && needed.values().stream().allMatch(version ->
                        version.toString().equals("0") || isVersion(version)));
    }

    private static boolean isVersion(Object value) {
        return value instanceof String text && text.matches(VERSION);
    }

    private static boolean isText(Object value) {
        return value instanceof String text && !text.isBlank();
    }

    private static boolean isTextOrTexts(Object value) {
        return isText(value) || value instanceof List<?> list && !list.isEmpty() && list.stream().allMatch(PackagingTest::isText);
    }

    /** At least two characters, no control characters and no slashes. */
    private static boolean isTerm(Object value) {
        return value instanceof String text && text.length() > 1 && text.matches("[^\\p{Cntrl}/\\\\]+");
    }
}
