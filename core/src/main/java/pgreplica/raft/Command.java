package pgreplica.raft;

/** What an application entry asks for. Raft orders commands and never looks inside. */
public interface Command {}
