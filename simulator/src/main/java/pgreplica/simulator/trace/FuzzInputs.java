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
    private static final int SEEDS = 6;
    private static final int LONGEST_LIFE = 600;
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
        var missing = new ArrayList<>(MOMENTS.keySet());
        for (long seed = 1; seed <= SEEDS || !missing.isEmpty() && seed < 200; seed++) {
            for (var life : livesOf(seed)) {
                writeFiles(life.getFirst(), seed);
                missing.removeIf(moment -> wrote(moment, life));
            }
        }
        if (!missing.isEmpty()) throw new IOException("no simulated node came to " + missing);
        return 0;
    }

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

    private boolean wrote(String moment, List<byte[]> life) {
        var session = new Session();
        for (int i = 0; i < Math.min(life.size() - EVENTS_OF_AN_INPUT, LONGEST_LIFE); i++) {
            var reply = session.step(life.get(i));
            if (!MOMENTS.get(moment).test(session.node().orElseThrow())) continue;
            try {
                writeLife(moment, life.subList(0, i + 1));
                Files.write(directory.resolve("actions/" + moment), reply);
                writeEvents(moment, life.subList(i + 1, life.size()));
            } catch (IOException failed) {
                throw new java.io.UncheckedIOException(failed);
            }
            return true;
        }
        return false;
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
