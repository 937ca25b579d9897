/*
 * sql.c
 *		The functions of the schema pg_replica.
 *
 * They show what the node worker published last, and put requests into its
 * mailbox.  They work on every node, primary or standby, and say so when there
 * is no worker.
 */
#include "postgres.h"

#include "compat.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "border.h"
#include "config.h"
#include "fence.h"
#include "mailbox.h"
#include "rewound.h"
#include "shared.h"
#include "unarchived.h"

PG_FUNCTION_INFO_V1(pgr_sql_status);
PG_FUNCTION_INFO_V1(pgr_sql_members);
PG_FUNCTION_INFO_V1(pgr_sql_history);
PG_FUNCTION_INFO_V1(pgr_sql_rules);
PG_FUNCTION_INFO_V1(pgr_sql_check);
PG_FUNCTION_INFO_V1(pgr_sql_failover);

/* One published table, taken apart. */
typedef struct Table
{
	int			n_columns;
	char	  **columns;
	int			n_rows;
	char	 ***rows;
} Table;

static bool
is_loaded(void)
{
	return pgr_shared != NULL && pgr_config.configured;
}

static char *
take_string(PgrReader *from)
{
	int32		length;
	const uint8 *taken = pgr_take_bytes(from, &length);

	return taken == NULL ? pstrdup("") : pnstrdup((const char *) taken, length);
}

static char **
take_strings(PgrReader *from, int *count)
{
	char	  **strings;

	*count = pgr_take_count(from, 4);
	strings = palloc0(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		strings[i] = take_string(from);
	return strings;
}

static bool
find_table_on(PgrPublished *page, const char *name, Table *table)
{
	int32		length;
	uint8	   *data = pgr_published_read(page, &length);
	PgrReader	reader = {data, data != NULL ? length : 0, 0, false};
	int32		count;

	memset(table, 0, sizeof(*table));
	if (data == NULL)
		return false;
	count = pgr_take_count(&reader, 12);
	for (int i = 0; i < count && !reader.bad; i++)
	{
		char	   *found = take_string(&reader);

		table->columns = take_strings(&reader, &table->n_columns);
		table->n_rows = pgr_take_count(&reader, 4);
		table->rows = palloc0(sizeof(char **) * Max(table->n_rows, 1));
		for (int k = 0; k < table->n_rows; k++)
		{
			int			n;

			table->rows[k] = take_strings(&reader, &n);
			if (n != table->n_columns)
				reader.bad = true;
		}
		if (!reader.bad && strcmp(found, name) == 0)
			return true;
	}
	memset(table, 0, sizeof(*table));
	return false;
}

/* The published table of that name; false: there is none. */
static bool
find_table(const char *name, Table *table)
{
	memset(table, 0, sizeof(*table));
	for (int i = 0; is_loaded() && i < PGR_PUBLISHED_PAGES; i++)
		if (find_table_on(&pgr_shared->published[i], name, table))
			return true;
	return false;
}

/* An empty text is SQL's null.  Moments are published as milliseconds since 1970. */
static char *
value_of(const Table *table, int row, Form_pg_attribute attribute)
{
	for (int i = 0; i < table->n_columns; i++)
	{
		char	   *value = table->rows[row][i];

		if (strcmp(table->columns[i], NameStr(attribute->attname)) != 0)
			continue;
		if (value[0] == '\0')
			return NULL;
		if (attribute->atttypid == TIMESTAMPTZOID)
		{
			TimestampTz moment = strtoll(value, NULL, 10) * 1000 -
				(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

			return pstrdup(timestamptz_to_str(moment));
		}
		return value;
	}
	return NULL;
}

static char **
row_of(const Table *table, int row, TupleDesc shape)
{
	char	  **values = palloc0(sizeof(char *) * shape->natts);

	if (row < table->n_rows)
		for (int i = 0; i < shape->natts; i++)
			values[i] = value_of(table, row, TupleDescAttr(shape, i));
	return values;
}

static Datum
show_table(FunctionCallInfo fcinfo, const char *name)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttInMetadata *types;
	Table		table;

	InitMaterializedSRF(fcinfo, 0);
	types = TupleDescGetAttInMetadata(result->setDesc);
	if (!find_table(name, &table))
		return (Datum) 0;
	for (int i = 0; i < table.n_rows; i++)
		tuplestore_puttuple(result->setResult,
							BuildTupleFromCStrings(types, row_of(&table, i, result->setDesc)));
	return (Datum) 0;
}

Datum
pgr_sql_members(PG_FUNCTION_ARGS)
{
	return show_table(fcinfo, "members");
}

Datum
pgr_sql_history(PG_FUNCTION_ARGS)
{
	return show_table(fcinfo, "history");
}

Datum
pgr_sql_rules(PG_FUNCTION_ARGS)
{
	return show_table(fcinfo, "rules");
}

static void
put(char **values, TupleDesc shape, const char *column, char *value)
{
	for (int i = 0; i < shape->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(shape, i)->attname), column) == 0)
			values[i] = value;
}

/* Why the worker's word cannot be had; NULL: it can. */
static char *
worker_is_missing(void)
{
	int64		published;
	int64		now = pgr_now_ms();

	if (pgr_shared == NULL)
		return "pg_replica is not in shared_preload_libraries, or pg_replica.node_name and pg_replica.nodes are not set";
	if (!pgr_config.valid)
		return "the configuration is not valid, see pg_replica.check()";
	if (pg_atomic_read_u32(&pgr_shared->worker.pid) == 0)
		return "the node worker is not running, see the server log";
	published = (int64) pg_atomic_read_u64(&pgr_shared->published[PGR_PUBLISHED_MOVING].at_ms);
	if (published == 0)
		return "the node worker has published nothing yet, see pg_replica.check()";
	if (now - published > Max(5 * (int64) pgr_election_timeout, 3000))
		return psprintf("the node worker has been silent for %lld ms", (long long) (now - published));
	return NULL;
}

/* What this process knows better than the worker's last word: the fence itself. */
static void
put_fence(char **values, TupleDesc shape)
{
	int64		left = ((int64) pg_atomic_read_u64(&pgr_shared->fence.deadline) - pgr_now_ns()) / 1000000;
	bool		is_open = pgr_fence_is_open();
	char		why[PGR_REASON_SIZE];

	pgr_fence_reason(why, sizeof(why));
	put(values, shape, "lease_left_ms", psprintf("%lld", (long long) Max(left, 0)));
	put(values, shape, "fenced", is_open ? "false" : "true");
	put(values, shape, "fence_reason", is_open || why[0] == '\0' ? NULL : pstrdup(why));
	put(values, shape, "weaker_commits",
		psprintf(UINT64_FORMAT, pg_atomic_read_u64(&pgr_shared->fence.weaker_commits)));
}

Datum
pgr_sql_status(PG_FUNCTION_ARGS)
{
	TupleDesc	shape;
	Table		table;
	char	  **values;
	char	   *missing = worker_is_missing();

	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "pg_replica.status() must return a record");
	shape = BlessTupleDesc(shape);
	(void) find_table("status", &table);
	values = row_of(&table, 0, shape);
	if (table.n_rows == 0)
	{
		put(values, shape, "node", pgr_node_name != NULL && pgr_node_name[0] != '\0' ? pgr_node_name : NULL);
		put(values, shape, "role", RecoveryInProgress() ? "standby" : "primary");
		put(values, shape, "version", PGR_VERSION);
		put(values, shape, "sync_mode", pstrdup(pgr_sync_mode_name()));
	}
	if (pgr_shared != NULL)
		put_fence(values, shape);
	if (missing != NULL)
	{
		put(values, shape, "state", "no worker");
		put(values, shape, "reason", missing);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(BuildTupleFromCStrings(TupleDescGetAttInMetadata(shape), values)));
}

/* ---- check() ---- */

typedef struct Report
{
	ReturnSetInfo *result;
	AttInMetadata *types;
} Report;

static void
report(Report *to, const char *setting, const char *value, bool ok,
	   const char *problem, const char *fix)
{
	char	   *values[5];

	values[0] = pstrdup(setting);
	values[1] = value[0] != '\0' ? pstrdup(value) : NULL;
	values[2] = ok ? "true" : "false";
	values[3] = problem[0] != '\0' ? pstrdup(problem) : NULL;
	values[4] = fix[0] != '\0' ? pstrdup(fix) : NULL;
	tuplestore_puttuple(to->result->setResult, BuildTupleFromCStrings(to->types, values));
}

static const struct
{
	PgrFinding	which;
	const char *setting;
	const char *fix;
}			findings[] = {
	{PGR_FINDING_LISTEN, "pg_replica.port", "Free the port, or change pg_replica.port or pg_replica.listen_addresses and restart the server."},
	{PGR_FINDING_STORE, "pg_replica.state_dir", "Make the directory usable for the server's user, and for this server only."},
	{PGR_FINDING_SECRET, "pg_replica.secret_file", "Put the same secret file on all nodes, readable for the server's user only."},
	{PGR_FINDING_CORE, "node worker", "The worker starts anew from disk; if this stays, report it together with the server log."},
	{PGR_FINDING_NAMES, "pg_replica.nodes", "Correct the name and restart the server, or mend the name service: getent ahosts shows what it says."},
	{PGR_FINDING_VERSION, "protocol", "Install the same release of pg_replica on all nodes, one after the other."},
};

/* What is fine is listed as well, so that silence is never mistaken for health. */
static const char *const settings[] = {
	"pg_replica.node_name", "pg_replica.nodes", "pg_replica.listen_addresses",
	"pg_replica.port", "pg_replica.secret_file", "pg_replica.state_dir",
	"pg_replica.replication_user", "pg_replica.passfile", "pg_replica.sync_mode",
	"pg_replica.election_timeout", "pg_replica.priority", "pg_replica.max_failover_lag",
	"pg_replica.crash_restart_grace", "pg_replica.sync_standbys", "pg_replica.witness",
	"pg_replica.allow_weaker_commit", "pg_replica.allow_collation_mismatch",
	"pg_replica.health_check_grace",
};

static bool
is_among(const char *setting, const PgrProblem *problems, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(problems[i].setting, setting) == 0)
			return true;
	return false;
}

/* What the core has to say. */
static void
report_core(Report *to)
{
	Table		table;

	if (!find_table("checks", &table))
		return;
	for (int i = 0; i < table.n_rows; i++)
		tuplestore_puttuple(to->result->setResult,
							BuildTupleFromCStrings(to->types, row_of(&table, i, to->result->setDesc)));
}

static void
report_findings(Report *to)
{
	char	   *missing = worker_is_missing();

	for (int i = 0; pgr_shared != NULL && i < lengthof(findings); i++)
	{
		char		text[PGR_FINDING_SIZE];

		pgr_finding_get(findings[i].which, text, sizeof(text));
		if (text[0] != '\0')
			report(to, findings[i].setting, "", false, text, findings[i].fix);
	}
	if (pgr_shared != NULL)
	{
		char		why[256];

		if (!pgr_assistant_disks_are_well(10 * (int64) pgr_election_timeout, why, sizeof(why)))
			report(to, "disk", "", false, why, "Look at the disks, their space and the kernel's log.");
		if (!pgr_assistant_sessions_are_well(3 * (int64) pgr_election_timeout, why, sizeof(why)))
			report(to, "new sessions", "", false, why,
				   "See whether the postmaster is stopped, and whether the machine can start processes.");
	}
	if (missing != NULL)
		report(to, "node worker", "", false, missing, "Look at the server log and at the other rows of this table.");
	else
		report(to, "node worker", psprintf("PID %u", pg_atomic_read_u32(&pgr_shared->worker.pid)), true, "", "");
}

/* A restore to a later moment needs every piece of WAL. */
static void
report_unarchived(Report *to)
{
	char		directory[MAXPGPATH];
	int			files = pgr_unarchived_count();

	pgr_unarchived_directory(directory, sizeof(directory));
	report(to, "unarchived WAL", files == 0 ? "none" : psprintf("%d files", files), files == 0,
		   files == 0 ? "" : "this node had not archived it as primary, and it is missing in the archive until archive_command takes it",
		   files == 0 ? "" : psprintf("See the server log. With archive_library: bring them into the archive from pg_wal and from \"%s\", and remove those there.", directory));
}

/* The operator's own question to the primary. */
static void
report_health(Report *to)
{
	char		value[64];
	char		why[256];
	bool		well = pgr_assistant_health_is_well(value, sizeof(value), why, sizeof(why));

	report(to, "health check", value, well, why, well ? "" : "The server log says how the command ended.");
}

/* Postgres asks for WAL of another timeline only when it has replayed what it has. */
static void
report_replay(Report *to)
{
	bool		well = !RecoveryInProgress() || GetRecoveryPauseState() == RECOVERY_NOT_PAUSED;

	report(to, "replay", well ? "not paused" : "paused", well,
		   well ? "" : "the server cannot follow another primary, and commits may wait for it",
		   well ? "" : "SELECT pg_wal_replay_resume() here.");
}

/* A server keeps what it had as a primary, and as a standby it may keep WAL for nobody. */
static void
report_slots(Report *to)
{
	char		names[1024];
	bool		left = pgr_slots_of_others(names, sizeof(names)) > 0 && RecoveryInProgress();

	report(to, "slots of others", names[0] == '\0' ? "none" : names, !left,
		   left ? "nobody reads from them, and WAL is kept for them; slots stay on the server that was primary when they were made" : "",
		   left ? "Where no consumer reads from this standby: SELECT pg_drop_replication_slot('...') here." : "");
}

/* Not a mistake, but somebody may want what is there, or the space. */
static void
report_rewound(Report *to)
{
	char		directory[MAXPGPATH];
	uint64		bytes;
	int			sets = pgr_rewound_count(&bytes);

	pgr_rewound_directory(directory, sizeof(directory));
	if (sets == 0)
		report(to, "rewound WAL", "none", true, "", "");
	else
		report(to, "rewound WAL", psprintf("%d kept in \"%s\", " UINT64_FORMAT " bytes", sets, directory, bytes), true, "",
			   "It holds commits that this server had and no other, for pg_waldump. Remove what nobody needs.");
}

Datum
pgr_sql_check(PG_FUNCTION_ARGS)
{
	Report		to;
	PgrProblem *problems = palloc(sizeof(PgrProblem) * PGR_MAX_PROBLEMS);
	int			n = 0;

	InitMaterializedSRF(fcinfo, 0);
	to.result = (ReturnSetInfo *) fcinfo->resultinfo;
	to.types = TupleDescGetAttInMetadata(to.result->setDesc);

	/* Without preloading, the settings do not exist. */
	if (pgr_node_name != NULL)
		n = pgr_config_problems(problems, PGR_MAX_PROBLEMS);
	for (int i = 0; i < n; i++)
		report(&to, problems[i].setting, problems[i].value, false,
			   problems[i].problem, problems[i].fix);
	report_findings(&to);
	report_core(&to);
	report_replay(&to);
	if (pgr_shared != NULL)
		report_slots(&to);
	if (pgr_shared != NULL && pgr_health_check_command[0] != '\0')
		report_health(&to);
	if (pgr_node_name != NULL)
	{
		report_rewound(&to);
		report_unarchived(&to);
	}
	for (int i = 0; pgr_node_name != NULL && i < lengthof(settings); i++)
	{
		const char *value = GetConfigOption(settings[i], true, false);

		if (value != NULL && !is_among(settings[i], problems, n))
			report(&to, settings[i], value, true, "", "");
	}
	return (Datum) 0;
}

/* ---- orders ---- */

static char *
order(const char *verb, int n_arguments, const char **arguments)
{
	char		reply[PGR_REPLY_SIZE];
	char	   *missing = worker_is_missing();

	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot ask this node for a %s: %s", verb, missing),
				 errhint("Ask another node of the cluster, or see pg_replica.check().")));
	if (!pgr_mailbox_ask(verb, n_arguments, arguments,
						 PGR_MAIL_WITHIN_MS, reply, sizeof(reply)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s was refused: %s", verb, reply)));
	return pstrdup(reply);
}

Datum
pgr_sql_failover(PG_FUNCTION_ARGS)
{
	const char *allow_loss = "allow_loss";
	bool		loss_allowed = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);

	PG_RETURN_TEXT_P(cstring_to_text(order("failover", loss_allowed ? 1 : 0, &allow_loss)));
}
