-- What a later release could do: a function more, and a column more of one that is there.
\echo Use "ALTER EXTENSION pg_replica UPDATE" to load this file. \quit

CREATE FUNCTION pg_replica.later()
RETURNS text
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'pgr_sql_later';

DROP FUNCTION pg_replica.history();
CREATE FUNCTION pg_replica.history(
    OUT at timestamptz,
    OUT term bigint,
    OUT node text,
    OUT later text,
    OUT timeline int,
    OUT fork_lsn pg_lsn,
    OUT reason text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'pgr_sql_history';
