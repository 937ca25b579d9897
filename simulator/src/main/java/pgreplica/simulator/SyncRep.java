package pgreplica.simulator;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import pgreplica.instance.Observation;
import pgreplica.node.Event;
import pgreplica.node.Event.Task;

/** Postgres's synchronous replication on one host: a setting that comes into force late, and commits that wait by it. */
final class SyncRep {
    /** {@code synchronous_standby_names} as Postgres has read it. */
    private record Setting(String text, int standbys, List<String> names) {
        private static final Pattern ANY = Pattern.compile("ANY (\\d+) \\((.*)\\)");
        static final Setting NONE = new Setting("", 0, List.of());

        static Setting of(String text) {
            var parts = ANY.matcher(text);
            if (!parts.matches()) return new Setting(text, 0, List.of());
            return new Setting(text, Integer.parseInt(parts.group(1)), List.of(parts.group(2).replace("\"", "").split(", ")));
        }
    }

    /** A commit that is durable here and whose client was not told yet. */
    private record Waiting(Wal.Branch branch, long lsn, long frozenUntilMillis) {}

    private final Postgres postgres;
    private final Host host;
    private final Dice dice;
    private final Dice clients;
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    /** In the configuration file, so it outlives the server. */
    private Setting file = Setting.NONE;
    /** What some processes may still use. */
    private Setting former = Setting.NONE;
    private boolean settled;
    private boolean demanded;
    private int changes;

    SyncRep(Postgres postgres, Host host) {
        this.postgres = postgres;
        this.host = host;
        dice = new Dice(host.world.seed, "sync " + host.id);
        clients = new Dice(host.world.seed, "clients of " + host.id);
    }

    /** The processes are gone, and with them whoever waited. */
    void forget() {
        waiting.clear();
        former = file;
        settled = false;
        demanded = false;
        changes++;
    }

    /** True if it changes what may be acknowledged. */
    boolean demand(boolean quorum) {
        boolean changes = demanded != quorum;
        demanded = quorum;
        return changes;
    }

    boolean isDemanded() {
        return demanded;
    }

    void set(String setting) {
        int mine = ++changes;
        int sameLife = host.life;
        settled = false;
        boolean fails = dice.chance(0.02);
        host.world.in(dice.between(1, 40), () -> {
            if (changes != mine) return;
            if (fails) {
                if (host.life == sameLife) host.give(new Event.TaskDone(Task.SYNC, false, "no space left"));
                return;
            }
            file = Setting.of(setting);
            host.world.in(dice.between(5, 80), () -> {
                if (changes != mine) return;
                former = file;
                settled = true;
                postgres.look();
            });
        });
    }

    String inForce() {
        return settled ? file.text() : Observation.SYNC_UNKNOWN;
    }

    void committed(Wal.Branch branch, long lsn) {
        // A session may choose to wait for nobody, as long as nobody demands it.
        if (!demanded && dice.chance(0.1) && postgres.isOpen()) {
            host.world.promises.acknowledged(host, branch, lsn, false);
            return;
        }
        // A client that cancels is told nothing: its connection is closed, and its backend waits on.
        boolean cancels = clients.chance(0.01);
        long frozen = clients.chance(0.003) ? clients.between(100, 6000) : 0;
        if (!cancels) waiting.add(new Waiting(branch, lsn, host.world.nowMillis + frozen));
        release();
    }

    /** Each walsender releases by the setting it has read; the backend then looks at the fence. */
    void release() {
        var used = dice.chance(0.5) ? file : former;
        if (waiting.isEmpty()) return;
        long confirmed = confirmed(used);
        // Where no setting is in force nobody waits; a commit that a quorum must confirm is then not acknowledged.
        boolean safe = !demanded || used.standbys() > 0;
        for (var next = waiting.iterator(); next.hasNext();) {
            var commit = next.next();
            if (commit.lsn() > confirmed) return;
            if (commit.frozenUntilMillis() > host.world.nowMillis) continue;
            next.remove();
            if (safe && postgres.isOpen()) {
                host.world.promises.acknowledged(host, commit.branch(), commit.lsn(), demanded);
            }
        }
    }

    /** Up to where as many standbys have confirmed as the setting asks for. */
    private long confirmed(Setting setting) {
        if (setting.standbys() == 0) return Long.MAX_VALUE;
        var positions = new long[setting.names().size()];
        for (int i = 0; i < positions.length; i++) positions[i] = postgres.flushedBy(setting.names().get(i));
        Arrays.sort(positions);
        int last = positions.length - setting.standbys();
        return last < 0 ? -1 : positions[last];
    }
}
