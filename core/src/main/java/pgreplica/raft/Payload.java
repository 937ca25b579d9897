package pgreplica.raft;

/** What one entry of the log carries. */
public sealed interface Payload {
    /** The first entry of each leader: committing it commits everything before it (§5.4.2). */
    record NoOp() implements Payload {}

    record Application(Command command) implements Payload {}

    /** In force from the moment it is appended, committed or not (§6). */
    record Configure(Configuration configuration) implements Payload {}
}
