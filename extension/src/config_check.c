/*
 * config_check.c
 *		What is wrong with the configuration of this node: every mistake at
 *		once, each with what to do about it.  The server log at start and the
 *		SQL function check() tell the same list.
 *
 * Nothing in here raises an error, so it runs in any process.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"

#include "auth.h"
#include "config_check.h"
#include "failover_slots.h"
#include "sync.h"
#include "work.h"

#define MAX_REJECTED 16

/* Written by the postmaster before any child is forked. */
static struct
{
	char		name[64];
	char		value[64];
	char		fix[64];
}			rejected[MAX_REJECTED];
static int	n_rejected = 0;

static struct
{
	char		restore_command[192];
	char		recovery_target[192];
	char		apply_delay[32];
	PgrNeed		need;			/* a setting below it, if there is one */
	char		less[32];
}			overridden;

bool
pgr_config_needs(PgrNeed *needs)
{
	ControlFileData control;

	if (!pgr_control_read(XLOG_CONTROL_FILE, &control))
		return false;
	needs[0] = (PgrNeed) {"max_connections", control.MaxConnections};
	needs[1] = (PgrNeed) {"max_worker_processes", control.max_worker_processes};
	needs[2] = (PgrNeed) {"max_wal_senders", control.max_wal_senders};
	needs[3] = (PgrNeed) {"max_prepared_transactions", control.max_prepared_xacts};
	needs[4] = (PgrNeed) {"max_locks_per_transaction", control.max_locks_per_xact};
	return true;
}

/* Of workers and WAL senders there are more than the operator planned, anyway. */
static void
note_what_is_too_little(void)
{
	PgrNeed		needs[PGR_NEEDS];

	if (!pgr_config_needs(needs))
		return;
	for (int i = 0; i < PGR_NEEDS; i++)
	{
		const char *value = GetConfigOption(needs[i].setting, false, false);

		if (i == 1 || i == 2 || atoi(value) >= needs[i].least)
			continue;
		overridden.need = needs[i];
		strlcpy(overridden.less, value, sizeof(overridden.less));
	}
}

void
pgr_config_rejected(const char *name, const char *value, const char *fix)
{
	if (n_rejected >= MAX_REJECTED)
		return;
	strlcpy(rejected[n_rejected].name, name, sizeof(rejected[0].name));
	strlcpy(rejected[n_rejected].value, value, sizeof(rejected[0].value));
	strlcpy(rejected[n_rejected].fix, fix, sizeof(rejected[0].fix));
	n_rejected++;
}

void
pgr_config_note_overridden(void)
{
	static const char *const targets[] = {"recovery_target", "recovery_target_lsn",
		"recovery_target_name", "recovery_target_time", "recovery_target_xid"};
	const char *value = GetConfigOption("restore_command", true, false);

	note_what_is_too_little();
	strlcpy(overridden.restore_command, value ? value : "",
			sizeof(overridden.restore_command));
	strlcpy(overridden.apply_delay, GetConfigOption("recovery_min_apply_delay", false, false),
			sizeof(overridden.apply_delay));
	for (int i = 0; i < lengthof(targets); i++)
	{
		value = GetConfigOption(targets[i], true, false);
		if (value != NULL && value[0] != '\0')
			snprintf(overridden.recovery_target, sizeof(overridden.recovery_target),
					 "%s = '%s'", targets[i], value);
	}
}

void
pgr_problem_add(PgrProblems *problems, bool fatal, const char *setting, const char *value,
	const char *fix, const char *format,...)
{
	PgrProblem *problem;
	va_list		arguments;

	if (problems->n >= problems->max)
		return;
	problem = &problems->out[problems->n++];
	problem->fatal = fatal;
	strlcpy(problem->setting, setting, sizeof(problem->setting));
	strlcpy(problem->value, value, sizeof(problem->value));
	strlcpy(problem->fix, fix, sizeof(problem->fix));
	va_start(arguments, format);
	vsnprintf(problem->problem, sizeof(problem->problem), format, arguments);
	va_end(arguments);
}

static void
check_secret(PgrProblems *problems)
{
	const char *name = "pg_replica.secret_file";
	char		secret[PGR_SECRET_MAX + 2];
	struct stat info;
	ssize_t		length;
	int			fd;

	if (pgr_secret_file[0] == '\0')
	{
		pgr_problem_add(problems, true, name, "",
						"Make a file with a long random text, the same on all nodes, readable only by the server's user, and name it here.",
						"it is not set");
		return;
	}
	if (stat(pgr_secret_file, &info) != 0)
	{
		pgr_problem_add(problems, true, name, pgr_secret_file,
						"Copy the cluster's secret file to this path.",
						"the file cannot be found: %s", strerror(errno));
		return;
	}
	if (!S_ISREG(info.st_mode))
	{
		pgr_problem_add(problems, true, name, pgr_secret_file, "Name a plain file.",
						"it is not a plain file");
		return;
	}
	if ((info.st_mode & 0137) != 0 || (info.st_uid != geteuid() && info.st_uid != 0))
		pgr_problem_add(problems, true, name, pgr_secret_file,
						"Give the file to the server's user or to root, with mode 0600, or 0640 for root and the server's group.",
						"others can read or change it: mode %04o, owner %u",
						(unsigned) (info.st_mode & 07777), (unsigned) info.st_uid);

	fd = open(pgr_secret_file, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, secret, sizeof(secret));
	if (length < 0)
		pgr_problem_add(problems, true, name, pgr_secret_file,
						"Make the file readable for the server's user.",
						"the file cannot be read: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return;

	/* as auth.c reads it: a line end belongs to the file, not to the secret */
	while (length > 0 && (secret[length - 1] == '\n' || secret[length - 1] == '\r'))
		length--;
	if (length < PGR_SECRET_MIN || length > PGR_SECRET_MAX)
		pgr_problem_add(problems, true, name, pgr_secret_file,
						"Use another one on all nodes, for example the output of: openssl rand -hex 32",
						"the secret must have %d to %d bytes", PGR_SECRET_MIN, PGR_SECRET_MAX);
	explicit_bzero(secret, sizeof(secret));
}

static bool
is_inside(const char *path, const char *directory)
{
	size_t		length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
		(path[length] == '/' || path[length] == '\0');
}

/* The state directory does not exist: can it be made, and where would it be? */
static bool
check_parent(PgrProblems *problems, char *real)
{
	char		parent[MAXPGPATH];
	char	   *slash;

	strlcpy(parent, pgr_state_dir, sizeof(parent));
	canonicalize_path(parent);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent)
		strlcpy(parent, "/", sizeof(parent));
	else
		*slash = '\0';
	if (realpath(parent, real) != NULL && access(parent, W_OK | X_OK) == 0)
		return true;

	pgr_problem_add(problems, true, "pg_replica.state_dir", pgr_state_dir,
					"Make it, with mode 0700, and give it to the server's user.",
					"the directory does not exist and cannot be made in \"%s\": %s",
					parent, strerror(errno));
	return false;
}

static void
check_state_directory(PgrProblems *problems)
{
	const char *name = "pg_replica.state_dir";
	char		real[PATH_MAX];
	char		data[PATH_MAX];
	struct stat info;

	if (pgr_state_dir[0] != '/')
	{
		pgr_problem_add(problems, true, name, pgr_state_dir,
						"Set an absolute path outside the data directory, such as /var/lib/pg_replica/n1.",
						pgr_state_dir[0] == '\0' ? "it is not set" : "it is not an absolute path");
		return;
	}
	if (realpath(pgr_state_dir, real) == NULL)
	{
		if (errno != ENOENT)
			pgr_problem_add(problems, true, name, pgr_state_dir,
							"Make the path reachable for the server's user.",
							"the directory cannot be reached: %s", strerror(errno));
		if (errno != ENOENT || !check_parent(problems, real))
			return;
	}
	else if (stat(real, &info) != 0 || !S_ISDIR(info.st_mode))
		pgr_problem_add(problems, true, name, pgr_state_dir, "Name a directory.",
						"it is not a directory");
	else if (info.st_uid != geteuid() || (info.st_mode & 0077) != 0)
		pgr_problem_add(problems, true, name, pgr_state_dir,
						"Give the directory to the server's user, with mode 0700.",
						"the directory has owner %u and mode %04o",
						(unsigned) info.st_uid, (unsigned) (info.st_mode & 07777));

	if (DataDir != NULL && realpath(DataDir, data) != NULL && is_inside(real, data))
		pgr_problem_add(problems, true, name, pgr_state_dir,
						"Use a directory outside: rewinding or cloning this node would overwrite its vote with another node's.",
						"the directory is inside the data directory");
}

static void
check_passfile(PgrProblems *problems)
{
	struct stat info;

	if (pgr_passfile[0] == '\0')
		return;
	if (pgr_passfile[0] != '/')
		pgr_problem_add(problems, true, "pg_replica.passfile", pgr_passfile,
						"Set an absolute path.", "it is not an absolute path");
	else if (stat(pgr_passfile, &info) != 0 || !S_ISREG(info.st_mode) ||
			 access(pgr_passfile, R_OK) != 0)
		pgr_problem_add(problems, true, "pg_replica.passfile", pgr_passfile,
						"Put a password file there that the server's user can read, or leave the setting empty.",
						"it is not a file that the server can read");
	else if ((info.st_mode & 0077) != 0)
		pgr_problem_add(problems, true, "pg_replica.passfile", pgr_passfile,
						"Set its mode to 0600.",
						"the file has mode %04o, and libpq ignores it if others can read it",
						(unsigned) (info.st_mode & 07777));
}

static void
check_server(PgrProblems *problems)
{
	/* Since 17. */
	const char *sync_slots = GetConfigOption("sync_replication_slots", true, false);
	const char *feedback = GetConfigOption("hot_standby_feedback", false, false);

	if (sync_slots != NULL && strcmp(sync_slots, "on") == 0 &&
		!(pgr_failover_slots_possible() && strcmp(feedback, "on") == 0))
		pgr_problem_add(problems, false, "sync_replication_slots", sync_slots,
						"Set wal_level to logical and hot_standby_feedback to on, on every node.",
						"it has no effect: wal_level is %s and hot_standby_feedback is %s",
						GetConfigOption("wal_level", false, false), feedback);
	if (!enableFsync)
		pgr_problem_add(problems, false, "fsync", "off", "Set fsync to on.",
						"without it, what this node reports to have may be gone after a crash, so it is not counted");
	if (overridden.restore_command[0] != '\0')
		pgr_problem_add(problems, false, "restore_command", overridden.restore_command,
						"Remove it; a node gets WAL from the primary only.",
						"it is not used: an archive can hold WAL of an abandoned timeline");
	if (overridden.recovery_target[0] != '\0')
		pgr_problem_add(problems, false, "recovery_target", overridden.recovery_target,
						"Remove it; restore to a point in time before the server joins a cluster.",
						"it is not used: a node follows its primary to the latest WAL");
	if (strcmp(overridden.apply_delay, "0") != 0)
		pgr_problem_add(problems, false, "recovery_min_apply_delay", overridden.apply_delay,
						"Remove it; a standby that is to lag behind belongs outside of the cluster.",
						"it is not used: a node is needed with all that it received when the primary is lost");
	if (overridden.need.setting != NULL)
		pgr_problem_add(problems, false, overridden.need.setting, overridden.less,
						"Set it to what the primary has, on all nodes.",
						"it is not used: the data was written with %d, and a standby does not start with less",
						overridden.need.least);
	if (pgr_replication_user[0] == '\0')
		pgr_problem_add(problems, true, "pg_replica.replication_user", "",
						"Set it to a role with the attribute REPLICATION.", "it is not set");
}

static void
check_synchronous(PgrProblems *problems, const PgrConfig *config)
{
	struct config_generic *names = pgr_find_setting("synchronous_standby_names");
	const char *value = GetConfigOption("synchronous_standby_names", true, false);
	char		why[128];
	char		number[16];

	snprintf(number, sizeof(number), "%d", pgr_sync_standbys);
	if (pgr_sync_standbys_are_wrong(config->n_nodes, pgr_witness, pgr_sync_standbys, why, sizeof(why)))
		pgr_problem_add(problems, true, "pg_replica.sync_standbys", number,
						"Leave it at 0, or set it to at least as many nodes as may fail.", "%s", why);
	if (names == NULL || value == NULL || pgr_sync_mode == PGR_SYNC_OFF)
		return;
	if (names->source == PGC_S_ARGV)
		pgr_problem_add(problems, true, "synchronous_standby_names", value,
						"Take it off the server's command line.",
						"the command line wins over what pg_replica sets");
	else if (value[0] != '\0' && pgr_sync_generation == 0)
		pgr_problem_add(problems, false, "synchronous_standby_names", value,
						"Remove it: pg_replica.sync_mode decides whom commits wait for.",
						"it is set, and pg_replica will replace it in postgresql.auto.conf");
}

/* Moves what stops the node to the front, in the order found. */
static void
fatal_first(PgrProblems *problems)
{
	int			front = 0;

	for (int i = 0; i < problems->n; i++)
	{
		PgrProblem	problem = problems->out[i];

		if (!problem.fatal)
			continue;
		memmove(&problems->out[front + 1], &problems->out[front],
				sizeof(PgrProblem) * (i - front));
		problems->out[front++] = problem;
	}
}

int
pgr_config_examine(PgrConfig *config, PgrProblem *out, int max)
{
	PgrProblems	problems = {.out = out, .n = 0, .max = max};

	for (int i = 0; i < n_rejected; i++)
		pgr_problem_add(&problems, true, rejected[i].name, rejected[i].value,
						rejected[i].fix, "the value is not allowed");
	pgr_config_nodes(&problems, config);
	check_secret(&problems);
	check_state_directory(&problems);
	check_passfile(&problems);
	check_server(&problems);
	check_synchronous(&problems, config);
	fatal_first(&problems);
	return problems.n;
}

int
pgr_config_problems(PgrProblem *out, int max)
{
	static PgrConfig scratch;
	PgrProblems	problems = {.out = out, .n = 0, .max = max};

	if (!pgr_config.configured)
	{
		pgr_problem_add(&problems, true, "shared_preload_libraries", "",
						"Add pg_replica to shared_preload_libraries, set pg_replica.node_name and pg_replica.nodes, and restart the server.",
						"pg_replica is not preloaded, or not configured");
		return problems.n;
	}
	return pgr_config_examine(&scratch, out, max);
}
