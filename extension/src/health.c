/*
 * health.c
 *		The operator's own question to the primary: does it serve the
 *		applications well?
 *
 * pg_replica.health_check_command is run again and again while this server is
 * an open primary.  When it has failed for pg_replica.health_check_grace, the
 * cluster is asked for what an operator would ask for, failover(), with all
 * that this promises: nothing is lost, and where no standby can take over, this
 * primary goes on.
 *
 * It must have passed here before it can fail: a command that passes nowhere
 * costs one failover, and not one after the other.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xlog.h"

#include "assistant.h"
#include "config.h"
#include "mailbox.h"
#include "shared.h"
#include "shell.h"

#define RUN_EVERY_MS 2000
#define MOST_DOUBLINGS 6

static struct
{
	PgrShell	shell;
	int64		ended_ms;
	bool		passed;			/* once at least, on this primary */
	int64		failing_ms;		/* when the first one began of those that failed since; 0: none did */
	PgrMailSlot *request;		/* for a failover, not answered yet */
	int64		answer_until_ms;
	int64		requested_ms;	/* the last one; 0: none since it passed */
	int			requests;
} check;

static void
forget_failures(void)
{
	check.failing_ms = check.requested_ms = 0;
	check.requests = 0;
}

static void
passed(void)
{
	if (check.failing_ms != 0)
		ereport(LOG, (errmsg("pg_replica: pg_replica.health_check_command passes again")));
	check.passed = true;
	forget_failures();
}

/* Counted from the beginning of a run that failed: a time in which none was made says nothing. */
static void
failed(const char *how)
{
	if (check.failing_ms != 0)
		return;
	check.failing_ms = check.shell.begun_ms;
	ereport(LOG,
			(errmsg("pg_replica: pg_replica.health_check_command does not pass: %s", how),
			 errdetail("The command is \"%s\".", pgr_health_check_command),
			 check.passed ?
			 errhint("A failover is asked for when it has not passed for %d ms.", pgr_health_check_grace) :
			 errhint("It has never passed while this server was primary, so no failover is asked for.")));
}

static void
look_after_command(int64 now)
{
	char		how[64];
	int			status;

	if (pgr_shell_has_ended(&check.shell, &status))
	{
		check.ended_ms = now;
		if (check.shell.killed)
			return;
		pgr_shell_failure(status, how, sizeof(how));
		if (status == 0)
			passed();
		else
			failed(how);
	}
	else if (!check.shell.killed && now - check.shell.begun_ms >= pgr_health_check_grace)
	{
		pgr_shell_kill(&check.shell);
		snprintf(how, sizeof(how), "it did not end within %d ms", pgr_health_check_grace);
		failed(how);
	}
}

/* A failover that does not succeed holds up writes for a moment, so it is tried less and less often (P10). */
static bool
is_time_for_failover(int64 now)
{
	int64		patience = (int64) pgr_health_check_grace << Min(check.requests, MOST_DOUBLINGS);

	return check.passed && check.failing_ms != 0 && check.request == NULL &&
		now - Max(check.failing_ms, check.requested_ms) >= patience;
}

static void
ask_for_failover(int64 now)
{
	char		refusal[PGR_REPLY_SIZE];

	ereport(LOG,
			(errmsg("pg_replica asks for a failover, because pg_replica.health_check_command has not passed for %lld ms",
					(long long) (now - check.failing_ms))));
	check.requested_ms = now;
	check.requests++;
	check.answer_until_ms = now + PGR_MAIL_WITHIN_MS;
	check.request = pgr_mailbox_post("failover", 0, NULL, check.answer_until_ms, refusal, sizeof(refusal));
	if (check.request == NULL)
		ereport(LOG, (errmsg("pg_replica could not ask for a failover: %s", refusal)));
}

static void
look_for_answer(int64 now)
{
	char		reply[PGR_REPLY_SIZE];
	bool		ok;

	if (check.request == NULL)
		return;
	if (!pgr_mailbox_collect(check.request, &ok, reply, sizeof(reply)))
	{
		if (now < check.answer_until_ms)
			return;
		pgr_mailbox_withdraw(check.request);
		ok = false;
		strlcpy(reply, "there was no answer", sizeof(reply));
	}
	check.request = NULL;
	ereport(LOG, (errmsg("pg_replica was %s its failover: %s", ok ? "granted" : "refused", reply)));
}

void
pgr_health_tend(void)
{
	int64		now = pgr_now_ms();
	bool		is_asked = pgr_health_check_command[0] != '\0' && !RecoveryInProgress();
	/* What fails behind a closed fence may fail for that. */
	bool		counts = is_asked && pgr_fence_is_open();

	look_for_answer(now);
	if (!counts)
		pgr_shell_kill(&check.shell);
	if (check.shell.pid != 0)
		look_after_command(now);
	if (!is_asked)
	{
		check.passed = false;
		forget_failures();
	}
	else if (!counts)
		check.failing_ms = 0;
	else
	{
		if (check.shell.pid == 0 && now - check.ended_ms >= RUN_EVERY_MS &&
			!pgr_shell_begin(&check.shell, pgr_health_check_command, true))
			check.ended_ms = now;
		if (is_time_for_failover(now))
			ask_for_failover(now);
	}
	pg_atomic_write_u32(&pgr_shared->assistant.health_passed, check.passed);
	pg_atomic_write_u64(&pgr_shared->assistant.health_failing_ms, check.failing_ms);
}

bool
pgr_assistant_health_is_well(char *value, size_t value_size, char *why, size_t why_size)
{
	int64		failing = pg_atomic_read_u64(&pgr_shared->assistant.health_failing_ms);
	int64		lasts = failing == 0 ? 0 : pgr_now_ms() - failing;
	bool		passed = pg_atomic_read_u32(&pgr_shared->assistant.health_passed) != 0;

	why[0] = '\0';
	strlcpy(value, passed ? "passes" : "is run on the primary", value_size);
	if (lasts <= pgr_health_check_grace)
		return true;
	strlcpy(value, "does not pass", value_size);
	snprintf(why, why_size, "pg_replica.health_check_command has not passed for %lld ms%s", (long long) lasts,
			 passed ? "" : ", and never on this primary: no failover is asked for");
	return false;
}
