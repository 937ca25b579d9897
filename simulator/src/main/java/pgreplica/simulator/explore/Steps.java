package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.Node;
import pgreplica.node.NodeState;
import pgreplica.node.NodeStep;
import pgreplica.node.Settings;
import pgreplica.node.StoredFiles;
import pgreplica.simulator.explore.Interner.Unique;

/** The core's real step function, each step computed once: whole clusters differ in far more ways than their nodes. */
final class Steps {
    /** @param broken what the core says is impossible; empty if it did its step */
    record Result(Unique<NodeState> state, List<Action> actions, long wakeAt, String broken) {}

    private record Key(Unique<NodeState> before, Event event, long elapsed) {}

    private record Later(Unique<NodeState> state, long elapsed) {}

    private record Beginning(Settings settings, Unique<StoredFiles> files, int lostStates) {}

    private static final Unique<NodeState> NOTHING = null;

    private final Normal normal;
    private final Interner<NodeState> states;
    private final Map<Key, Result> steps = new HashMap<>();
    private final Map<Later, Unique<NodeState>> shifts = new HashMap<>();
    private final Map<Beginning, Result> beginnings = new HashMap<>();

    Steps(Clock clock) {
        normal = new Normal(clock);
        states = new Interner<>(normal::hash);
    }

    Normal normal() {
        return normal;
    }

    /** @param elapsed how much later than its last step the node takes this one */
    Result step(Unique<NodeState> before, Event event, long elapsed) {
        return steps.computeIfAbsent(new Key(before, event, elapsed), this::compute);
    }

    private Result compute(Key key) {
        NodeStep step;
        try {
            step = Node.step(key.before().value, Normal.NOW + key.elapsed(), key.event());
        } catch (RuntimeException broken) {
            return new Result(key.before(), List.of(), Normal.NOW, broken.toString());
        }
        return result(step, key.elapsed());
    }

    /**
     * The core's generator decides nothing but the numbers of data incarnations. Its seed is another after each of
     * them, and after the loss of a state directory, so that no number comes twice.
     */
    Result start(Settings settings, Unique<StoredFiles> files, int lostStates) {
        return beginnings.computeIfAbsent(new Beginning(settings, files, lostStates), begun -> {
            long seed = begun.settings().self().name().hashCode() * 31L + begun.lostStates() * 1000L
                    + begun.files().value.instance().identity().incarnation();
            try {
                return result(Node.start(begun.settings(), begun.files().value, seed, Normal.NOW), 0);
            } catch (RuntimeException broken) {
                return new Result(NOTHING, List.of(), Normal.NOW, broken.toString());
            }
        });
    }

    private Result result(NodeStep step, long elapsed) {
        var actions = new ArrayList<Action>();
        for (var action : step.actions()) {
            switch (action) {
                case Action.Send(var to, var envelope) ->
                        actions.add(new Action.Send(to, normal.of(envelope, elapsed)));
                case Action.SetLease(var until, var term, var why, var quorum) ->
                        actions.add(new Action.SetLease(until == 0 ? 0 : until - elapsed, term, why, quorum));
                case Action.Publish _, Action.EnsureSlots _, Action.NoteFloor _, Action.WakeAt _ -> {}
                default -> actions.add(action);
            }
        }
        var state = normal.of(step.state(), elapsed);
        return new Result(states.of(state), List.copyOf(actions), wakeAt(state), "");
    }

    /** When time decides anything here; statuses and orders are repeated with every step anyway. */
    private static long wakeAt(NodeState state) {
        long wake = state.raft().deadlineMillis();
        long othersOver = state.raft().othersLeaseOverAtMillis();
        if (state.raft().isLeader() && othersOver > Normal.NOW) wake = Math.min(wake, othersOver);
        return Math.max(wake, Normal.NOW + 1);
    }

    Unique<NodeState> later(Unique<NodeState> state, long elapsed) {
        return shifts.computeIfAbsent(new Later(state, elapsed), key ->
                states.of(normal.of(key.state().value, key.elapsed())));
    }

    String sizes() {
        return states.size() + " node states, " + steps.size() + " steps";
    }
}
