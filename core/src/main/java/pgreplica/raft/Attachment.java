package pgreplica.raft;

/** What a voter says beside its vote. Raft carries it to the candidate and never looks inside. */
public interface Attachment {}
