-- pg_replica 1.0.0: what the cluster shows and takes orders with.
\echo Use "CREATE EXTENSION pg_replica" to load this file. \quit

-- Names that begin with pg_ are the server's own, unless one insists.
SET LOCAL allow_system_table_mods = on;
CREATE SCHEMA pg_replica;
RESET allow_system_table_mods;

COMMENT ON SCHEMA pg_replica IS 'state and operation of the cluster this server belongs to';

CREATE FUNCTION pg_replica.status(
    OUT node text,
    OUT role text,
    OUT raft_role text,
    OUT term bigint,
    OUT leader text,
    OUT "primary" text,
    OUT lease_left_ms bigint,
    OUT timeline int,
    OUT received_lsn pg_lsn,
    OUT replayed_lsn pg_lsn,
    OUT flushed_lsn pg_lsn,
    OUT fenced bool,
    OUT fence_reason text,
    OUT state text,
    OUT reason text,
    OUT cluster_id text,
    OUT system_identifier text,
    OUT version text,
    OUT sync_mode text,
    OUT sync_state text,
    OUT weaker_commits bigint)
RETURNS record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgr_sql_status';
COMMENT ON FUNCTION pg_replica.status() IS 'this node as it sees itself, in one row';

CREATE FUNCTION pg_replica.members(
    OUT node text,
    OUT role text,
    OUT state text,
    OUT address text,
    OUT timeline int,
    OUT received_lsn pg_lsn,
    OUT replayed_lsn pg_lsn,
    OUT lag_bytes bigint,
    OUT lag_seconds double precision,
    OUT last_heard_ms bigint,
    OUT version text,
    OUT voter bool,
    OUT priority int,
    OUT reason text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 5
AS 'MODULE_PATHNAME', 'pgr_sql_members';
COMMENT ON FUNCTION pg_replica.members() IS 'all nodes of the cluster as this node sees them';

CREATE FUNCTION pg_replica.history(
    OUT at timestamptz,
    OUT term bigint,
    OUT node text,
    OUT timeline int,
    OUT fork_lsn pg_lsn,
    OUT reason text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'pgr_sql_history';
COMMENT ON FUNCTION pg_replica.history() IS 'who was appointed primary, when, and why';

CREATE FUNCTION pg_replica.rules(
    OUT id int,
    OUT condition text,
    OUT decision text,
    OUT why text,
    OUT current bool)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'pgr_sql_rules';
COMMENT ON FUNCTION pg_replica.rules() IS 'the rules by which a leader decides, and which one holds now';

CREATE FUNCTION pg_replica.check(
    OUT setting text,
    OUT value text,
    OUT ok bool,
    OUT problem text,
    OUT fix text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'pgr_sql_check';
COMMENT ON FUNCTION pg_replica.check() IS 'what is wrong with this node''s settings and surroundings, and how to mend it';

CREATE FUNCTION pg_replica.failover(allow_loss boolean DEFAULT false)
RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgr_sql_failover';
COMMENT ON FUNCTION pg_replica.failover(boolean) IS
    'makes another node primary that has everything; with allow_loss also one that lacks acknowledged commits, or may lack them';

REVOKE ALL ON FUNCTION pg_replica.status() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_replica.members() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_replica.history() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_replica.rules() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_replica.check() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_replica.failover(boolean) FROM PUBLIC;

-- The schema's name says nothing that is secret; what is in it is for monitoring.
GRANT USAGE ON SCHEMA pg_replica TO PUBLIC;
GRANT EXECUTE ON FUNCTION pg_replica.status() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pg_replica.members() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pg_replica.history() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pg_replica.rules() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pg_replica.check() TO pg_monitor;
