package pgreplica.node;

import java.util.Optional;
import pgreplica.cluster.ClusterCommand;
import pgreplica.cluster.ClusterState;
import pgreplica.raft.Entry;
import pgreplica.raft.Input;
import pgreplica.raft.Output;
import pgreplica.raft.Payload;
import pgreplica.raft.Raft;

/** Where Raft meets the rest of the node: its outputs become actions, its committed entries become cluster state. */
final class Consensus {
    /** Entries that may pile up before they are folded into a snapshot: bounds the log on disk (P10). */
    static final int COMPACT_AT_ENTRIES = 64;

    private Consensus() {}

    static void feed(Turn turn, Input input) {
        var step = Raft.step(turn.raft, turn.now, input);
        turn.raft = step.state();
        for (var output : step.outputs()) carryOut(turn, output);
    }

    static void propose(Turn turn, ClusterCommand command) {
        feed(turn, new Input.Propose(command));
    }

    static void compact(Turn turn) {
        var log = turn.raft.log();
        boolean longEnough = log.entries().size() > COMPACT_AT_ENTRIES;
        if (longEnough && turn.applied.index() > log.base().last().index()) {
            feed(turn, new Input.Compact(turn.applied.index(), turn.cluster));
        }
    }

    private static void carryOut(Turn turn, Output output) {
        switch (output) {
            case Output.PersistBallot(var ballot) -> turn.act(new Action.PersistBallot(ballot));
            case Output.PersistEntries(var entries) -> turn.act(new Action.PersistEntries(entries));
            case Output.PersistLog(var log) -> turn.act(new Action.PersistLog(log));
            case Output.Send(var to, var message) -> turn.sendTo(to, new PeerMessage.Raft(message));
            case Output.PrepareGrant(var term) -> {
                // Granting a vote seals (P6): if this term is sealed already the vote can go out at once,
                // otherwise it follows the Sealed event.
                if (turn.gate.isSealedIn(term) && turn.gate.following().number() == 0) grant(turn);
                else OwnServer.seal(turn);
            }
            case Output.CloseFence() -> Lease.close(turn, "another node may become primary");
            case Output.Committed(var entry) -> apply(turn, entry);
            case Output.SnapshotInstalled(var image) -> {
                turn.cluster = (ClusterState) image.snapshot();
                turn.applied = image.last();
            }
        }
    }

    /** The node is sealed in the current term: its report goes out with its vote. */
    static void grant(Turn turn) {
        feed(turn, new Input.GrantReady(turn.term(), Optional.of(OwnData.report(turn))));
    }

    private static void apply(Turn turn, Entry entry) {
        turn.applied = entry.position();
        if (!(entry.payload() instanceof Payload.Application(var command))) return;
        if (!(command instanceof ClusterCommand decision)) return;
        turn.cluster = turn.cluster.apply(entry.position(), decision);
        // A node that starts applies old entries again; they were told when they were new.
        if (!entry.position().term().equals(turn.term())) return;
        switch (decision) {
            case ClusterCommand.CompleteFounding() -> turn.log("all founding nodes have joined");
            case ClusterCommand.Appoint appoint ->
                    turn.log(appoint.node() + " is appointed primary on timeline " + appoint.timeline() + ": "
                            + appoint.why());
            case ClusterCommand.RecordFork(var timeline, var parent, var fork) ->
                    turn.log("timeline " + timeline + " left timeline " + parent + " at " + fork);
            case ClusterCommand.SetSync(var sync) -> turn.log(sync.waits() ? "commits wait for " + sync
                    : "commits wait for no standby");
        }
    }
}
