package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import pgreplica.base.NodeId;
import pgreplica.cluster.ClusterState;
import pgreplica.instance.InstanceRecord;
import pgreplica.node.Collation;
import pgreplica.node.Settings;
import pgreplica.node.Settings.ListedNode;
import pgreplica.node.StoredFiles;
import pgreplica.node.SyncWish;
import pgreplica.raft.Ballot;
import pgreplica.raft.Log;
import pgreplica.simulator.explore.Interner.Unique;

/** Clusters of one size: how one choice makes the next cluster of one. */
final class Machine {
    private static final int ELECTION_TIMEOUT_MILLIS = 1000;
    private static final int GRACE_MILLIS = 5000;
    private static final Collation COLLATION = new Collation("libc 2.36", false);
    /** What an operator may change the sync mode to. */
    static final List<SyncWish> WISHES = List.of(SyncWish.OFF, new SyncWish(SyncWish.Mode.QUORUM, 0),
            new SyncWish(SyncWish.Mode.QUORUM, 3), new SyncWish(SyncWish.Mode.QUORUM_AVAILABLE, 0));

    final Clock clock;
    private final SyncWish sync;
    final Steps steps;
    final Interner<Item> items = new Interner<>();
    final Interner<Server> servers = new Interner<>();
    final Interner<StoredFiles> disks = new Interner<>();
    final Interner<Ledger> ledgers = new Interner<>();
    final Interner<Member> members = new Interner<>();
    private final List<ListedNode> listed = new ArrayList<>();

    Machine(int nodes, Property property) {
        this(nodes, property.clock, property.sync);
    }

    Machine(int nodes, Clock clock, SyncWish sync) {
        this.clock = clock;
        this.sync = sync;
        steps = new Steps(clock);
        for (int i = 1; i <= nodes; i++) listed.add(new ListedNode(new NodeId("n" + i), "10.0.0." + i, 5432, 6432));
    }

    int nodes() {
        return listed.size();
    }

    NodeId id(int index) {
        return listed.get(index).node();
    }

    int index(NodeId node) {
        for (int i = 0; i < listed.size(); i++) {
            if (listed.get(i).node().equals(node)) return i;
        }
        throw new IllegalArgumentException("no node " + node);
    }

    /** While an operator wants no quorum for a time, nothing is promised; a search without one sees what it would cost. */
    boolean promises(Server server) {
        return sync.equals(SyncWish.OFF) || server.sync().demanded();
    }

    Settings settings(int index, boolean preStart) {
        return new Settings(id(index), List.copyOf(listed), ELECTION_TIMEOUT_MILLIS, 100, GRACE_MILLIS, -1,
                sync, false, "15.1", COLLATION, preStart, 0);
    }

    Unique<StoredFiles> blankDisk() {
        return disks.of(new StoredFiles(Optional.empty(), Ballot.START, Log.blank(ClusterState.EMPTY),
                InstanceRecord.EMPTY));
    }

    /** Every machine is off, every data directory is fresh. */
    Cluster unfounded() {
        var all = new ArrayList<Member>();
        for (int i = 0; i < nodes(); i++) {
            all.add(new Member(Optional.empty(), false, 0, blankDisk(), servers.of(Server.initial(id(i), i)), false,
                    false, 0));
        }
        return new Cluster(List.copyOf(all), List.of(), List.of(), 0, ledgers.of(Ledger.EMPTY), -1, 0);
    }

    Draft draft(Cluster cluster) {
        return new Draft(this, cluster, Optional.empty());
    }

    /** What happens is told line by line. */
    Draft draft(Cluster cluster, Consumer<String> said) {
        return new Draft(this, cluster, Optional.of(said));
    }
}
