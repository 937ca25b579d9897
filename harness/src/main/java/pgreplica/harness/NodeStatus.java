package pgreplica.harness;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What a node says of itself, and what the machine says of its processes. */
public record NodeStatus(String name, Life life, Optional<Server> server, Optional<ReplicaStatus> extension,
        Optional<String> problem) {

    /** FROZEN: its postmaster is stopped by a signal. ORPHANED: the postmaster is gone, others of its processes are not. */
    public enum Life { DOWN, RUNNING, FROZEN, ORPHANED }

    /** FENCED: not in recovery, yet new sessions are told that it is read-only. SILENT: it runs and does not answer. */
    public enum Role { PRIMARY, FENCED, STANDBY, SILENT, DOWN }

    /** Facts asked over SQL. {@code streaming}: a WAL receiver is connected. */
    public record Server(boolean inRecovery, boolean readOnly, int timeline, long lsn, boolean streaming,
            String systemIdentifier) {

        public String lsnText() {
            return Long.toHexString(lsn >>> 32).toUpperCase() + "/" + Long.toHexString(lsn & 0xFFFFFFFFL).toUpperCase();
        }
    }

    public Role role() {
        if (life == Life.DOWN) return Role.DOWN;
        if (server.isEmpty()) return Role.SILENT;
        if (server.get().inRecovery()) return Role.STANDBY;
        return server.get().readOnly() ? Role.FENCED : Role.PRIMARY;
    }

    public boolean isWritable() {
        return role() == Role.PRIMARY;
    }

    /**
     * A WAL receiver calls itself streaming once it is connected ({@code WalReceiverMain}), also when START_REPLICATION
     * is then refused, say for want of its slot; the extension says so only when that was granted.
     */
    public boolean isStreamingStandby() {
        return role() == Role.STANDBY && server.get().streaming()
                && extension.map(told -> told.state().equals("streaming")).orElse(true);
    }

    public Map<String, Object> toJson() {
        var json = new LinkedHashMap<String, Object>();
        json.put("node", name);
        json.put("processes", life.toString().toLowerCase());
        json.put("role", role().toString().toLowerCase());
        server.ifPresent(facts -> {
            json.put("timeline", facts.timeline());
            json.put("lsn", facts.lsnText());
            json.put("streaming", facts.streaming());
            json.put("systemIdentifier", facts.systemIdentifier());
        });
        extension.ifPresent(told -> json.put("pg_replica", told.columns()));
        problem.ifPresent(text -> json.put("problem", text));
        return json;
    }

    @Override public String toString() {
        var facts = server.map(known -> " timeline " + known.timeline() + " at " + known.lsnText()
                + (known.inRecovery() ? known.streaming() ? " streaming" : " not streaming" : "")).orElse("");
        return name + ": " + role().toString().toLowerCase() + " (processes " + life.toString().toLowerCase() + ")" + facts
                + extension.map(told -> "; " + told).orElse("") + problem.map(text -> " problem: " + text).orElse("");
    }
}
