/*
 * assistant.c
 *		The worker for what may take long.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/bgwriter.h"
#include "postmaster/interrupt.h"
#include "replication/slot.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pg_shmem.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "assistant.h"
#include "config.h"
#include "files.h"
#include "guard.h"
#include "shared.h"
#include "worker.h"

#define SLOT_PREFIX "pg_replica_"
/* It is woken for its tasks; these are for what nobody tells it. */
#define TURN_MS 1000
#define TURN_UNTIL_READY_MS 200
#define REFORK_MS 1000

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
	pg_atomic_init_u32(&shared->proc_index, 0);
	pg_atomic_init_u64(&shared->probe_begun_ms, 0);
	pg_atomic_init_u64(&shared->probe_done_ms, 0);
	pg_atomic_init_u32(&shared->probe_errno, 0);

	pgr_register_worker("pg_replica assistant", "pgr_assistant_main", 1);
}

static void
wake_assistant(void)
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
	wake_assistant();
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
	wake_assistant();
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
		collect(&shared->slots, PGR_TASK_SLOTS, out);
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

void
pgr_assistant_resolve_soon(void)
{
	pg_atomic_write_u32(&pgr_shared->assistant.resolve_asked, 1);
}

/* A child without anything of Postgres but our own mapping. */
static void
fork_chore(Chore *chore)
{
	sigset_t	none;
	pid_t		parent = MyProcPid;

	chore->forked_ms = pgr_now_ms();
	chore->pid = fork();
	if (chore->pid != 0)
		return;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < 32; i++)
		(void) signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dsm_detach_all();
	PGSharedMemoryDetach();
	if (getppid() != parent)
		_exit(0);
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

static volatile sig_atomic_t waits_for_checkpoint = false;

static void
checkpoint_now(void *argument)
{
	RequestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE | CHECKPOINT_WAIT);
}

/* Leaves without a word, unless it is in the middle of waiting. */
static void
on_terminate(SIGNAL_ARGS)
{
	if (waits_for_checkpoint)
		die(postgres_signal_arg);
	else
		SignalHandlerForShutdownRequest(postgres_signal_arg);
}

static void
release_slot(void *argument)
{
	if (MyReplicationSlot != NULL)
		ReplicationSlotRelease();
}

static void
drop_slot(void *argument)
{
	ReplicationSlotDrop(argument, true);
}

static void
create_slot(void *argument)
{
	PgrCreatePhysicalSlot(argument);
	ReplicationSlotReserveWal();
	ReplicationSlotMarkDirty();
	ReplicationSlotSave();
	ReplicationSlotRelease();
}

static void
advance_slot(void *argument)
{
	const PgrSlotWish *wish = argument;
	XLogRecPtr	end = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetFlushRecPtr(NULL);
	XLogRecPtr	target = Min(wish->restart_lsn, end);

	PgrAcquireSlot(wish->name);
	if (MyReplicationSlot->data.restart_lsn < target)
	{
		SpinLockAcquire(&MyReplicationSlot->mutex);
		MyReplicationSlot->data.restart_lsn = target;
		SpinLockRelease(&MyReplicationSlot->mutex);
		ReplicationSlotMarkDirty();
		ReplicationSlotsComputeRequiredLSN();
	}
	ReplicationSlotRelease();
}

/* Slot functions raise errors in the middle; none may stay acquired. */
static bool
slot_step(PgrGuardedFunction function, const char *name, const void *argument,
		  char *detail, size_t size)
{
	char		error[PGR_TASK_DETAIL_SIZE];
	char		ignored[64];

	if (pgr_guarded(function, unconstify(void *, argument), error, sizeof(error)))
		return true;
	(void) pgr_guarded(release_slot, NULL, ignored, sizeof(ignored));
	snprintf(detail, size, "slot \"%s\": %s", name, error);
	return false;
}

typedef struct SlotFound
{
	bool		exists;
	bool		lost;
	bool		active;
	XLogRecPtr	restart_lsn;
} SlotFound;

static SlotFound
look_at_slot(const char *name)
{
	SlotFound	found = {0};

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		if (!slot->in_use || strcmp(NameStr(slot->data.name), name) != 0)
			continue;
		found.exists = true;
		SpinLockAcquire(&slot->mutex);
		found.lost = PgrSlotIsLost(slot);
		found.active = slot->active_pid != 0;
		found.restart_lsn = slot->data.restart_lsn;
		SpinLockRelease(&slot->mutex);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return found;
}

static bool
ensure_slot(const PgrSlotWish *wish, char *detail, size_t size)
{
	SlotFound	found = look_at_slot(wish->name);
	/* Without WAL reserved it was created half, or lost its WAL. */
	bool		useless = found.exists && !found.active &&
		(found.lost || XLogRecPtrIsInvalid(found.restart_lsn));

	if (useless)
	{
		ereport(LOG, (errmsg("pg_replica makes slot \"%s\" anew: it keeps no WAL", wish->name)));
		if (!slot_step(drop_slot, wish->name, wish->name, detail, size))
			return false;
		found.exists = false;
	}
	if (!found.exists && !slot_step(create_slot, wish->name, wish->name, detail, size))
		return false;
	if (XLogRecPtrIsInvalid(wish->restart_lsn) || found.active ||
		(found.exists && found.restart_lsn >= wish->restart_lsn))
		return true;
	return slot_step(advance_slot, wish->name, wish, detail, size);
}

/* Names of our slots that nobody wants any more. */
static int
unwanted_slots(const PgrSlotWish *wishes, int n_wishes, char names[][PGR_NAME_SIZE], int max)
{
	int			n = 0;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && n < max; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		const char *name = NameStr(slot->data.name);
		bool		wanted = false;

		if (!slot->in_use || !SlotIsPhysical(slot) ||
			strncmp(name, SLOT_PREFIX, strlen(SLOT_PREFIX)) != 0)
			continue;
		for (int j = 0; j < n_wishes; j++)
			wanted = wanted || strcmp(wishes[j].name, name) == 0;
		if (!wanted)
			strlcpy(names[n++], name, PGR_NAME_SIZE);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return n;
}

static bool
arrange_slots(const PgrSlotWish *wishes, int n, char *detail, size_t size)
{
	char		names[PGR_SLOT_WISHES][PGR_NAME_SIZE];
	int			n_unwanted = unwanted_slots(wishes, n, names, PGR_SLOT_WISHES);
	bool		good = true;

	detail[0] = '\0';
	for (int i = 0; i < n_unwanted; i++)
		good = slot_step(drop_slot, names[i], names[i], detail, size) && good;
	for (int i = 0; i < n; i++)
		good = ensure_slot(&wishes[i], detail, size) && good;
	return good;
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
	wake_assistant();
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
do_tasks(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	static PgrSlotWish wishes[PGR_SLOT_WISHES];
	char		detail[PGR_TASK_DETAIL_SIZE];
	uint64		checkpoint,
				slots;
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
			ok = arrange_slots(wishes, n, detail, sizeof(detail));
		else
			strlcpy(detail, "the server is only starting", sizeof(detail));
		answer(&shared->slots, slots, ok, detail);
	}

	SpinLockAcquire(&shared->mutex);
	checkpoint = shared->checkpoint.asked != shared->checkpoint.answered ?
		shared->checkpoint.asked : 0;
	SpinLockRelease(&shared->mutex);
	if (checkpoint != 0)
	{
		waits_for_checkpoint = true;
		ok = pgr_guarded(checkpoint_now, NULL, detail, sizeof(detail));
		waits_for_checkpoint = false;
		answer(&shared->checkpoint, checkpoint, ok, ok ? "" : detail);
	}
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

	pqsignal(SIGTERM, on_terminate);
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
		tend_chores();
		do_tasks();
		store_file();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 ready ? TURN_MS : TURN_UNTIL_READY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
