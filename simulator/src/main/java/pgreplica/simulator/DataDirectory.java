package pgreplica.simulator;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import pgreplica.instance.DataIdentity;
import pgreplica.node.Action;

/** What a server has on disk, and so what survives a loss of power. */
final class DataDirectory {
    private static final long WAL_START = 0x1000000;

    long systemIdentifier;
    boolean pristine = true;
    Wal wal;
    DataIdentity identity = DataIdentity.NONE;
    Optional<Action.Restart> unfinishedWork = Optional.empty();
    long checkpointBranch;
    List<String> slots = List.of();

    private DataDirectory(long systemIdentifier, long branch) {
        this.systemIdentifier = systemIdentifier;
        checkpointBranch = branch;
        wal = Wal.of(new Wal.Branch(branch, 1, 0, WAL_START, new TreeSet<>()));
        wal.write(1000);
    }

    /** As initdb leaves it. */
    static DataDirectory fresh(World world, Dice dice) {
        return new DataDirectory(dice.any() >>> 1, world.nextBranch());
    }

    void becomeCopyOf(DataDirectory source, DataIdentity as) {
        wal = source.wal.copy();
        systemIdentifier = source.systemIdentifier;
        pristine = source.pristine;
        checkpointBranch = source.checkpointBranch;
        identity = as;
        unfinishedWork = Optional.empty();
    }
}
