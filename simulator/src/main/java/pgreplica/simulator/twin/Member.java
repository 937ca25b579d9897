package pgreplica.simulator.twin;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import pgreplica.base.NodeId;
import pgreplica.codec.HostAction;
import pgreplica.codec.HostEvent;
import pgreplica.codec.Session;
import pgreplica.instance.Observation;
import pgreplica.node.Settings;

/** One node of the troubled cluster: its state directory, its Postgres, and the core while its process lives. */
final class Member {
    final int number;
    final Settings settings;
    final Postgres postgres = new Postgres();
    private final TreeMap<String, byte[]> files = new TreeMap<>();

    /** Which life of the process this is; what was meant for an earlier one is dropped. */
    int life;
    boolean up;
    Session session = new Session();
    final ArrayDeque<HostEvent> inbox = new ArrayDeque<>();
    final TreeSet<NodeId> connected = new TreeSet<>();
    long frozenUntilMillis;
    long wakeAtMillis;
    long leaseMillis;
    Observation told = Observation.NOTHING;

    Member(int number, Settings settings) {
        this.number = number;
        this.settings = settings;
    }

    NodeId id() {
        return settings.self();
    }

    List<HostEvent.File> files() {
        var list = new ArrayList<HostEvent.File>();
        files.forEach((name, content) -> list.add(new HostEvent.File(name, content)));
        return list;
    }

    void store(HostAction.StoreReplace replace) {
        files.put(replace.name(), replace.content());
    }

    void store(HostAction.StoreAppend append) {
        int offset = Math.toIntExact(append.offset());
        var content = Arrays.copyOf(files.getOrDefault(append.name(), new byte[0]), offset + append.content().length);
        System.arraycopy(append.content(), 0, content, offset, append.content().length);
        files.put(append.name(), content);
    }

    /** The last write of a file was under way when the power went. */
    void tear(int bytes) {
        for (var entry : files.entrySet()) {
            if (!entry.getKey().equals("log") || entry.getValue().length <= bytes) continue;
            entry.setValue(Arrays.copyOf(entry.getValue(), entry.getValue().length - bytes));
        }
    }
}
