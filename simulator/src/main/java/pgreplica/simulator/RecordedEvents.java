package pgreplica.simulator;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * An endless stream of border events as hosts give them to one core: whole lives of the nodes of simulated clusters,
 * one node after the other. Each life begins with a Start, so one Session can take all of them.
 */
public final class RecordedEvents implements Iterator<byte[]> {
    private final int times;
    private long seed;
    private Iterator<byte[]> current = List.<byte[]>of().iterator();

    /** @param seed the first cluster; the next ones follow it */
    public RecordedEvents(long seed) {
        this(seed, 1);
    }

    /**
     * @param times how often each cluster's events come before the next one is simulated: cheaper events, which find
     *     another heap but the same states
     */
    public RecordedEvents(long seed, int times) {
        this.seed = seed;
        this.times = times;
    }

    @Override public boolean hasNext() {
        return true;
    }

    @Override public byte[] next() {
        while (!current.hasNext()) {
            var recorded = recorded(seed++);
            var repeated = new ArrayList<byte[]>(recorded.size() * times);
            for (int i = 0; i < times; i++) repeated.addAll(recorded);
            current = repeated.iterator();
        }
        return current.next();
    }

    private static List<byte[]> recorded(long seed) {
        var run = new Run(seed, false, line -> {});
        var perNode = new ArrayList<List<byte[]>>();
        for (int i = 0; i < run.world().hosts.size(); i++) perNode.add(new ArrayList<>());
        run.world().recorder = Optional.of((node, event) -> perNode.get(node).add(event));
        try {
            run.go();
        } catch (Promises.Broken broken) {
            // What led there is as good a stream as any other; judging it is the simulation's task.
        }
        var all = new ArrayList<byte[]>();
        for (var events : perNode) all.addAll(events);
        return all;
    }
}
