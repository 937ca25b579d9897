package pgreplica.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pgreplica.base.NodeId;
import pgreplica.base.VoterId;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.InstanceRecord;
import pgreplica.node.Action;
import pgreplica.node.StoredFiles;
import pgreplica.raft.Ballot;
import pgreplica.raft.Entry;
import pgreplica.raft.Log;

/** The state directory as this process has left it: what the files hold, and the bytes that change them. */
final class StateDirectory {
    private Log log;
    private int length;
    private int batches;

    private StateDirectory(Log log) {
        this.log = log;
    }

    /** What the files say, and the directory that goes on from there. */
    record Opened(StateDirectory directory, StoredFiles files, boolean isFirstStart, boolean isLogTorn) {}

    /**
     * The ballot is written last at the first start, so without one nothing was ever promised; with one, a missing
     * log or record was taken away behind our back.
     */
    static Opened open(NodeId self, List<HostEvent.File> files) {
        var ballot = contentOf(SmallFiles.BALLOT, files);
        var log = contentOf(LogFile.NAME, files);
        var instance = contentOf(SmallFiles.INSTANCE, files);
        if (ballot.isEmpty()) {
            refuseIfUsed(log);
            return firstStart();
        }
        var stored = SmallFiles.ballotOf(ballot.get());
        if (!stored.self().node().equals(self)) {
            throw new DamagedState(SmallFiles.BALLOT, "it belongs to node " + stored.self().node()
                    + ", this is node " + self);
        }
        if (log.isEmpty()) throw new DamagedState(LogFile.NAME, "it is missing beside the ballot");
        if (instance.isEmpty()) throw new DamagedState(SmallFiles.INSTANCE, "it is missing beside the ballot");
        var entries = LogFile.read(log.get());
        var directory = new StateDirectory(entries.log());
        directory.length = entries.length();
        directory.batches = entries.batches();
        var record = raised(SmallFiles.instanceOf(instance.get()), contentOf(SmallFiles.FLOOR, files));
        return new Opened(directory, new StoredFiles(Optional.of(stored.self()), stored.ballot(), entries.log(), record),
                false, entries.torn());
    }

    /** The floor that was noted last counts if it speaks of the data that the record speaks of. */
    private static InstanceRecord raised(InstanceRecord record, Optional<byte[]> noted) {
        if (noted.isEmpty()) return record;
        var floor = SmallFiles.floorOf(noted.get());
        boolean higher = floor.timeline().isAfter(record.floorTimeline())
                || floor.timeline().equals(record.floorTimeline()) && floor.position().isAfter(record.floor());
        boolean applies = floor.identity().equals(record.identity()) && higher;
        return applies ? record.withFloor(floor.timeline(), floor.position()) : record;
    }

    private static Opened firstStart() {
        var empty = Log.blank(ClusterState.EMPTY);
        return new Opened(new StateDirectory(empty),
                new StoredFiles(Optional.empty(), Ballot.START, empty, InstanceRecord.EMPTY), true, false);
    }

    private static void refuseIfUsed(Optional<byte[]> log) {
        if (log.isEmpty()) return;
        var found = LogFile.read(log.get()).log();
        if (found.last().index() > 0 || !found.base().snapshot().equals(ClusterState.EMPTY)) {
            throw new DamagedState(SmallFiles.BALLOT, "it is missing, but the log reaches " + found.last());
        }
    }

    private static Optional<byte[]> contentOf(String name, List<HostEvent.File> files) {
        Optional<byte[]> found = Optional.empty();
        for (var file : files) {
            if (!file.name().equals(name)) continue;
            if (found.isPresent()) throw new Malformed("file \"" + name + "\" is given twice");
            found = Optional.of(file.content());
        }
        return found;
    }

    /** The files of a new voter; the ballot comes last, see {@link #open}. */
    List<HostAction> create(VoterId self) {
        return List.of(
                replaceLog(log),
                new HostAction.StoreReplace(SmallFiles.INSTANCE, SmallFiles.instanceBytes(InstanceRecord.EMPTY)),
                new HostAction.StoreReplace(SmallFiles.BALLOT, SmallFiles.ballotBytes(self, Ballot.START)));
    }

    HostAction storeBallot(VoterId self, Ballot ballot) {
        return new HostAction.StoreReplace(SmallFiles.BALLOT, SmallFiles.ballotBytes(self, ballot));
    }

    HostAction storeInstance(InstanceRecord record) {
        return new HostAction.StoreReplace(SmallFiles.INSTANCE, SmallFiles.instanceBytes(record));
    }

    HostAction storeFloor(Action.NoteFloor floor) {
        return new HostAction.StoreLater(SmallFiles.FLOOR, SmallFiles.floorBytes(floor));
    }

    /** A torn batch is cut off before anything is appended behind it. */
    HostAction rewriteLog() {
        return replaceLog(log);
    }

    HostAction replaceLog(Log changed) {
        var content = LogFile.whole(changed);
        log = changed;
        length = content.length;
        batches = LogFile.batchesOfWhole(changed);
        return new HostAction.StoreReplace(LogFile.NAME, content);
    }

    /**
     * Entries that follow what is there are appended. Entries that replace others make a new file: were they written
     * over the old ones, a crash in the middle could leave a mixture of both.
     */
    HostAction storeEntries(List<Entry> entries) {
        if (entries.isEmpty()) throw new IllegalArgumentException("no entries to store");
        long first = entries.get(0).index();
        var all = new ArrayList<Entry>();
        for (var kept : log.entries()) {
            if (kept.index() < first) all.add(kept);
        }
        boolean appends = all.size() == log.entries().size();
        all.addAll(entries);
        var changed = new Log(log.base(), all);
        if (!appends) return replaceLog(changed);

        var content = LogFile.batch(batches + 1, entries);
        var action = new HostAction.StoreAppend(LogFile.NAME, length, content);
        log = changed;
        length += content.length;
        batches++;
        return action;
    }

    void writeTo(ByteWriter out) {
        out.u32(length);
        out.u32(batches);
        Words.writePosition(out, log.last());
    }
}
