package pgreplica.node;

import java.util.List;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Term;
import pgreplica.base.Timeline;
import pgreplica.instance.DataIdentity;
import pgreplica.instance.InstanceRecord;
import pgreplica.instance.Observation;
import pgreplica.raft.Ballot;
import pgreplica.raft.Entry;

/** Everything the core may ask for. The host carries out a list strictly in its order. */
public sealed interface Action {
    record PersistBallot(Ballot ballot) implements Action {}

    /** The log is cut before the first of them, then they are written behind it. */
    record PersistEntries(List<Entry> entries) implements Action {}

    record PersistLog(pgreplica.raft.Log log) implements Action {}

    record PersistInstance(InstanceRecord record) implements Action {}

    /**
     * The position this node's data has reached, written down in the assistant's own time. It may be lost in a crash
     * and is never waited for: no heartbeat path touches a disk.
     */
    record NoteFloor(DataIdentity identity, Timeline timeline, Lsn position) implements Action {}

    record Send(NodeId to, Envelope envelope) implements Action {}

    /**
     * @param untilMillis 0 closes the fence
     * @param quorum a commit may be acknowledged only when standbys have confirmed it (P3)
     */
    record SetLease(long untilMillis, Term term, String why, boolean quorum) implements Action {}

    /** Close the WAL receiver's gate, then answer with {@link Event.Sealed}. */
    record Seal(Term term) implements Action {}

    record Follow(NodeId upstream, Timeline timeline, Term term, String applicationName, String slot)
            implements Action {}

    record Promote(Timeline timeline) implements Action {}

    record Restart(boolean immediate, Event.Work work, String source, DataIdentity identity, String why)
            implements Action {}

    record Checkpoint() implements Action {}

    record EnsureSlots(List<Slot> slots) implements Action {}

    /** All tables of one page, in place of what it held. */
    record Publish(Page page, List<Table> tables) implements Action {}

    record Reply(long requestId, boolean ok, String text) implements Action {}

    record Log(Level level, String text) implements Action {}

    record WakeAt(long atMillis) implements Action {}

    record WriteIdentity(DataIdentity identity) implements Action {}

    record AllowReplication(List<String> applicationNames) implements Action {}

    /** Postgres's {@code synchronous_standby_names}; seen in {@link Observation#syncSetting} when it is in force. */
    record SetSync(String setting) implements Action {}

    /** Has all WAL flushed that is written by now, and looks often until every standby has confirmed it. */
    record FlushWal() implements Action {}

    /** Whether ordinary users may read here: not before what is here is known to be on a quorum (B19). */
    record AllowReads(boolean allowed) implements Action {}

    record Slot(String name, Lsn restart) {}

    record Table(String name, List<String> columns, List<List<String>> rows) {}

    /** What SQL functions show: of every moment, or only of decisions. */
    enum Page { MOVING, SETTLED }

    enum Level { LOG, WARNING, DEBUG }
}
