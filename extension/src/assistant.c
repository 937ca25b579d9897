/*
 * assistant.c
 *		The worker for what may take long.
 */
#include "postgres.h"
#include "compat.h"

#include <sys/wait.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/bgwriter.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pg_shmem.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "assistant.h"
#include "child.h"
#include "config.h"
#include "files.h"
#include "guard.h"
#include "observe.h"
#include "restart.h"
#include "shared.h"
#include "unarchived.h"
#include "worker.h"

/* It is woken for its tasks; these are for what nobody tells it. */
#define TURN_MS 1000
#define TURN_UNTIL_READY_MS 200
#define REFORK_MS 1000
#define CHECKPOINT_AGAIN_MS 60000
#define CHECKPOINT_TURN_MS 20

typedef struct Chore
{
	void		(*loop) (void);
	pid_t		pid;
	int64		forked_ms;
} Chore;

static Chore chores[] = {
	{pgr_resolver_loop, 0, 0},
	{pgr_probe_loop, 0, 0}
};

void
pgr_assistant_init(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	SpinLockInit(&shared->mutex);
	pg_atomic_init_u32(&shared->resolve_asked, 0);
	pg_atomic_init_u32(&shared->flush_asked, 0);
	pg_atomic_init_u32(&shared->proc_index, 0);
	pg_atomic_init_u64(&shared->probe_begun_ms, 0);
	pg_atomic_init_u64(&shared->probe_done_ms, 0);
	pg_atomic_init_u32(&shared->probe_errno, 0);
	pg_atomic_init_u64(&shared->sessions_silent_ms, 0);
	pg_atomic_init_u32(&shared->health_passed, 0);
	pg_atomic_init_u64(&shared->health_failing_ms, 0);

	pgr_register_worker("pg_replica assistant", "pgr_assistant_main", 1);
}

void
pgr_assistant_wake(void)
{
	uint32		index = pg_atomic_read_u32(&pgr_shared->assistant.proc_index);

	if (index != 0 && ProcGlobal != NULL)
		SetLatch(&ProcGlobal->allProcs[index - 1].procLatch);
}

void
pgr_assistant_checkpoint(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	SpinLockAcquire(&shared->mutex);
	shared->checkpoint.asked++;
	SpinLockRelease(&shared->mutex);
	pgr_assistant_wake();
}

void
pgr_assistant_flush(void)
{
	pg_atomic_write_u32(&pgr_shared->assistant.flush_asked, 1);
	pgr_assistant_wake();
}

void
pgr_assistant_slots(const PgrSlotWish *wishes, int n)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	SpinLockAcquire(&shared->mutex);
	shared->n_wishes = Min(n, PGR_SLOT_WISHES);
	memcpy(shared->wishes, wishes, shared->n_wishes * sizeof(PgrSlotWish));
	shared->slots.asked++;
	SpinLockRelease(&shared->mutex);
	pgr_assistant_wake();
}

static bool
collect(PgrTaskCell *cell, PgrTask task, PgrTaskResult *out)
{
	if (cell->answered == cell->collected)
		return false;
	cell->collected = cell->answered;
	out->task = task;
	out->ok = cell->ok;
	memcpy(out->detail, cell->detail, sizeof(out->detail));
	return true;
}

bool
pgr_assistant_result(PgrTaskResult *out)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	bool		found;

	SpinLockAcquire(&shared->mutex);
	found = collect(&shared->checkpoint, PGR_TASK_CHECKPOINT, out) ||
		collect(&shared->slots, PGR_TASK_SLOTS, out) ||
		collect(&shared->sync, PGR_TASK_SYNC, out);
	SpinLockRelease(&shared->mutex);
	return found;
}

int
pgr_assistant_addresses(int node, PgrAddress *out, int max)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	int			n;

	if (node < 0 || node >= PGR_ASSISTANT_NODES)
		return 0;
	SpinLockAcquire(&shared->mutex);
	n = Min((int) shared->resolved[node].count, max);
	memcpy(out, shared->resolved[node].addresses, n * sizeof(PgrAddress));
	SpinLockRelease(&shared->mutex);
	return n;
}

int
pgr_assistant_lookup_error(int node)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	int			error;

	SpinLockAcquire(&shared->mutex);
	error = shared->resolved[node].error;
	SpinLockRelease(&shared->mutex);
	return error;
}

void
pgr_assistant_remember(int node, const PgrResolved *found)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	SpinLockAcquire(&shared->mutex);
	if (shared->resolved[node].count == 0)
	{
		shared->resolved[node].count = found->count;
		memcpy(shared->resolved[node].addresses, found->addresses, sizeof(found->addresses));
	}
	SpinLockRelease(&shared->mutex);
}

void
pgr_assistant_resolve_soon(void)
{
	pg_atomic_write_u32(&pgr_shared->assistant.resolve_asked, 1);
}

/* A child without anything of Postgres but our own mapping. */
static void
fork_chore(Chore *chore)
{
	pid_t		parent = MyProcPid;

	chore->forked_ms = pgr_now_ms();
	chore->pid = fork();
	if (chore->pid != 0)
		return;
	pgr_child_begins(parent, SIGKILL);
	dsm_detach_all();
	PGSharedMemoryDetach();
	/* Nobody waits for the end of this one, which on a slow disk comes after the postmaster's. */
	(void) close(pgr_data_lock_fd);
	chore->loop();
}

static void
tend_chores(void)
{
	for (size_t i = 0; i < lengthof(chores); i++)
	{
		Chore	   *chore = &chores[i];

		if (chore->pid > 0 && waitpid(chore->pid, NULL, WNOHANG) == chore->pid)
			chore->pid = 0;
		if (chore->pid <= 0 &&
			(chore->forked_ms == 0 || pgr_now_ms() - chore->forked_ms >= REFORK_MS))
			fork_chore(chore);
	}
}

/*
 * A checkpoint is not waited for here: it may take long, and the settings file
 * must not wait with it.  It is done when pg_control names one that began
 * after it was asked for.
 */
static struct
{
	bool		under_way;
	XLogRecPtr	begins_after;
	int64		asked_ms;
}			checkpoint;

static void
request_checkpoint(void *argument)
{
	RequestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
}

static bool
checkpoint_is_done(void)
{
	XLogRecPtr	redo;
	TimeLineID	timeline;

	GetOldestRestartPoint(&redo, &timeline);
	return redo >= checkpoint.begins_after;
}

static void
answer(PgrTaskCell *cell, uint64 request, bool ok, const char *detail)
{
	SpinLockAcquire(&pgr_shared->assistant.mutex);
	cell->answered = request;
	cell->ok = ok;
	strlcpy(cell->detail, detail, sizeof(cell->detail));
	SpinLockRelease(&pgr_shared->assistant.mutex);
	pgr_worker_wake();
}

void
pgr_assistant_sync_failed(const char *detail)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	SpinLockAcquire(&shared->mutex);
	shared->sync.asked++;
	SpinLockRelease(&shared->mutex);
	answer(&shared->sync, shared->sync.asked, false, detail);
}

/* A file of the state directory that nobody waits for; one too large is the core's mistake. */
void
pgr_assistant_store(const char *name, const void *content, uint32 length)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	Assert(length > 0 && length <= PGR_LATER_FILE_SIZE);
	SpinLockAcquire(&shared->mutex);
	strlcpy(shared->file_name, name, sizeof(shared->file_name));
	memcpy(shared->file_content, content, Min(length, PGR_LATER_FILE_SIZE));
	shared->file_length = Min(length, PGR_LATER_FILE_SIZE);
	SpinLockRelease(&shared->mutex);
	pgr_assistant_wake();
}

static void
store_file(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	char		name[PGR_NAME_SIZE];
	uint8		content[PGR_LATER_FILE_SIZE];
	char		path[MAXPGPATH];
	uint32		length;

	SpinLockAcquire(&shared->mutex);
	length = shared->file_length;
	strlcpy(name, shared->file_name, sizeof(name));
	memcpy(content, shared->file_content, sizeof(content));
	shared->file_length = 0;
	SpinLockRelease(&shared->mutex);
	if (length == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", pgr_state_dir, name);
	if (!pgr_file_write(path, content, length))
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("pg_replica could not write \"%s\": %m", path)));
}

static void
tend_slots(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	static PgrSlotWish wishes[PGR_SLOT_WISHES];
	char		detail[PGR_TASK_DETAIL_SIZE];
	uint64		slots;
	int			n;
	bool		ok;

	SpinLockAcquire(&shared->mutex);
	slots = shared->slots.asked != shared->slots.answered ? shared->slots.asked : 0;
	n = shared->n_wishes;
	memcpy(wishes, shared->wishes, sizeof(wishes));
	SpinLockRelease(&shared->mutex);
	if (slots != 0)
	{
		/* Before recovery begins, the slots on disk are not read yet. */
		ok = !RecoveryInProgress() || !XLogRecPtrIsInvalid(GetXLogReplayRecPtr(NULL));
		if (ok)
			ok = pgr_slots_arrange(wishes, n, detail, sizeof(detail));
		else
			strlcpy(detail, "the server is only starting", sizeof(detail));
		answer(&shared->slots, slots, ok, detail);
	}
}

static void
flush_wal(void *argument)
{
	if (!RecoveryInProgress())
		XLogFlush(pgr_wal_written());
}

/* The WAL writer would take up to twice its wal_writer_delay. */
static void
tend_flush(void)
{
	char		error[PGR_TASK_DETAIL_SIZE];

	if (pg_atomic_exchange_u32(&pgr_shared->assistant.flush_asked, 0) == 0)
		return;
	if (!pgr_guarded(flush_wal, NULL, error, sizeof(error)))
		ereport(LOG, (errmsg("pg_replica could not flush the WAL: %s", error)));
	pgr_worker_wake();
}

/* One that failed is asked for again; the next one that succeeds will do. */
static void
tend_checkpoint(void)
{
	PgrTaskCell *cell = &pgr_shared->assistant.checkpoint;
	char		detail[PGR_TASK_DETAIL_SIZE];
	uint64		asked;

	SpinLockAcquire(&pgr_shared->assistant.mutex);
	asked = cell->asked != cell->answered ? cell->asked : 0;
	SpinLockRelease(&pgr_shared->assistant.mutex);
	if (asked == 0)
		return;
	if (RecoveryInProgress())
	{
		answer(cell, asked, false, "the server is a standby");
		return;
	}
	if (!checkpoint.under_way)
		checkpoint.begins_after = GetFlushRecPtr(NULL);
	if (!checkpoint.under_way || pgr_now_ms() - checkpoint.asked_ms >= CHECKPOINT_AGAIN_MS)
	{
		checkpoint.asked_ms = pgr_now_ms();
		checkpoint.under_way = pgr_guarded(request_checkpoint, NULL, detail, sizeof(detail));
		if (!checkpoint.under_way)
		{
			answer(cell, asked, false, detail);
			return;
		}
	}
	if (!checkpoint_is_done())
		return;
	checkpoint.under_way = false;
	answer(cell, asked, true, "");
}

static void
forget_assistant(int code, Datum argument)
{
	pg_atomic_write_u32(&pgr_shared->assistant.proc_index, 0);
}

void
pgr_assistant_main(Datum argument)
{
	bool		ready = false;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	before_shmem_exit(forget_assistant, 0);
	pg_atomic_write_u32(&pgr_shared->assistant.proc_index,
						MyProc - ProcGlobal->allProcs + 1);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		/* Status 0 would mean: never again. */
		if (ShutdownRequestPending)
			proc_exit(1);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (!ready && (!RecoveryInProgress() || HotStandbyActive()))
		{
			ready = true;
			pgr_restart_note_ready();
		}
		/* what a failover waits for comes first */
		tend_flush();
		pgr_sync_write();
		tend_slots();
		tend_checkpoint();
		tend_chores();
		store_file();
		pgr_health_tend();
		pgr_unarchived_tend();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 checkpoint.under_way ? CHECKPOINT_TURN_MS : ready ? TURN_MS : TURN_UNTIL_READY_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
