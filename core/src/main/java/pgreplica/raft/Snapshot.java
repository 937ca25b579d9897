package pgreplica.raft;

/** The application's state after some entry. Raft keeps it in place of the entries it stands for. */
public interface Snapshot {}
