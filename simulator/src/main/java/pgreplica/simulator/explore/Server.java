package pgreplica.simulator.explore;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.Observation;
import pgreplica.instance.Observation.Flags;
import pgreplica.instance.Observation.Phase;
import pgreplica.node.Action;

/**
 * The Postgres server of one node, as little of it as decides what is stored, streamed, acknowledged and promoted.
 *
 * @param promotingTo the timeline of the promotion under way; 0 without one
 * @param gate where the WAL receiver may connect to; empty while it is closed
 * @param leaseUntil what backends compare the clock with before they write or acknowledge
 * @param orphansUntil the same for those that outlived their postmaster
 */
record Server(Phase phase, long systemIdentifier, boolean pristine, Wal wal, DataIdentity identity,
              boolean checkpointed, Optional<Action.Restart> work, int promotingTo, Optional<Action.Follow> gate,
              boolean streaming, List<String> admitted, Sync sync, long leaseUntil, long orphansUntil) {

    /**
     * @param setting {@code synchronous_standby_names}; it outlives the server
     * @param settled every process was seen to use it
     * @param demanded no commit is acknowledged without it
     */
    record Sync(String setting, boolean settled, boolean demanded) {
        private static final Pattern SETTING = Pattern.compile("ANY (\\d+) \\((.*)\\)");
        static final Sync NONE = new Sync("", false, false);

        Sync demanding(boolean quorum) {
            return new Sync(setting, settled, quorum);
        }

        /** Whether a commit that ends at {@code end} need not wait any longer: Postgres's rule, then our own. */
        boolean releases(Lsn end, List<Observation.Receiver> receivers) {
            var parts = SETTING.matcher(setting);
            if (!parts.matches()) return !demanded;
            int confirmations = 0;
            for (var name : parts.group(2).split(", ")) {
                for (var receiver : receivers) {
                    boolean counts = name.equals('"' + receiver.applicationName() + '"')
                            && !end.isAfter(receiver.flushed());
                    if (counts) confirmations++;
                }
            }
            return confirmations >= Integer.parseInt(parts.group(1));
        }
    }

    /** A fresh initdb on every node, user data on the first. */
    static Server initial(NodeId node, int index) {
        return new Server(Phase.DOWN, 1000 + index, index > 0, Wal.initial(node), DataIdentity.NONE, true,
                Optional.empty(), 0, Optional.empty(), false, List.of(), Sync.NONE, 0, 0);
    }

    Server in(Phase next) {
        return new Server(next, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server with(Wal written) {
        return new Server(phase, systemIdentifier, pristine, written, identity, checkpointed, work, promotingTo, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server with(DataIdentity told) {
        return new Server(phase, systemIdentifier, pristine, wal, told, checkpointed, work, promotingTo, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server afterCheckpoint() {
        return new Server(phase, systemIdentifier, pristine, wal, identity, true, work, promotingTo, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server ordered(Optional<Action.Restart> replacing) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, replacing, promotingTo, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server promotingTo(int timeline) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, timeline, gate,
                streaming, admitted, sync, leaseUntil, orphansUntil);
    }

    Server gate(Optional<Action.Follow> open) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, open,
                open.isPresent() && streaming && open.equals(gate), admitted, sync, leaseUntil, orphansUntil);
    }

    Server streaming(boolean now) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, gate,
                now, admitted, sync, leaseUntil, orphansUntil);
    }

    Server admitting(List<String> names) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, gate,
                streaming, names, sync, leaseUntil, orphansUntil);
    }

    Server with(Sync changed) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, gate,
                streaming, admitted, changed, leaseUntil, orphansUntil);
    }

    Server leased(long until, long orphans) {
        return new Server(phase, systemIdentifier, pristine, wal, identity, checkpointed, work, promotingTo, gate,
                streaming, admitted, sync, until, orphans);
    }

    /** Nothing of a stopped server is left but its disk. */
    Server stopped() {
        return new Server(Phase.DOWN, systemIdentifier, pristine, wal, identity, checkpointed, work, 0,
                Optional.empty(), false, List.of(), new Sync(sync.setting(), false, false), 0, orphansUntil);
    }

    Server promoted(NodeId node) {
        return new Server(Phase.PRIMARY, systemIdentifier, false, wal.promoted(promotingTo, node), identity, false,
                work, 0, Optional.empty(), false, admitted, sync, leaseUntil, orphansUntil);
    }

    /** Rewound or cloned: all from the source but the identity, which was ordered. */
    Server replacedBy(Server source, DataIdentity renewed) {
        return new Server(phase, source.systemIdentifier, source.pristine, source.wal, renewed, source.checkpointed,
                Optional.empty(), 0, Optional.empty(), false, List.of(), new Sync(source.sync.setting(), false, false), 0,
                orphansUntil);
    }

    boolean isPrimary() {
        return phase == Phase.PRIMARY;
    }

    /** Whether a backend here would let a commit through, by a clock that shows {@link Normal#NOW}. */
    boolean isOpen() {
        return isPrimary() && leaseUntil > Normal.NOW || orphansUntil > Normal.NOW;
    }

    boolean admits(String name) {
        return isPrimary() && admitted.contains(name);
    }

    Observation observed(List<Observation.Receiver> receivers) {
        var flags = new Flags(false, false, false, work.isPresent(), false, false);
        if (phase == Phase.DOWN) {
            return new Observation(Phase.DOWN, 0, Timeline.NONE, Lsn.ZERO, Lsn.ZERO, false, false, "", Timeline.NONE,
                    Lsn.ZERO, false, false, flags, DataIdentity.NONE, List.of(), List.of(), Lsn.ZERO,
                    Observation.SYNC_UNKNOWN);
        }
        var branch = wal.branch();
        boolean recovering = phase == Phase.STARTING || phase == Phase.CRASH_RECOVERY;
        return new Observation(phase, systemIdentifier, new Timeline(branch.timeline()), Wal.lsn(wal.end()),
                Wal.lsn(wal.end()), !recovering, phase == Phase.STANDBY && streaming,
                gate.map(open -> open.upstream().name()).orElse(""), new Timeline(branch.parent()),
                branch.parent() == 0 ? Lsn.ZERO : Wal.lsn(branch.start()), checkpointed, pristine, flags, identity,
                List.of(), receivers, Lsn.ZERO,
                sync.settled() ? sync.setting() : Observation.SYNC_UNKNOWN);
    }
}
