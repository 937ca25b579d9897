package pgreplica.harness.cli;

import java.util.ArrayList;
import java.util.List;

import pgreplica.harness.Cluster;
import pgreplica.harness.NodeStatus;
import pgreplica.harness.Writer;

/** What the demo shows: events with their time, and a line in between that says who is what and how fast it writes. */
final class Display {
    private static final int BAR_WIDTH = 24;
    private static final long PLAIN_INTERVAL_NANOS = 1_000_000_000L;

    private final long startNanos = System.nanoTime();
    private final boolean terminal = System.console() != null && System.console().isTerminal()
            && !"dumb".equals(System.getenv("TERM"));
    private long lastLineNanos;
    private int lastCount;
    private long lastCountNanos = System.nanoTime();
    private double fullRate = 1;
    private boolean lineOpen;

    /** Something happened. */
    void event(String text) {
        closeLine();
        System.out.println(time() + "  " + text);
    }

    /** Something that the demo is about happened. */
    void highlight(String text) {
        closeLine();
        System.out.println(time() + "  " + (terminal ? "\033[1m" + text + "\033[0m" : text));
    }

    void blank() {
        closeLine();
        System.out.println();
    }

    /** The state of things. Redrawn in place on a terminal, once a second elsewhere. */
    void state(Cluster cluster, Writer writer) {
        var words = new ArrayList<String>();
        for (var status : cluster.statuses()) words.add(status.name() + " " + word(status));
        double rate = rate(writer.count());
        fullRate = Math.max(fullRate, rate);
        int filled = (int) Math.round(BAR_WIDTH * rate / fullRate);
        var line = String.format("%s  %-48s %5.0f rows/s %s", time(), String.join("  ", words), rate,
                (terminal ? "█" : "#").repeat(filled));
        if (terminal) {
            System.out.print("\r\033[K" + line);
            System.out.flush();
            lineOpen = true;
        } else if (System.nanoTime() - lastLineNanos >= PLAIN_INTERVAL_NANOS) {
            System.out.println(line);
            lastLineNanos = System.nanoTime();
        }
    }

    private double rate(int count) {
        long now = System.nanoTime();
        double rate = (count - lastCount) / Math.max(1e-3, (now - lastCountNanos) / 1e9);
        lastCount = count;
        lastCountNanos = now;
        return rate;
    }

    private String word(NodeStatus status) {
        return switch (status.role()) {
            case PRIMARY -> terminal ? "\033[32mPRIMARY\033[0m" : "PRIMARY";
            case STANDBY -> status.isStreamingStandby() ? "standby" : "catching up";
            case FENCED -> "fenced";
            case SILENT -> status.life() == NodeStatus.Life.FROZEN ? "frozen" : "starting";
            case DOWN -> terminal ? "\033[31mdown\033[0m" : "down";
        };
    }

    private void closeLine() {
        if (lineOpen) System.out.println();
        lineOpen = false;
    }

    private String time() {
        return String.format("%7.2f s", (System.nanoTime() - startNanos) / 1e9);
    }

    static String list(List<?> items) {
        return String.join(" and ", items.stream().map(Object::toString).toList());
    }
}
