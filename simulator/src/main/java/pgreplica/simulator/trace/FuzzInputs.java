package pgreplica.simulator.trace;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import pgreplica.codec.HostEvent;
import pgreplica.codec.HostEventCodec;
import pgreplica.codec.Session;
import pgreplica.node.NodeState;
import pgreplica.raft.Role;
import pgreplica.simulator.RecordedEvents;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * What the fuzz targets of extension/fuzz begin with: lives of simulated nodes up to a moment worth being disturbed,
 * and inputs that are as they should be. Made anew at each run, so that they speak the border of today.
 */
@Command(name = "fuzz-inputs", mixinStandardHelpOptions = true, description = "Writes what the fuzz targets begin with.")
final class FuzzInputs implements Callable<Integer> {
    private static final int SEEDS = 12;
    private static final int LONGEST_LIFE = 1000;
    private static final int INPUTS_OF_A_LIFE = 12;
    private static final int EVENTS_OF_AN_INPUT = 4;
    private static final List<String> FILES = List.of("ballot", "log", "instance", "floor");

    /** Named so that their order is the one in which the target counts them. */
    private static final TreeMap<String, Predicate<NodeState>> MOMENTS = new TreeMap<>();

    static {
        MOMENTS.put("1-started", node -> true);
        MOMENTS.put("2-candidate", node -> node.raft().role() instanceof Role.Candidate && node.cluster().foundingComplete());
        MOMENTS.put("3-primary", node -> node.raft().isLeader() && node.observed().isPrimary()
                && node.raft().leaseUntilMillis() > 0);
        MOMENTS.put("4-standby", node -> node.raft().leader().isPresent() && node.observed().streaming());
    }

    @Parameters(index = "0")
    private Path directory;

    @Override public Integer call() throws IOException {
        for (var kind : List.of("lives", "events", "files", "actions")) Files.createDirectories(directory.resolve(kind));
        // The shortest: each input lives through it first.
        var shortest = new TreeMap<String, Found>();
        for (long seed = 1; seed <= SEEDS; seed++) {
            for (var life : livesOf(seed)) {
                writeFiles(life.getFirst(), seed);
                findMoments(life, shortest);
            }
        }
        for (var moment : MOMENTS.keySet()) {
            if (!shortest.containsKey(moment)) throw new IOException("no simulated node came to " + moment);
            var found = shortest.get(moment);
            writeLife(moment, found.life().subList(0, found.length()));
            Files.write(directory.resolve("actions/" + moment), found.reply());
            writeEvents(moment, found.life().subList(found.length(), found.life().size()));
        }
        return 0;
    }

    /** After {@code length} events of this life. */
    private record Found(List<byte[]> life, int length, byte[] reply) {}

    private static List<List<byte[]>> livesOf(long seed) {
        var events = new RecordedEvents(seed);
        var lives = new ArrayList<List<byte[]>>();
        for (int i = 0; i < 4000; i++) {
            var event = events.next();
            if (event[0] == 1) lives.add(new ArrayList<>());
            lives.getLast().add(event);
        }
        return lives;
    }

    private static void findMoments(List<byte[]> life, TreeMap<String, Found> shortest) {
        var session = new Session();
        int until = Math.min(life.size() - INPUTS_OF_A_LIFE * EVENTS_OF_AN_INPUT, LONGEST_LIFE);
        for (int length = 1; length <= until; length++) {
            var reply = session.step(life.get(length - 1));
            var node = session.node().orElseThrow();
            for (var moment : MOMENTS.entrySet()) {
                var known = shortest.get(moment.getKey());
                boolean here = node.settings().listed().size() > 2 && moment.getValue().test(node);
                if (here && (known == null || length < known.length())) {
                    shortest.put(moment.getKey(), new Found(life, length, reply));
                }
            }
        }
    }

    private void writeLife(String moment, List<byte[]> events) throws IOException {
        var file = directory.resolve("lives/" + moment + ".trace");
        try (var out = new TraceFile.Writer(new BufferedOutputStream(Files.newOutputStream(file)))) {
            for (var event : events) out.write(TraceFile.Kind.EVENT, event);
        }
    }

    private void writeEvents(String moment, List<byte[]> events) throws IOException {
        int life = MOMENTS.headMap(moment).size();
        for (int input = 0; input < INPUTS_OF_A_LIFE; input++) {
            int from = input * EVENTS_OF_AN_INPUT;
            if (from + EVENTS_OF_AN_INPUT > events.size()) return;
            var out = new ByteArrayOutputStream();
            out.write(life);
            for (var event : events.subList(from, from + EVENTS_OF_AN_INPUT)) putSized(out, event);
            Files.write(directory.resolve("events/" + moment + "-" + input), out.toByteArray());
        }
    }

    /** A state directory as the simulated disk held it at this start. */
    private void writeFiles(byte[] start, long seed) throws IOException {
        if (!(HostEventCodec.decode(start).event() instanceof HostEvent.Start(var settings, _, var files))) return;
        if (files.isEmpty()) return;
        var out = new ByteArrayOutputStream();
        for (var file : files) {
            out.write(FILES.indexOf(file.name()));
            putSized(out, file.content());
        }
        Files.write(directory.resolve("files/" + settings.self() + "-" + seed), out.toByteArray());
    }

    private static void putSized(ByteArrayOutputStream out, byte[] bytes) {
        out.write(bytes.length >>> 8);
        out.write(bytes.length);
        out.writeBytes(bytes);
    }
}
