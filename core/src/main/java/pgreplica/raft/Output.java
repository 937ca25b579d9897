package pgreplica.raft;

import java.util.List;
import pgreplica.base.Term;
import pgreplica.base.VoterId;

/** Everything Raft may ask for. The host carries out a list strictly in its order. */
public sealed interface Output {
    /** Durable before the next output of the list starts. */
    record PersistBallot(Ballot ballot) implements Output {}

    /** The log is cut before the first of them; durable before the next output of the list starts. */
    record PersistEntries(List<Entry> entries) implements Output {
        public PersistEntries {
            entries = List.copyOf(entries);
        }
    }

    /** The whole log is replaced; durable before the next output of the list starts. */
    record PersistLog(Log log) implements Output {}

    record Send(VoterId to, Message message) implements Output {}

    /** Seal this node and say what goes with its vote; answered by GrantReady. May be asked again in a term. */
    record PrepareGrant(Term term) implements Output {}

    /** When the next output of the list starts, no write is possible here. Comes for a closed fence, too. */
    record CloseFence() implements Output {}

    /** In the order of the log, each once per start; those up to the log's base never. */
    record Committed(Entry entry) implements Output {}

    /** The application's state is replaced by the image's. */
    record SnapshotInstalled(SnapshotImage image) implements Output {}
}
