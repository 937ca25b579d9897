package pgreplica.raft;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;

/**
 * One simulated machine: a clock of its own, a disk, perhaps a running voter, and the deadline in shared memory
 * that its backends look at. Only the disk survives a crash; the deadline survives that of the voter alone.
 */
final class Host {
    final NodeId node;
    final long ratePerMillion;
    long bootedAtMicros;

    VoterId self;
    Ballot diskBallot;
    Log diskLog;
    Sample.Applied applied;

    /** Null while no voter runs here. */
    RaftState raft;
    /** Counts the lives of the voter, so that what was meant for an earlier one is dropped. */
    int life;
    boolean frozen;
    long fenceUntilMillis;
    final List<Runnable> inbox = new ArrayList<>();

    Host(VoterId self, long ratePerMillion, Log log, Ballot ballot) {
        this.node = self.node();
        this.ratePerMillion = ratePerMillion;
        this.self = self;
        this.diskLog = log;
        this.diskBallot = ballot;
    }

    /** This machine's CLOCK_BOOTTIME. */
    long clockMillis(long realMicros) {
        long up = realMicros - bootedAtMicros;
        return (up + up * ratePerMillion / 1_000_000) / 1000;
    }

    /** The first real moment at which the clock shows at least this. */
    long realMicrosAt(long clockMillis) {
        long up = clockMillis * 1000 * 1_000_000 / (1_000_000 + ratePerMillion);
        long real = bootedAtMicros + Math.max(0, up - 2000);
        while (clockMillis(real) < clockMillis) real += 100;
        return real;
    }

    boolean isOpen(long realMicros) {
        return fenceUntilMillis > clockMillis(realMicros);
    }

    boolean leads() {
        return raft != null && raft.isLeader();
    }

    @Override public String toString() {
        return node.name();
    }
}
