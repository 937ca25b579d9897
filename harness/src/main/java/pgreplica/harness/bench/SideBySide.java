package pgreplica.harness.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;

import pgreplica.harness.Node;

/**
 * The same load on two servers that run all the time. The clients stay connected to both, and the servers take turns of
 * a fraction of a second: what else the machine does then meets both, where turns of seconds stray by a third.
 */
record SideBySide(Report report, List<String> names, List<Node> servers, int pairs) {
    private static final Duration TURN = Duration.ofMillis(250);
    private static final int TURNS_TO_WARM_UP = 20;

    void compare(String load, int clients, Function<Random, String> statement) {
        var turns = List.of(new ArrayList<Clients.Turn>(), new ArrayList<Clients.Turn>());
        try (var first = new Clients(servers.get(0), clients, statement);
                var second = new Clients(servers.get(1), clients, statement)) {
            var sides = List.of(first, second);
            // These fill caches and let the compiler of this program come to rest.
            for (int turn = 0; turn < TURNS_TO_WARM_UP; turn++) sides.get(turn % 2).run(TURN);
            for (int pair = 0; pair < pairs; pair++) {
                for (int turn = 0; turn < 2; turn++) {
                    int which = (pair + turn) % 2;
                    turns.get(which).add(sides.get(which).run(TURN));
                }
            }
        }
        var by = load + ", " + clients + (clients == 1 ? " client, " : " clients, ");
        for (int which = 0; which < 2; which++) {
            var name = by + names.get(which) + ": ";
            report.add(new Statistics(name + "mean latency", "ms", each(turns.get(which), Clients.Turn::meanMillis)));
            report.add(new Statistics(name + "throughput", "tps", each(turns.get(which), Clients.Turn::perSecond)));
            report.add(new Statistics(name + "CPU of the backends", "us", each(turns.get(which), Clients.Turn::cpuMicros)));
        }
        report.add(new Statistics(by + "latency longer by (each pair)", "%", more(turns, Clients.Turn::meanMillis)));
        report.add(new Statistics(by + "more CPU by (each pair)", "%", more(turns, Clients.Turn::cpuMicros)));
    }

    static String conditions() {
        return "turns of " + TURN.toMillis() + " ms, pairs in alternating order, all clients connected to both servers all the time";
    }

    private static List<Double> each(List<Clients.Turn> turns, Function<Clients.Turn, Double> value) {
        return turns.stream().map(value).toList();
    }

    private static List<Double> more(List<? extends List<Clients.Turn>> turns, Function<Clients.Turn, Double> value) {
        var more = new ArrayList<Double>();
        for (int pair = 0; pair < turns.getFirst().size(); pair++) {
            more.add(100 * (value.apply(turns.get(0).get(pair)) / value.apply(turns.get(1).get(pair)) - 1));
        }
        return more;
    }
}
