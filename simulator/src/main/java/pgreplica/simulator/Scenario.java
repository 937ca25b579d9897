package pgreplica.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import pgreplica.base.NodeId;
import pgreplica.node.SyncWish;
import pgreplica.raft.Role;

/**
 * A conversation in a file: commands at the left margin, what the cluster does about them indented below. The player
 * carries the commands out and gives back the file as it should read.
 */
final class Scenario {
    private static final Pattern CLOCKS = Pattern.compile(", sentAtMillis=\\d+|, promisedToOthersMillis=\\d+");
    private static final Pattern PREFIX = Pattern.compile("^ *[\\d.]+ (\\S+)  (.*)$");
    private static final Pattern ADDRESSED = Pattern.compile("^-> (n\\d+): (.*)$");
    private static final Pattern TERM_AND_NODE = Pattern.compile("\\[(term \\d+) node n\\d+]");
    private static final List<String> SAID_BETWEEN_NODES = List.of("PreVoteRequest", "PreVoteReply", "VoteRequest",
            "VoteReply", "TimeoutNow", "InstallSnapshot", "Order[");
    private static final List<String> ASKED_OF_POSTGRES = List.of("Seal[", "Follow[", "Promote[", "Restart[", "SetSync[", "LOG ",
            "Reply[");

    private final List<String> output = new ArrayList<>();
    private final Map<String, String> lastOrder = new TreeMap<>();
    private final Map<String, String> lastSaid = new TreeMap<>();
    private final Map<String, String> lastSetting = new TreeMap<>();
    private final Map<String, Boolean> open = new TreeMap<>();
    private Optional<World> world = Optional.empty();
    private long seed = 1;
    private boolean quiet;

    private Scenario() {}

    static List<String> play(List<String> lines) {
        var scenario = new Scenario();
        for (var line : lines) {
            if (line.startsWith("  ")) continue; // output of an earlier time
            scenario.output.add(line);
            if (!line.isBlank() && !line.startsWith("#")) scenario.carryOut(line.trim().split(" +"));
        }
        return scenario.output;
    }

    private void carryOut(String[] words) {
        switch (words[0]) {
            case "seed" -> seed = Long.parseLong(words[1]);
            case "nodes" -> begin(words[1], Arrays.asList(words).subList(2, words.length));
            case "maxlag" -> world().maxFailoverLagBytes = Long.parseLong(words[1]);
            case "priority" -> prioritise(host(words[1]), Integer.parseInt(words[2]));
            case "list" -> list(host(words[1]), Arrays.asList(words).subList(2, words.length));
            case "add" -> add(host(words[1]));
            case "configure" -> configure(words[1]);
            case "data" -> host(words[1]).postgres.holdUserData();
            case "boot" -> host(words[1]).boot();
            case "run" -> run(Long.parseLong(words[1]));
            case "until" -> until(String.join(" ", Arrays.copyOfRange(words, 1, words.length)));
            case "quietly" -> {
                quiet = true;
                run(Long.parseLong(words[1]));
                quiet = false;
            }
            case "power" -> host(words[2]).losePower();
            case "kill" -> kill(words);
            case "freeze" -> host(words[1]).freeze(Long.parseLong(words[2]));
            case "cut" -> cut(words, true);
            case "join" -> cut(words, false);
            case "cutdata" -> world().network.cutData(host(words[1]).index, host(words[2]).index, true);
            case "joindata" -> world().network.cutData(host(words[1]).index, host(words[2]).index, false);
            case "upgrade" -> host(words[1]).upgrade();
            case "allow" -> allow(host(words[1]));
            case "stall" -> host(words[1]).postgres.receiver.stall(true);
            case "unstall" -> host(words[1]).postgres.receiver.stall(false);
            case "write" -> write(host(words[1]).postgres.receiver, words[2].equals("begins"));
            case "promotions" -> host(words[1]).postgres.hangPromotions(words[2].equals("hang"));
            case "hold" -> world().network.hold(host(words[1]), host(words[2]));
            case "release" -> world().network.letGo();
            case "ask" -> host(words[1]).ask(1, words[2], Arrays.asList(words).subList(3, words.length));
            case "disk" -> host(words[1]).postgres.failDisk(words[2].equals("full"));
            case "lose" -> lose(words[1], host(words[2]));
            case "roles" -> roles();
            default -> throw new IllegalArgumentException("no command \"" + words[0] + "\"");
        }
    }

    /** {@code nodes 3 quorum n3}: the sync mode and the witnesses, where there are any; {@code nodes 3+1}: n4 comes later. */
    private void begin(String nodes, List<String> more) {
        boolean later = nodes.endsWith("+1");
        world = Optional.of(new World(seed, later ? Integer.parseInt(nodes.replace("+1", "")) + 1 : Integer.parseInt(nodes),
                true, this::hear));
        if (later) world().leaveOutTheLast();
        if (!more.isEmpty()) world().sync = syncWish(more.getFirst());
        for (var witness : more.subList(Math.min(1, more.size()), more.size())) host(witness).witness = true;
        for (var host : world().hosts) host.boot();
        world().start();
    }

    private static void write(WalReceiver receiver, boolean begins) {
        if (begins) receiver.beginWrite();
        else receiver.endWrite();
    }

    private static void prioritise(Host host, int priority) {
        host.priority = priority;
        host.restartForSettings();
    }

    /** {@code list n3 n1 n3}: what {@code pg_replica.nodes} says on n3. */
    private void list(Host host, List<String> names) {
        host.listed = world().listed.stream().filter(node -> names.contains(node.node().name())).toList();
        host.restartForSettings();
    }

    /** As an operator does: it starts, then all others are restarted with the longer list, one after the other. */
    private void add(Host host) {
        host.present = true;
        host.listed = List.copyOf(world().listed);
        host.boot();
        for (var other : world().hosts) {
            run(3000);
            other.listed = List.copyOf(world().listed);
            other.restartForSettings();
        }
    }

    private void configure(String mode) {
        world().sync = syncWish(mode);
        world().hosts.forEach(Host::configure);
    }

    /** {@code pg_replica.allow_collation_mismatch}, with a reload. */
    private static void allow(Host host) {
        host.mismatchAllowed = true;
        host.configure();
    }

    private static SyncWish syncWish(String mode) {
        return new SyncWish(SyncWish.Mode.valueOf(mode.toUpperCase(Locale.ROOT)), 0);
    }

    private World world() {
        return world.orElseThrow(() -> new IllegalArgumentException("a scenario begins with \"nodes\""));
    }

    private Host host(String name) {
        return world().host(new NodeId(name));
    }

    private void run(long millis) {
        world().runUntil(world().nowMillis + millis);
    }

    /** Millisecond by millisecond, to stop right after something was said or done. */
    private void until(String text) {
        for (int i = 0; i < 20_000; i++) {
            int before = output.size();
            run(1);
            for (var line : output.subList(before, output.size())) {
                if (line.contains(text)) return;
            }
        }
        throw new IllegalArgumentException("20 s passed without \"" + text + "\"");
    }

    /** {@code kill backend n1 2500}: and its worker is away for so many milliseconds. */
    private void kill(String[] words) {
        var host = host(words[2]);
        switch (words[1]) {
            case "postmaster" -> host.postgres.killPostmaster();
            case "backend" -> {
                if (words.length > 3) host.postgres.crash(Long.parseLong(words[3]));
                else host.postgres.crash();
            }
            case "worker" -> host.postgres.killWorker();
            default -> throw new IllegalArgumentException("kill postmaster, backend or worker, not \"" + words[1] + "\"");
        }
    }

    /** {@code cut n1}: from everybody; {@code cut n1 n2}: what n1 sends to n2. */
    private void cut(String[] words, boolean now) {
        var host = host(words[1]);
        if (words.length > 2) {
            world().network.cut(host.index, host(words[2]).index, now);
            return;
        }
        for (var other : world().hosts) {
            world().network.cut(host.index, other.index, now);
            world().network.cut(other.index, host.index, now);
        }
    }

    private void lose(String what, Host host) {
        switch (what) {
            case "state" -> host.loseStateDirectory();
            case "data" -> host.postgres.loseData();
            case "identity" -> {
                host.postgres.loseIdentity();
                world().promises.foundedAnew();
            }
            default -> throw new IllegalArgumentException("lose state, data or identity, not \"" + what + "\"");
        }
    }

    // ---- what is written down ----------------------------------------------------------------

    private void hear(String traced) {
        var parts = PREFIX.matcher(traced);
        if (!parts.matches()) return;
        var node = parts.group(1);
        var text = CLOCKS.matcher(parts.group(2)).replaceAll("");
        if (text.startsWith("-> SetLease")) fence(node, text);
        else if (matters(node, text)) say(node, text);
    }

    /** Whoever asks in vain asks again and again; once is enough to read. */
    private void say(String node, String text) {
        var to = ADDRESSED.matcher(text);
        var line = to.matches()
                ? node + "->" + to.group(1) + " " + to.group(2)
                : node + " " + TERM_AND_NODE.matcher(text.replaceFirst("^-> ", "")).replaceFirst("[$1]");
        var whom = to.matches() ? node + "->" + to.group(1) : node;
        boolean again = line.equals(lastSaid.put(whom, line));
        if (!again && !quiet) output.add("  " + line);
    }

    private boolean matters(String node, String text) {
        if (!text.startsWith("-> ")) return Character.isUpperCase(text.charAt(0)) && !text.startsWith("<-");
        var said = text.substring(3);
        if (said.startsWith("SetSync[")) {
            var before = Optional.ofNullable(lastSetting.put(node, said)).orElse("SetSync[setting=]");
            return !said.equals(before);
        }
        for (var start : ASKED_OF_POSTGRES) {
            if (said.startsWith(start)) return true;
        }
        int colon = said.indexOf(": ");
        if (colon < 0) return false;
        var message = said.substring(colon + 2);
        for (var start : SAID_BETWEEN_NODES) {
            if (!message.startsWith(start)) continue;
            // Orders are repeated until the status shows that they are carried out.
            var whom = node + said.substring(0, colon);
            return !message.startsWith("Order[") || !message.equals(lastOrder.put(whom, message));
        }
        return false;
    }

    private void fence(String node, String text) {
        boolean now = !text.contains("untilMillis=0,");
        if (open.getOrDefault(node, false) == now) return;
        open.put(node, now);
        if (!quiet) output.add("  " + node + (now ? " OPENS its fence" : " CLOSES its fence: "
                + text.replaceFirst(".*why=", "").replaceFirst(", quorum=(true|false)]$", "")));
    }

    private void roles() {
        for (var host : world().hosts) {
            var postgres = host.postgres;
            var raft = host.state().map(state -> switch (state.raft().role()) {
                case Role.Leader _ -> "leader";
                case Role.Follower _ -> "follower";
                case Role.Candidate _, Role.PreCandidate _ -> "candidate";
            } + " term " + state.raft().term()).orElse("not running");
            output.add("  " + host.id + " " + raft + ", " + postgres.phase() + " on timeline "
                    + postgres.wal().timeline() + (postgres.isOpen() ? ", writable" : "")
                    + (postgres.isStreaming() ? ", streaming" : ""));
        }
    }
}
