package pgreplica.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import pgreplica.instance.Observation;
import pgreplica.node.Event;
import pgreplica.node.Event.Task;

/** Postgres's synchronous replication on one host: a setting that comes into force late, and commits that wait by it. */
final class SyncRep {
    private static final Pattern SETTING = Pattern.compile("ANY (\\d+) \\((.*)\\)");

    /** A commit that is durable here and whose client was not told yet. */
    private record Waiting(Wal.Branch branch, long lsn) {}

    private final Postgres postgres;
    private final Host host;
    private final Dice dice;
    private final List<Waiting> waiting = new ArrayList<>();
    /** In the configuration file, so it outlives the server. */
    private String file = "";
    /** What some processes may still use. */
    private String former = "";
    private boolean settled;
    private boolean demanded;
    private int changes;

    SyncRep(Postgres postgres, Host host) {
        this.postgres = postgres;
        this.host = host;
        dice = new Dice(host.world.seed, "sync " + host.id);
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
            file = setting;
            host.world.in(dice.between(5, 80), () -> {
                if (changes != mine) return;
                former = setting;
                settled = true;
                postgres.look();
            });
        });
    }

    String inForce() {
        return settled ? file : Observation.SYNC_UNKNOWN;
    }

    void committed(Wal.Branch branch, long lsn) {
        // A session may choose to wait for nobody, as long as nobody demands it.
        if (!demanded && dice.chance(0.1) && postgres.isOpen()) {
            host.world.promises.acknowledged(host, branch, lsn, false);
            return;
        }
        waiting.add(new Waiting(branch, lsn));
        release();
    }

    /** Each walsender releases by the setting it has read; the backend then looks at the fence. */
    void release() {
        var used = dice.chance(0.5) ? file : former;
        for (var commit : List.copyOf(waiting)) {
            if (!isConfirmed(commit.lsn(), used)) continue;
            waiting.remove(commit);
            // Where no setting is in force nobody waits; a commit that a quorum must confirm is then not acknowledged.
            boolean safe = !demanded || !used.isEmpty();
            if (safe && postgres.isOpen()) {
                host.world.promises.acknowledged(host, commit.branch(), commit.lsn(), demanded);
            }
        }
    }

    private boolean isConfirmed(long lsn, String setting) {
        var parts = SETTING.matcher(setting);
        if (!parts.matches()) return true;
        int confirmations = 0;
        for (var name : parts.group(2).split(", ")) {
            if (postgres.flushedBy(name.replace("\"", "")) >= lsn) confirmations++;
        }
        return confirmations >= Integer.parseInt(parts.group(1));
    }
}
