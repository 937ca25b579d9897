package pgreplica.raft;

import pgreplica.base.LogPosition;

/** Everything up to and including {@code last}: the members as of that entry, and the application's state. */
public record SnapshotImage(LogPosition last, Configuration configuration, Snapshot snapshot) {}
