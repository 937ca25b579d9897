package pgreplica.simulator.explore;

import java.util.Set;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.PeerMessage;
import pgreplica.simulator.Words;

/** What happens, as lines that a person can read. */
final class Tale {
    private static final Set<Class<?>> QUIET = Set.of(Action.Publish.class, Action.EnsureSlots.class,
            Action.NoteFloor.class, Action.WakeAt.class, Action.AllowReplication.class, Action.Checkpoint.class,
            Action.PersistEntries.class, Action.PersistInstance.class, Action.PersistLog.class);

    private Tale() {}

    static String of(Draft draft, Item item) {
        var to = draft.machine.id(item.to());
        return switch (item) {
            case Item.Said(var from, _, var envelope) ->
                    draft.machine.id(from) + "->" + to + " " + Words.of(envelope.message());
            default -> to + " " + item.getClass().getSimpleName();
        };
    }

    static void tell(Draft draft, Item item) {
        switch (item) {
            case Item.Said(_, _, var envelope) -> {
                if (!(envelope.message() instanceof PeerMessage.Status)) draft.say("  " + of(draft, item));
            }
            case Item.PeerWent _ -> draft.say("  " + of(draft, item));
            default -> {}
        }
    }

    static void tell(Draft draft, int index, Action action) {
        if (QUIET.contains(action.getClass()) || action instanceof Action.Send) return;
        if (action instanceof Action.SetLease(var until, _, _, _) && until != 0) return;
        String text = action instanceof Action.Log(_, var logged) ? "LOG " + logged : action.toString();
        draft.say("    " + draft.machine.id(index) + " " + text);
    }

    static String of(Event event) {
        return event.toString();
    }
}
