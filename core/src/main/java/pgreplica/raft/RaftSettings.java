package pgreplica.raft;

import static pgreplica.base.Invariant.check;

/**
 * The times Raft works with. A promise outlasts the lease by the stated bound on clock rates, and a lease
 * ends before anybody else campaigns for want of heartbeats.
 */
public record RaftSettings(long electionTimeoutMillis, long heartbeatMillis, long leaseMillis, long promiseMillis) {
    public RaftSettings {
        check(heartbeatMillis > 0, "heartbeats have an interval");
        check(leaseMillis > heartbeatMillis, "a lease outlasts the interval between heartbeats");
        check(promiseMillis >= leaseMillis, "a promise lasts at least as long as the lease it protects");
        check(electionTimeoutMillis > leaseMillis, "a lease ends before others campaign for want of heartbeats");
    }
}
