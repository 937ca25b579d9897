package pgreplica.simulator.explore;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import pgreplica.simulator.explore.Choice.Kind;

/**
 * Which kinds of deviation come, in which order: a search that knows what it is after gets deeper. What is not said,
 * where and when each of them happens, stays open.
 */
record Plan(List<Part> parts) {
    /**
     * One deviation.
     *
     * @param node to whom it happens; -1 for anybody
     * @param quiet only while nothing is under way
     */
    record Part(Set<Kind> kinds, int node, boolean quiet) {
        private static final String QUIETLY = "quietly-";

        /** A word like {@code cut}, {@code freeze|power-off}, {@code freeze:n1} or {@code quietly-freeze:n1}. */
        static Part of(String word) {
            boolean quiet = word.startsWith(QUIETLY);
            var halves = (quiet ? word.substring(QUIETLY.length()) : word).split(":n");
            var kinds = EnumSet.noneOf(Kind.class);
            for (var kind : halves[0].split("\\|")) kinds.add(Kind.valueOf(kind.toUpperCase().replace('-', '_')));
            return new Part(kinds, halves.length > 1 ? Integer.parseInt(halves[1]) - 1 : -1, quiet);
        }

        boolean allows(Cluster cluster, Choice choice) {
            return kinds.contains(choice.kind()) && (node < 0 || choice.a() == node) && (!quiet || cluster.isQuiet());
        }
    }

    static Plan anything(int deviations) {
        var parts = new ArrayList<Part>();
        for (int i = 0; i < deviations; i++) parts.add(new Part(EnumSet.allOf(Kind.class), -1, false));
        return new Plan(parts);
    }

    static Plan of(List<String> words) {
        return new Plan(words.stream().map(Part::of).toList());
    }

    int deviations() {
        return parts.size();
    }

    /** How often it loses data or a state directory. */
    int losses() {
        return (int) parts.stream().filter(part -> part.kinds().contains(Kind.LOSE_DATA)
                || part.kinds().contains(Kind.LOSE_STATE)).count();
    }

    boolean allows(int deviation, Cluster cluster, Choice choice) {
        return parts.get(deviation).allows(cluster, choice);
    }
}
