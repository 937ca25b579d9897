package pgreplica.harness.wire;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import pgreplica.harness.HarnessException;

/** A result set as text. */
public record Rows(List<String> columns, List<List<String>> values) {

    /** The single value of a single row. */
    public String single() {
        if (values.size() != 1 || values.get(0).size() != 1) {
            throw new HarnessException("expected one value, got " + values);
        }
        return values.get(0).get(0);
    }

    public List<String> column(int index) {
        return values.stream().map(row -> row.get(index)).toList();
    }

    /** Each row as column name to value. */
    public List<Map<String, String>> maps() {
        var maps = new ArrayList<Map<String, String>>();
        for (var row : values) {
            var map = new LinkedHashMap<String, String>();
            for (int i = 0; i < columns.size(); i++) map.put(columns.get(i), row.get(i));
            maps.add(map);
        }
        return maps;
    }
}
