package pgreplica.harness.chaos;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import pgreplica.checker.Verdict;
import pgreplica.harness.Node;
import pgreplica.harness.bench.Report;
import pgreplica.harness.bench.Statistics;

/** What a chaos run did and found. */
public final class ChaosReport {
    private final Chaos.Options options;
    private final Report report;
    private final List<Double> silences = new ArrayList<>();
    private final List<Double> repairs = new ArrayList<>();
    private final List<Object> runs = new ArrayList<>();
    private int changes;
    /** Empty: nothing is wrong. */
    private String wrong = "it has not come to its end";

    ChaosReport(Chaos.Options options) {
        this.options = options;
        this.report = new Report("chaos", options.version());
        report.condition("nodes", options.nodes());
        report.condition("sync_mode", options.syncMode());
        report.condition("seed", options.seed());
        report.condition("network", options.namespaces() ? "namespaces" : "loopback");
    }

    void begins(int run, Fault fault) {
        System.out.print("run " + run + ": " + fault + " for " + fault.lastsMillis() + " ms ");
        System.out.flush();
    }

    void ran(int run, Fault fault, Node before, Node after, double silenceMillis, double wholeMillis, int lost) {
        System.out.printf("(primary %s): then %s, silence of %.0f ms, whole %.0f ms after the repair, %d lost%n",
                before, after, silenceMillis, wholeMillis, lost);
        if (fault.victims().contains(before)) silences.add(silenceMillis);
        repairs.add(wholeMillis);
        if (after != before) changes++;
        var json = new LinkedHashMap<String, Object>();
        json.put("run", run);
        json.put("fault", fault.toString());
        json.put("lastsMillis", fault.lastsMillis());
        json.put("primary", before.name());
        json.put("then", after.name());
        json.put("silenceMillis", silenceMillis);
        json.put("wholeMillis", wholeMillis);
        json.put("lost", lost);
        runs.add(json);
    }

    void concludes(Map<String, Integer> tally, Verdict verdict, int appends, int reads) {
        wrong = verdict.holds() ? "" : verdict.text();
        report.condition("tally", tally);
        report.condition("lost", verdict.lost().size());
        report.condition("violations", verdict.violations().stream().map(Verdict.Violation::toString).limit(100).toList());
        System.out.println(tally);
        System.out.println(runs.size() + " faults, " + changes + " changes of the primary, " + appends + " appends, "
                + reads + " reads; acknowledged and missing: " + verdict.lost().size());
        System.out.println(verdict.text());
    }

    void failed(String why) {
        wrong = why;
        report.condition("failure", why);
        System.out.println("\nFAILED: " + why);
    }

    public boolean isGood() {
        return wrong.isEmpty();
    }

    public String wrong() {
        return wrong;
    }

    /** The same faults again; what the machine does meanwhile is not the same. */
    public String replay() {
        return "./dev chaos --nodes " + options.nodes() + " --sync " + options.syncMode() + " --runs " + options.runs()
                + " --seed " + options.seed() + (options.namespaces() ? " --netns" : "")
                + (options.only().isEmpty() ? "" : " --only " + String.join(",", options.only()));
    }

    public Report report() {
        report.condition("runs", runs);
        report.add(new Statistics("longest silence after a fault on the primary", "ms", silences));
        report.add(new Statistics("from the repair to a whole cluster", "ms", repairs));
        return report;
    }
}
