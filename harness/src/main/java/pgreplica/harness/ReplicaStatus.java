package pgreplica.harness;

import java.util.Map;

/** The row of pg_replica.status(): what the node's worker says. {@code columns} holds it as it came. */
public record ReplicaStatus(String role, String raftRole, long term, String leader, String primary, boolean fenced,
        String fenceReason, String state, String reason, Map<String, String> columns) {

    static ReplicaStatus of(Map<String, String> columns) {
        return new ReplicaStatus(text(columns, "role"), text(columns, "raft_role"), number(columns, "term"),
                text(columns, "leader"), text(columns, "primary"), text(columns, "fenced").startsWith("t"),
                text(columns, "fence_reason"), text(columns, "state"), text(columns, "reason"), columns);
    }

    private static String text(Map<String, String> columns, String name) {
        var value = columns.get(name);
        return value == null ? "" : value;
    }

    private static long number(Map<String, String> columns, String name) {
        var text = text(columns, name);
        return text.isEmpty() ? 0 : Long.parseLong(text);
    }

    @Override public String toString() {
        return raftRole + " of term " + term + (leader.isEmpty() ? ", no leader" : ", leader " + leader) + ", state " + state
                + (reason.isEmpty() ? "" : " (" + reason + ")")
                + (fenced && !fenceReason.isEmpty() ? ", fenced: " + fenceReason : "");
    }
}
