/*
 * replay.c
 *		Replay that waits for queries, while the cluster waits for replay.
 *
 * Where a query on a standby conflicts with replay, the startup process waits
 * for it, for max_standby_streaming_delay or for ever, and is deaf to anything
 * else.  Until it has replayed what was received, this node's WAL has no proven
 * end, it is not promoted, and it does not follow a new primary.  So while
 * nothing is received no query is waited for, and Postgres cancels those that
 * conflict; as soon as it streams again, what the operator wants is in force.
 *
 * Nothing of ours runs in the startup process but the handler of a signal that
 * Postgres does not use; every child of the postmaster inherits it.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/standby.h"

#include "config.h"
#include "prestart.h"
#include "shared.h"

#define REPLAY_SIGNAL (SIGRTMIN + 7)
#define WAIT_CLASS(event) ((event) & 0xFF000000U)

/* In the startup process: a delay, and what it was before it was told to hurry. */
typedef struct Delay
{
	int		   *setting;
	int			before;
	bool		lowered;
} Delay;

static Delay delays[] = {{&max_standby_streaming_delay}, {&max_standby_archive_delay}};

/* When the configuration is read again meanwhile, that sets the delays, so they may be lowered more than once. */
static void
adjust(Delay *delay, bool hurries)
{
	if (hurries && *delay->setting != 0)
	{
		delay->before = *delay->setting;
		*delay->setting = 0;
		delay->lowered = true;
	}
	else if (!hurries && delay->lowered)
	{
		if (*delay->setting == 0)
			*delay->setting = delay->before;
		delay->lowered = false;
	}
}

static void
on_replay_signal(int signal_number)
{
	bool		hurries = pg_atomic_read_u32(&pgr_shared->replay.hurries) != 0;
	int			saved = errno;

	if (!PgrAmStartup())
		return;
	for (int i = 0; i < lengthof(delays); i++)
		adjust(&delays[i], hurries);
	/* It looks at them again when it wakes up. */
	SetLatch(MyLatch);
	errno = saved;
}

void
pgr_replay_init(void)
{
	struct sigaction action;

	pg_atomic_init_u32(&pgr_shared->replay.hurries, 0);
	pg_atomic_init_u32(&pgr_shared->replay.told_pid, 0);
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_replay_signal;
	action.sa_flags = SA_RESTART;
	sigemptyset(&action.sa_mask);
	if (sigaction(REPLAY_SIGNAL, &action, NULL) != 0)
		ereport(FATAL, (errmsg("pg_replica could not install a signal handler: %m")));
}

/* A gate that was closed says so at once; a connection may be lost for a moment. */
static bool
nothing_is_received(void)
{
	static int64 since_ms = 0;

	if (pgr_gate_is_streaming())
		since_ms = 0;
	else if (since_ms == 0)
		since_ms = pgr_now_ms();
	return !pgr_gate_is_open() ||
		(since_ms != 0 && pgr_now_ms() - since_ms > pgr_election_timeout);
}

/* Of the auxiliary processes only the startup process waits like this. */
static bool
waits_for_query(const PGPROC *proc)
{
	uint32		event = *(const volatile uint32 *) &proc->wait_event_info;

	return event == WAIT_EVENT_RECOVERY_CONFLICT_SNAPSHOT ||
		event == WAIT_EVENT_RECOVERY_CONFLICT_TABLESPACE ||
		WAIT_CLASS(event) == PG_WAIT_LOCK ||
		WAIT_CLASS(event) == PGR_WAIT_BUFFER_PIN;
}

void
pgr_replay_tend(void)
{
	PgrReplayShared *replay = &pgr_shared->replay;
	bool		hurries = nothing_is_received();
	uint32		told = pg_atomic_read_u32(&replay->told_pid);

	if (pgr_in_prestart || ProcGlobal == NULL || !RecoveryInProgress() || (!hurries && told == 0))
		return;
	pg_atomic_write_u32(&replay->hurries, hurries ? 1 : 0);
	pg_atomic_write_u32(&replay->told_pid, 0);
	for (int i = 0; i < NUM_AUXILIARY_PROCS; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[MaxBackends + i];
		uint32		pid = (uint32) *(volatile int *) &proc->pid;

		if (pid == 0 || !(pid == told || (hurries && waits_for_query(proc))))
			continue;
		if (pid != told)
			ereport(LOG, (errmsg("pg_replica lets replay cancel the queries that it conflicts with, until this node streams again")));
		if (hurries)
			pg_atomic_write_u32(&replay->told_pid, pid);
		if (!hurries || pid != told || waits_for_query(proc))
			(void) kill((pid_t) pid, REPLAY_SIGNAL);
	}
}
