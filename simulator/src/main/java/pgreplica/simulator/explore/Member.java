package pgreplica.simulator.explore;

import java.util.Optional;
import pgreplica.node.NodeState;
import pgreplica.node.StoredFiles;

/**
 * One node: what its voting core knows, while a process runs it, what its state directory holds, and its server.
 *
 * @param wakeAt when the core wants to be woken
 * @param lostStates how often its state directory was lost
 */
record Member(Optional<Interner.Unique<NodeState>> core, boolean preStart, long wakeAt,
              Interner.Unique<StoredFiles> disk, Interner.Unique<Server> server, boolean powered, boolean frozen,
              int lostStates) {

    boolean isRunning() {
        return core.isPresent();
    }

    NodeState state() {
        return core.orElseThrow().value;
    }

    Server postgres() {
        return server.value;
    }

    Member with(Interner.Unique<NodeState> next, long wake) {
        return new Member(Optional.of(next), preStart, wake, disk, server, powered, frozen, lostStates);
    }

    Member ofProcess(boolean asPreStartChild) {
        return new Member(Optional.empty(), asPreStartChild, 0, disk, server, powered, frozen, lostStates);
    }

    Member withDisk(Interner.Unique<StoredFiles> files) {
        return new Member(core, preStart, wakeAt, files, server, powered, frozen, lostStates);
    }

    Member withServer(Interner.Unique<Server> next) {
        return new Member(core, preStart, wakeAt, disk, next, powered, frozen, lostStates);
    }

    Member powered(boolean now) {
        return new Member(core, preStart, wakeAt, disk, server, now, false, lostStates);
    }

    Member frozen(boolean now) {
        return new Member(core, preStart, wakeAt, disk, server, powered, now, lostStates);
    }

    Member withoutState(Interner.Unique<StoredFiles> blank) {
        return new Member(core, preStart, wakeAt, blank, server, powered, frozen, lostStates + 1);
    }
}
