package pgreplica.harness;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** Asks a node for its status, and does not wait long for an answer: a frozen node never gives one. */
final class StatusQuery {
    private static final Duration LIMIT = Duration.ofMillis(1500);

    private static final String SERVER = """
            select pg_is_in_recovery(),
                   case when pg_is_in_recovery()
                        then greatest((select max(received_tli) from pg_stat_wal_receiver),
                                      (select timeline_id from pg_control_checkpoint()))
                        else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
                   case when pg_is_in_recovery() then coalesce(pg_last_wal_replay_lsn(), '0/0')
                        else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn,
                   exists (select from pg_stat_wal_receiver where status = 'streaming'),
                   (select system_identifier from pg_control_system())""";

    private StatusQuery() {}

    static NodeStatus ask(Node node) {
        var life = node.life();
        if (life != NodeStatus.Life.RUNNING) return without(node, life, Optional.empty());
        try (var session = Session.open(node.superuser("postgres"), LIMIT)) {
            var row = session.query(SERVER, LIMIT).values().getFirst();
            boolean inRecovery = row.get(0).equals("t");
            var server = new NodeStatus.Server(inRecovery, !session.acceptsWrites(), Integer.parseInt(row.get(1)),
                    Long.parseLong(row.get(2)), row.get(3).equals("t"), row.get(4));
            return withExtension(session, new NodeStatus(node.name(), life, Optional.of(server), Optional.empty(),
                    Optional.empty()));
        } catch (IOException | SqlFailure failure) {
            return without(node, life, Optional.of(String.valueOf(failure.getMessage())));
        }
    }

    private static NodeStatus without(Node node, NodeStatus.Life life, Optional<String> problem) {
        return new NodeStatus(node.name(), life, Optional.empty(), Optional.empty(), problem);
    }

    /** Adds the row of pg_replica.status(); there is none on plain servers and before CREATE EXTENSION. */
    private static NodeStatus withExtension(Session session, NodeStatus plain) throws IOException {
        try {
            var present = session.query("select count(*) from pg_extension where extname = 'pg_replica'", LIMIT);
            if (present.single().equals("0")) return plain;
            var told = session.query("select * from pg_replica.status()", LIMIT).maps().stream().findFirst()
                    .map(ReplicaStatus::of);
            return new NodeStatus(plain.name(), plain.life(), plain.server(), told, Optional.empty());
        } catch (SqlFailure failure) {
            return new NodeStatus(plain.name(), plain.life(), plain.server(), Optional.empty(),
                    Optional.of("pg_replica.status(): " + failure.getMessage()));
        }
    }
}
