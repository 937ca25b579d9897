/*
 * config.c
 *		The settings of pg_replica, and the settings of the server that it
 *		takes charge of.
 *
 * No setting is refused where it is read: a server with a mistake in its
 * configuration starts, as a fenced standby, and says what is wrong
 * (config_check.c).
 */
#include "postgres.h"

#include <limits.h>

#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "assistant.h"
#include "config.h"
#include "config_check.h"
#include "failover_slots.h"
#include "sync.h"

PgrConfig	pgr_config = {.self = -1};

char	   *pgr_node_name = "";
char	   *pgr_nodes = "";
char	   *pgr_listen_addresses = "*";
int			pgr_port = 0;
char	   *pgr_secret_file = "";
char	   *pgr_state_dir = "";
char	   *pgr_replication_user = "postgres";
char	   *pgr_passfile = "";
int			pgr_sync_mode = PGR_SYNC_OFF;
int			pgr_sync_standbys = 0;
int			pgr_sync_generation = 0;
bool		pgr_witness = false;
bool		pgr_allow_weaker_commit = false;
bool		pgr_allow_collation_mismatch = false;
int			pgr_election_timeout = 1000;
int			pgr_priority = 100;
int			pgr_max_failover_lag = -1;
int			pgr_crash_restart_grace = 5000;
bool		pgr_allow_other_replication = true;
char	   *pgr_health_check_command = "";
int			pgr_health_check_grace = 10000;
char	   *pgr_trace_file = "";
int			pgr_trace_size = 64;

static const struct config_enum_entry sync_modes[] = {
	{"off", PGR_SYNC_OFF, false},
	{"quorum", PGR_SYNC_QUORUM, false},
	{"quorum_available", PGR_SYNC_QUORUM_AVAILABLE, false},
	{NULL, 0, false}
};

int64
pgr_max_failover_lag_bytes(void)
{
	return pgr_max_failover_lag < 0 ? -1 : (int64) pgr_max_failover_lag * 1024;
}

const char *
pgr_sync_mode_name(void)
{
	return sync_modes[pgr_sync_mode].name;
}

static void
define_text(const char *name, char **variable, const char *initial, int flags,
			const char *description)
{
	DefineCustomStringVariable(name, description, NULL, variable, initial,
							   PGC_POSTMASTER, flags, NULL, NULL, NULL);
}

/*
 * settle
 *		What the configuration files say about a setting is kept as text until
 *		the setting is defined, and Postgres then drops a value it cannot use,
 *		with a warning.  A node must not run with a default in place of what
 *		was meant, so such a value is remembered as a mistake.
 */
static char *
value_given(const char *name)
{
	const char *given = GetConfigOption(name, true, false);

	return given == NULL ? NULL : pstrdup(given);
}

static void
settle(const char *name, char *given, const char *fix)
{
	if (given == NULL)
		return;
	/* only asked about: a value that was set here could not be reloaded */
	if (set_config_option(name, given, PGC_POSTMASTER, PGC_S_FILE,
						  GUC_ACTION_SET, false, DEBUG5, false) == 0)
		pgr_config_rejected(name, given, fix);
	pfree(given);
}

static void
define_number(const char *name, int *variable, int initial, int least, int most,
			  GucContext context, int flags, const char *description)
{
	char	   *given = value_given(name);
	const char *unit = flags == GUC_UNIT_MS ? " ms" : flags == GUC_UNIT_KB ? " kB" : flags == GUC_UNIT_MB ? " MB" : "";
	char		fix[64];

	DefineCustomIntVariable(name, description, NULL, variable, initial, least,
							most, context, flags, NULL, NULL, NULL);
	snprintf(fix, sizeof(fix), "Use a number from %d%s to %d%s.", least, unit, most, unit);
	settle(name, given, fix);
}

static void
define_flag(const char *name, bool *variable, bool initial, GucContext context,
			const char *description)
{
	char	   *given = value_given(name);

	DefineCustomBoolVariable(name, description, NULL, variable, initial, context,
							 0, NULL, NULL, NULL);
	settle(name, given, "Use on or off.");
}

static void
define_synchronous(void)
{
	char	   *given = value_given("pg_replica.sync_mode");

	DefineCustomEnumVariable("pg_replica.sync_mode",
							 "Whether commits wait for standbys.", NULL,
							 &pgr_sync_mode, PGR_SYNC_OFF, sync_modes,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	settle("pg_replica.sync_mode", given, "Use off, quorum or quorum_available.");

	define_number("pg_replica.sync_standbys", &pgr_sync_standbys, 0, 0, PGR_MAX_NODES - 1, PGC_SIGHUP, 0,
				  "How many standbys a commit waits for; 0: as many as nodes may fail.");

	define_flag("pg_replica.witness", &pgr_witness, false, PGC_POSTMASTER,
				"This node votes, holds no data and is never primary.");
	define_flag("pg_replica.allow_weaker_commit", &pgr_allow_weaker_commit, false, PGC_SUSET,
				"Lets a session's synchronous_commit spare its commits the wait for standbys.");

	DefineCustomIntVariable("pg_replica.sync_generation",
							"Written by pg_replica beside synchronous_standby_names; not for users.",
							NULL, &pgr_sync_generation, 0, 0, INT_MAX, PGC_SIGHUP,
							GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							NULL, pgr_sync_assign_generation, NULL);
}

static void
define_health_check(void)
{
	DefineCustomStringVariable("pg_replica.health_check_command",
							   "Shell command that asks whether this primary serves the applications well.",
							   NULL, &pgr_health_check_command, "", PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	define_number("pg_replica.health_check_grace", &pgr_health_check_grace, 10000, 5000, 3600000,
				  PGC_SIGHUP, GUC_UNIT_MS,
				  "How long it may fail before a standby is asked to take over.");
}

void
pgr_config_define(void)
{
	define_text("pg_replica.node_name", &pgr_node_name, "", 0,
				"Name of this server in pg_replica.nodes.");
	define_text("pg_replica.nodes", &pgr_nodes, "", 0,
				"The servers of the cluster: name=host:port/raftport, separated by commas.");
	define_text("pg_replica.listen_addresses", &pgr_listen_addresses, "*", 0,
				"Addresses on which this node listens for the other nodes.");
	define_number("pg_replica.port", &pgr_port, 0, 0, 65535, PGC_POSTMASTER, 0,
				  "Port on which this node listens for the other nodes; 0: as in pg_replica.nodes.");
	define_text("pg_replica.secret_file", &pgr_secret_file, "", 0,
				"File with the secret that all nodes of the cluster share.");
	define_text("pg_replica.state_dir", &pgr_state_dir, "", 0,
				"Directory for what this node must not forget, outside the data directory.");
	define_text("pg_replica.replication_user", &pgr_replication_user, "postgres", 0,
				"Role with which standbys connect to the primary.");
	define_text("pg_replica.passfile", &pgr_passfile, "", 0,
				"Password file for the connections of the replication user.");
	define_number("pg_replica.election_timeout", &pgr_election_timeout, 1000, 200, 60000,
				  PGC_POSTMASTER, GUC_UNIT_MS,
				  "Silence of the leader after which another one is elected; the same on all nodes.");
	define_number("pg_replica.priority", &pgr_priority, 100, 0, 1000, PGC_POSTMASTER, 0,
				  "Of equally good nodes, the one with the highest priority becomes primary.");
	define_number("pg_replica.max_failover_lag", &pgr_max_failover_lag, -1, -1, INT_MAX,
				  PGC_POSTMASTER, GUC_UNIT_KB,
				  "Largest loss of WAL with which a node is promoted automatically; -1: no limit.");
	define_number("pg_replica.crash_restart_grace", &pgr_crash_restart_grace, 5000, 0, 600000,
				  PGC_POSTMASTER, GUC_UNIT_MS,
				  "How long a crashed primary whose node still answers may take to come back.");
	define_text("pg_replica.trace_file", &pgr_trace_file, "", 0,
				"File in which this node records what its core is told and answers, for a replay.");
	define_number("pg_replica.trace_size", &pgr_trace_size, 64, 1, 1024, PGC_POSTMASTER, GUC_UNIT_MB,
				  "Largest size of such a file; the last three former ones are kept.");

	define_synchronous();
	define_flag("pg_replica.allow_collation_mismatch", &pgr_allow_collation_mismatch, false, PGC_SIGHUP,
				"Lets this node be promoted although it sorts text otherwise than the last primary did.");
	define_flag("pg_replica.allow_other_replication", &pgr_allow_other_replication, true, PGC_SIGHUP,
				"Admits physical replication connections that are not of the cluster's nodes.");

	define_health_check();

	MarkGUCPrefixReserved("pg_replica");
}

/*
 * pgr_config_load
 *		Read the settings into pgr_config and log what is wrong with them.
 */
void
pgr_config_load(void)
{
	PgrProblem *problems;
	int			n;

	pgr_config.configured = pgr_node_name[0] != '\0' || pgr_nodes[0] != '\0';
	if (!pgr_config.configured)
	{
		ereport(LOG,
				(errmsg("pg_replica is loaded but not configured, and does nothing"),
				 errhint("Set pg_replica.node_name and pg_replica.nodes to make this server a node of a cluster.")));
		return;
	}

	/* before pgr_config_force() takes them away */
	pgr_config_note_overridden();
	problems = palloc(sizeof(PgrProblem) * PGR_MAX_PROBLEMS);
	n = pgr_config_examine(&pgr_config, problems, PGR_MAX_PROBLEMS);
	pgr_config.valid = true;
	for (int i = 0; i < n; i++)
	{
		PgrProblem *problem = &problems[i];

		if (problem->fatal)
			pgr_config.valid = false;
		/* LOG, because log_min_messages = error hides a WARNING */
		ereport(LOG,
				(errmsg("pg_replica %s: %s: %s",
						problem->fatal ? "is not configured correctly" : "notes about the configuration",
						problem->setting, problem->problem),
				 problem->value[0] ? errdetail("The value is \"%s\".", problem->value) : 0,
				 errhint("%s", problem->fix)));
	}
	pfree(problems);

	if (!pgr_config.valid)
		ereport(LOG,
				(errmsg("pg_replica is not configured correctly: this server starts as a read-only standby and takes no part in the cluster"),
				 errhint("Mend what the lines above name and restart the server.")));
}

static void
force(StringInfo changes, const char *name, const char *value)
{
	const char *before = GetConfigOption(name, true, false);

	if (before == NULL)
		return;					/* not a setting of this version */
	if (strcmp(before, value) != 0)
		appendStringInfo(changes, "%s%s = '%s' (was '%s')",
						 changes->len > 0 ? ", " : "", name, value, before);

	/* with this source, no configuration file overrides it any more */
	SetConfigOption(name, value, PGC_POSTMASTER, PGC_S_ARGV);
}

static void
force_at_least(StringInfo changes, const char *name, int least)
{
	const char *before = GetConfigOption(name, true, false);

	if (before != NULL && atoi(before) < least)
		force(changes, name, psprintf("%d", least));
}

static void
force_if_set(StringInfo changes, const char *name)
{
	const char *before = GetConfigOption(name, true, false);

	if (before != NULL && before[0] != '\0')
		force(changes, name, "");
}

/* The slot sync worker does not begin without a database and a slot, and its primary's must be there. */
static void
force_for_failover_slots(StringInfo changes)
{
	force(changes, "primary_conninfo", "host=pg_replica.invalid dbname=" PGR_DATABASE);
	force(changes, "primary_slot_name", psprintf(PGR_SLOT_PREFIX "%s", pgr_node_name));
	force(changes, "synchronized_standby_slots", PGR_CONFIRMED_SLOT);
}

/*
 * pgr_config_force
 *		Settings of the server without which the promises do not hold.
 *
 * The upstream is decided by the cluster alone: primary_conninfo only makes
 * the server start WAL receivers, and the gate tells each of them where to
 * connect.  Anything else that could end recovery or bring foreign WAL (a
 * recovery target, a trigger file, an archive) is taken away, and what keeps a
 * node from having replayed what it received when that is needed.
 */
void
pgr_config_force(void)
{
	StringInfoData changes;
	PgrNeed		needs[PGR_NEEDS];

	initStringInfo(&changes);

	if (pgr_failover_slots_possible())
		force_for_failover_slots(&changes);
	else
	{
		force(&changes, "primary_conninfo", "host=pg_replica.invalid");
		force(&changes, "primary_slot_name", "");
	}
	force(&changes, "wal_receiver_create_temp_slot", "off");
	force(&changes, "wal_retrieve_retry_interval", "100");
	force_if_set(&changes, "recovery_target");
	force_if_set(&changes, "recovery_target_lsn");
	force_if_set(&changes, "recovery_target_name");
	force_if_set(&changes, "recovery_target_time");
	force_if_set(&changes, "recovery_target_xid");
	force(&changes, "recovery_target_timeline", "latest");
	force(&changes, "restore_command", "");
	force(&changes, "recovery_min_apply_delay", "0");
	force(&changes, "promote_trigger_file", "");

	force(&changes, "hot_standby", "on");
	force(&changes, "wal_log_hints", "on");
	force(&changes, "full_page_writes", "on");
	if (strcmp(GetConfigOption("wal_level", false, false), "minimal") == 0)
		force(&changes, "wal_level", "replica");
	force_at_least(&changes, "max_wal_senders", 10);
	force_at_least(&changes, "max_replication_slots", 10);
	/* ours, on top of what the operator planned for others */
	force_at_least(&changes, "max_worker_processes",
				   max_worker_processes + (pgr_failover_slots_possible() ? 4 : 3));

	if (pgr_config_needs(needs))
		for (int i = 0; i < PGR_NEEDS; i++)
			force_at_least(&changes, needs[i].setting, needs[i].least);

	/*
	 * Only defaults, which a configuration file overrides: slots of nodes that
	 * are away must not fill the disk, and a deposed primary needs some WAL
	 * from before the fork to be rewound.
	 */
	SetConfigOption("max_slot_wal_keep_size", "10GB", PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);
	SetConfigOption("wal_keep_size", "512MB", PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);

	if (changes.len > 0)
		ereport(LOG, (errmsg("pg_replica sets %s", changes.data)));
	pfree(changes.data);
}
