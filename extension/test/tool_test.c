/*
 * tool_test.c
 *		Programs that are run for a rewind or a clone end when they are told to,
 *		those that do not are made to, and why a source refused them is known.
 *
 * A plain program: it links tool.c, runs shell scripts in the place of
 * pg_basebackup, and needs no server.  See run.sh beside it.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "storage/spin.h"

#include "check.h"
#include "config.h"
#include "restart.h"
#include "shared.h"
#include "work.h"

#define ORDER_AFTER_MS 300
#define SOON_MS 3000
/* What tool.c gives a program, and what it may then take to notice. */
#define AT_LEAST_MS 10000
#define AT_MOST_MS 15000

/* What the rest of the host and the server would bring along. */
static PgrShared shared;
PgrShared  *pgr_shared = &shared;
int			pgr_data_lock_fd = -1;
char		my_exec_path[MAXPGPATH];

int
s_lock(volatile slock_t *lock, const char *file, int line, const char *func)
{
	abort();
}

static void
give_order(int signal_number)
{
	shared.restart.work.order_number++;
}

/* Runs this text as pg_basebackup.  How long that took, in ms. */
static int64
run(const char *script, bool order, bool *good, PgrTool *tool)
{
	char		path[MAXPGPATH];
	char	   *none[] = {NULL};
	int64		began;
	FILE	   *file;
	struct itimerval soon = {{0, 0}, {0, order ? ORDER_AFTER_MS * 1000 : 0}};

	strlcpy(path, my_exec_path, sizeof(path));
	strlcpy(strrchr(path, '/'), "/pg_basebackup", 20);
	file = fopen(path, "w");
	if (file == NULL)
		abort();
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	(void) chmod(path, S_IRWXU);
	memset(tool, 0, sizeof(*tool));
	tool->name = "pg_basebackup";
	tool->arguments = none;
	pgr_order_taken(shared.restart.work.order_number);
	(void) setitimer(ITIMER_REAL, &soon, NULL);
	began = pgr_now_ms();
	*good = pgr_tool_run(tool);
	return pgr_now_ms() - began;
}

static void
ends_by_itself(void)
{
	PgrTool		tool;
	bool		good;

	CHECK_OR_SAY(run("echo '  10/20 kB (50%) copied'; echo done", false, &good, &tool) < SOON_MS, " in time");
	CHECK_OR_SAY(good, " with status 0");
	CHECK_OR_SAY(strcmp(tool.last_line, "done") == 0, ": \"%s\"", tool.last_line);
	CHECK_OR_SAY(pg_atomic_read_u64(&shared.restart.work.done_bytes) == 10 * 1024, " as told");
	(void) run("echo 'error: no'; exit 1", false, &good, &tool);
	CHECK_OR_SAY(!good, " with status 1");
}

static void
ends_when_it_is_told(void)
{
	PgrTool		tool;
	bool		good;
	int64		took = run("exec sleep 100", true, &good, &tool);

	CHECK_OR_SAY(took >= ORDER_AFTER_MS && took < SOON_MS, ": %d ms", (int) took);
	CHECK_OR_SAY(!good && strstr(tool.last_line, "newer order") != NULL, ": \"%s\"", tool.last_line);
}

/* What Postgres 15 to 18 say (proc.c, postinit.c, miscinit.c, walsender.c), as libpq reports it. */
static void
tells_a_full_source_from_a_lost_one(void)
{
	static const struct
	{
		const char *said;
		PgrRefusal	means;
	}			cases[] = {
		{"sorry, too many clients already", PGR_REFUSAL_FULL},
		{"too many connections for role \"replicator\"", PGR_REFUSAL_FULL},
		{"too many connections for database \"postgres\"", PGR_REFUSAL_FULL},
		{"remaining connection slots are reserved for non-replication superuser connections", PGR_REFUSAL_FULL},
		{"remaining connection slots are reserved for roles with the SUPERUSER attribute", PGR_REFUSAL_FULL},
		{"number of requested standby connections exceeds max_wal_senders (currently 2)", PGR_REFUSAL_FULL},
		{"number of requested standby connections exceeds \"max_wal_senders\" (currently 2)", PGR_REFUSAL_FULL},
		{"the database system is shutting down", PGR_REFUSAL_LOST},
		{"password authentication failed for user \"replicator\"", PGR_REFUSAL_NONE},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		char		script[256];
		PgrTool		tool;
		bool		good;

		snprintf(script, sizeof(script),
				 "echo 'pg_basebackup: error: connection to server at \"h\", port 1 failed: FATAL:  %s'; exit 1",
				 cases[i].said);
		(void) run(script, false, &good, &tool);
		CHECK_OR_SAY(pgr_source_refusal == cases[i].means, ": %d after \"%s\"", (int) pgr_source_refusal, cases[i].said);
	}
	(void) run("echo 'too many clients'; exit 1", false, &(bool) {false}, &(PgrTool) {0});
	CHECK_OR_SAY(pgr_source_refusal == PGR_REFUSAL_NONE, " of no server");
}

/* One that is stopped takes no other signal. */
static void
is_killed_otherwise(void)
{
	PgrTool		tool;
	bool		good;
	int64		took = run("kill -STOP $$", true, &good, &tool);

	CHECK_OR_SAY(took >= AT_LEAST_MS && took < AT_MOST_MS, ": %d ms", (int) took);
	CHECK_OR_SAY(!good, " when it was killed");
}

int
main(int argc, char **argv)
{
	snprintf(my_exec_path, sizeof(my_exec_path), "%s/postgres", argv[1]);
	(void) signal(SIGALRM, give_order);
	ends_by_itself();
	ends_when_it_is_told();
	tells_a_full_source_from_a_lost_one();
	is_killed_otherwise();
	return verdict("tool_test");
}
