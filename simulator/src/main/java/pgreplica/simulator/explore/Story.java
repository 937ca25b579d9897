package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import pgreplica.simulator.explore.Choice.Kind;

/** A counterexample that is as short as leaving things out makes it, told as a scenario. */
final class Story {
    /** One choice, and when: after so many items since the one before, or when nothing is under way any more. */
    private record Cue(Choice choice, int after) {}

    private static final int WHEN_QUIET = -1;
    private static final int MOST_ITEMS = 2000;

    private final Machine machine;
    private final Cluster first;
    private final String promise;

    private Story(Machine machine, Cluster first, String broken) {
        this.machine = machine;
        this.first = first;
        promise = broken.substring(0, Math.min(broken.length(), 3));
    }

    static void tell(Machine machine, Cluster first, Search.Counterexample found, Consumer<String> out) {
        var story = new Story(machine, first, found.broken());
        var cues = story.shortened(story.cues(found.choices()));
        var broken = story.play(cues, line -> out.accept("  " + line));
        out.accept("FAILED " + (broken.isEmpty() ? found.broken() : broken) + " (" + cues.size()
                + " choices beside what follows by itself)");
    }

    private List<Cue> cues(List<Choice> choices) {
        var cues = new ArrayList<Cue>();
        var cluster = first;
        int items = 0;
        for (var choice : choices) {
            if (choice.kind() == Kind.NEXT) items++;
            else {
                cues.add(new Cue(choice, cluster.isQuiet() ? WHEN_QUIET : items));
                items = 0;
            }
            var draft = machine.draft(cluster).take(choice);
            if (!draft.broken.isEmpty()) break;
            cluster = draft.done();
        }
        return cues;
    }

    /** Leaves out more and more, as long as the same promise breaks. */
    private List<Cue> shortened(List<Cue> cues) {
        var best = cues;
        boolean better = true;
        while (better) {
            better = false;
            for (int length = Math.max(1, best.size() / 2); length >= 1; length /= 2) {
                for (int at = 0; at + length <= best.size();) {
                    var less = new ArrayList<>(best);
                    less.subList(at, at + length).clear();
                    if (play(less, _ -> {}).startsWith(promise)) {
                        best = less;
                        better = true;
                    } else at++;
                }
            }
        }
        return best;
    }

    /** @return what broke; what cannot be chosen where it is asked for is left out */
    private String play(List<Cue> cues, Consumer<String> said) {
        var cluster = first;
        for (var cue : cues) {
            int items = 0;
            while (!cluster.isQuiet() && (cue.after() == WHEN_QUIET ? items < MOST_ITEMS : items < cue.after())) {
                var draft = machine.draft(cluster, said).take(Choice.of(Kind.NEXT));
                if (!draft.broken.isEmpty()) return draft.broken;
                cluster = draft.done();
                items++;
            }
            if (!isPossible(cluster, cue.choice())) continue;
            var draft = machine.draft(cluster, said).take(cue.choice());
            if (!draft.broken.isEmpty()) return draft.broken;
            cluster = draft.done();
        }
        for (int items = 0; !cluster.isQuiet() && items < MOST_ITEMS; items++) {
            var draft = machine.draft(cluster, said).take(Choice.of(Kind.NEXT));
            if (!draft.broken.isEmpty()) return draft.broken;
            cluster = draft.done();
        }
        return "";
    }

    private boolean isPossible(Cluster cluster, Choice choice) {
        var anything = new Bounds(1, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, machine.nodes());
        return Moves.of(machine, anything, cluster, 0).contains(choice)
                || Moves.of(machine, anything, cluster, 1).contains(choice);
    }
}
