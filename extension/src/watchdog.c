/*
 * watchdog.c
 *		Looks whether the node worker still turns its loop.
 *
 * A worker that is alive but stuck cannot renew a lease, so nothing unsafe
 * happens; but it does not come back by itself either.  It is never killed:
 * Postgres would answer that by ending every session.
 */
#include "postgres.h"

#include <signal.h>

#include "compat.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#include "config.h"
#include "shared.h"

/* A disk may take its time; a loop may not. */
#define PATIENCE_WITH_DISK_MS 10000
#define REPEAT_MS 5000
#define CONFIRM_MS 50
#define IDLE_MS 60000

typedef struct Watch
{
	uint32		pid;			/* a worker that was seen turning; 0: none yet */
	int64		heartbeat_ms;	/* at which it seems to be stuck */
	int64		suspected_ms;	/* 0: not suspected */
	int64		thawed_ms;		/* 0: SIGCONT was not sent */
	int64		told_ms;		/* 0: SIGTERM was not sent */
	bool		logged;
} Watch;

static void
send_signal(uint32 pid, int signal_number)
{
	/* It may have left just now: then there is nothing to do. */
	(void) kill((pid_t) pid, signal_number);
}

static void
tell_to_leave(Watch *watch, int64 now)
{
	if (!watch->logged)
		ereport(LOG,
				(errmsg("pg_replica node worker (PID %u) has been stuck for %lld ms and is told to leave",
						watch->pid, (long long) (now - watch->heartbeat_ms))));
	watch->logged = true;
	watch->told_ms = now;
	pg_atomic_write_u32(&pgr_shared->worker.leave_now, 1);
	send_signal(watch->pid, SIGTERM);
	send_signal(watch->pid, SIGCONT);
}

/* What to do about a worker that does not turn, one step per call. */
static void
escalate(Watch *watch, int64 now, int64 period)
{
	if (watch->suspected_ms == 0)
		watch->suspected_ms = now;
	else if (watch->thawed_ms == 0 && now - watch->suspected_ms >= CONFIRM_MS)
	{
		watch->thawed_ms = now;
		ereport(LOG,
				(errmsg("pg_replica node worker (PID %u) has not turned its loop for %lld ms and is told to continue",
						watch->pid, (long long) (now - watch->heartbeat_ms))));
		send_signal(watch->pid, SIGCONT);
	}
	else if (watch->thawed_ms != 0 && watch->told_ms == 0 && now - watch->thawed_ms >= period)
		tell_to_leave(watch, now);
	else if (watch->told_ms != 0 && now - watch->told_ms >= REPEAT_MS)
		tell_to_leave(watch, now);
}

/* When to look again, in milliseconds. */
static int64
look(Watch *watch)
{
	PgrWorkerShared *worker = &pgr_shared->worker;
	uint32		pid = pg_atomic_read_u32(&worker->pid);
	int64		heartbeat = (int64) pg_atomic_read_u64(&worker->heartbeat_ms);
	int64		now = pgr_now_ms();
	int64		period = Max(pgr_election_timeout / 2, 100);
	int64		limit = period;

	if (pg_atomic_read_u32(&worker->storing) != 0)
		limit = Max(PATIENCE_WITH_DISK_MS, period);
	if (now - heartbeat < limit || pid == 0)
	{
		/* Only one that was seen turning is judged: a number may be left over. */
		memset(watch, 0, sizeof(*watch));
		if (pid != 0)
			watch->pid = pid;
		return pid == 0 ? period / 2 : Max(Min(heartbeat + limit - now, period), 1);
	}
	if (watch->pid != pid || (watch->suspected_ms != 0 && watch->heartbeat_ms != heartbeat))
	{
		uint32		known = watch->pid == pid ? pid : 0;

		memset(watch, 0, sizeof(*watch));
		watch->pid = known;
	}
	if (watch->pid == 0)
		return period / 2;
	watch->heartbeat_ms = heartbeat;
	escalate(watch, now, period);
	return watch->thawed_ms == 0 ? CONFIRM_MS : period / 2;
}

void
pgr_watchdog_main(Datum argument)
{
	Watch		watch;

	memset(&watch, 0, sizeof(watch));
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	while (!ShutdownRequestPending)
	{
		int64		pause = pgr_config.valid ? look(&watch) : IDLE_MS;

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) pause, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}

	/* 0 would mean: never start it again. */
	proc_exit(1);
}
