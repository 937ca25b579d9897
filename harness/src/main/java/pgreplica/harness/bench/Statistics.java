package pgreplica.harness.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values of one measurement: all of them, and what is usually asked of them. */
public record Statistics(String what, String unit, List<Double> values) {

    public double median() {
        return quantile(0.5);
    }

    /** By linear interpolation between the two nearest values. */
    public double quantile(double share) {
        var sorted = values.stream().sorted().toList();
        if (sorted.isEmpty()) return Double.NaN;
        double position = share * (sorted.size() - 1);
        int below = (int) Math.floor(position);
        int above = (int) Math.ceil(position);
        return sorted.get(below) + (position - below) * (sorted.get(above) - sorted.get(below));
    }

    /** With 95 % confidence the median of what was sampled is from here on, or up to here: the sign test's interval. */
    public double medianBound(boolean upper) {
        double reach = 0.98 / Math.sqrt(values.size());
        return quantile(Math.clamp(0.5 + (upper ? reach : -reach), 0, 1));
    }

    public Map<String, Object> toJson() {
        var json = new LinkedHashMap<String, Object>();
        json.put("what", what);
        json.put("unit", unit);
        json.put("runs", values.size());
        json.put("median", median());
        json.put("median95", List.of(medianBound(false), medianBound(true)));
        json.put("min", quantile(0));
        json.put("max", quantile(1));
        json.put("p95", quantile(0.95));
        json.put("values", values);
        return json;
    }

    @Override public String toString() {
        return String.format("%-66s median %10.3f (%.3f to %.3f)  min %10.3f  max %10.3f  p95 %10.3f %s (%d values)", what,
                median(), medianBound(false), medianBound(true), quantile(0), quantile(1), quantile(0.95), unit, values.size());
    }
}
