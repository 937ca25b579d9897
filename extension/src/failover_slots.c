/*
 * failover_slots.c
 *		Logical slots that survive a failover, as PostgreSQL has them since 17.
 *
 * On a standby, Postgres's slot sync worker copies those of the primary; here
 * it is told which node that is.  On the primary, decoding waits until no
 * failover can lose what it hands out: a subscriber that got a change which
 * the next primary lacks skips, without a word, what that one writes in its
 * place.  Postgres waits for all slots in synchronized_standby_slots, and a
 * standby that is down would stop it.  So there is one slot, which stands for
 * any majority of the nodes (decision 0023).
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/slot.h"
#include "replication/walsender_private.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"

#include "assistant.h"
#include "config.h"
#include "failover_slots.h"
#include "gate.h"
#include "shared.h"
#include "work.h"
#include "worker.h"

#if PG_VERSION_NUM >= 170000

/* Between two looks: while decoding waits for standbys, for WAL, and when nobody decodes. */
#define TURN_BEHIND_MS 10
#define TURN_MS 50
#define TURN_UNUSED_MS 250

bool
pgr_failover_slots_possible(void)
{
	return strcmp(GetConfigOption("wal_level", false, false), "logical") == 0;
}

void
pgr_failover_slots_init(void)
{
	if (pgr_failover_slots_possible())
		pgr_register_worker("pg_replica failover slots", "pgr_failover_slots_main", 1);
}

/* ---- the primary ---------------------------------------------------- */

static XLogRecPtr
flushed_by(pid_t walsender)
{
	XLogRecPtr	flushed = InvalidXLogRecPtr;

	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *sender = &WalSndCtl->walsnds[i];

		SpinLockAcquire(&sender->mutex);
		if (sender->pid == walsender && sender->state == WALSNDSTATE_STREAMING)
			flushed = sender->flush;
		SpinLockRelease(&sender->mutex);
	}
	return flushed;
}

static int
newest_first(const void *a, const void *b)
{
	XLogRecPtr	x = *(const XLogRecPtr *) a;
	XLogRecPtr	y = *(const XLogRecPtr *) b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * What this primary and so many others have that they are a majority: each
 * majority that elects has a member with it, and whoever has most takes over.
 */
static XLogRecPtr
confirmed_by_majority(void)
{
	XLogRecPtr	own = GetFlushRecPtr(NULL);
	XLogRecPtr	others[PGR_MAX_NODES];
	int			needed = pgr_config.n_nodes / 2;
	int			n = 0;

	if (needed == 0)
		return own;
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && n < PGR_MAX_NODES; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		pid_t		walsender;

		if (!slot->in_use || !pgr_slot_is_ours(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		walsender = slot->active_pid;
		SpinLockRelease(&slot->mutex);
		if (walsender != 0)
			others[n++] = flushed_by(walsender);
	}
	LWLockRelease(ReplicationSlotControlLock);
	if (n < needed)
		return InvalidXLogRecPtr;
	qsort(others, n, sizeof(XLogRecPtr), newest_first);
	return Min(own, others[needed - 1]);
}

static bool
is_waited_for(void)
{
	bool		found = false;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && !found; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		found = slot->in_use && slot->data.failover;
	}
	LWLockRelease(ReplicationSlotControlLock);
	return found;
}

/* Returns when to look again, in milliseconds. */
static long
advance(void)
{
	XLogRecPtr	confirmed = confirmed_by_majority();

	/* Temporary: it is of no use to another start, and held, or Postgres complains that nobody serves it. */
	if (MyReplicationSlot == NULL)
		ReplicationSlotCreate(PGR_CONFIRMED_SLOT, false, RS_TEMPORARY, false, false, false);
	if (confirmed > MyReplicationSlot->data.restart_lsn)
	{
		SpinLockAcquire(&MyReplicationSlot->mutex);
		MyReplicationSlot->data.restart_lsn = confirmed;
		SpinLockRelease(&MyReplicationSlot->mutex);
		ReplicationSlotsComputeRequiredLSN();
		ConditionVariableBroadcast(&WalSndCtl->wal_confirm_rcv_cv);
	}
	if (!is_waited_for())
		return TURN_UNUSED_MS;
	return confirmed < GetFlushRecPtr(NULL) ? TURN_BEHIND_MS : TURN_MS;
}

void
pgr_failover_slots_main(Datum argument)
{
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	while (!ShutdownRequestPending)
	{
		long		pause = RecoveryInProgress() ? TURN_UNUSED_MS : advance();

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 pause, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}

	/* 0 would mean: never start it again. */
	proc_exit(1);
}

/* ---- a standby's slot sync worker ----------------------------------- */

static void
forget_me(int code, Datum argument)
{
	pg_atomic_write_u32(&pgr_shared->gate.slotsync_pid, 0);
}

/*
 * Whoever closes the gate raises the epoch and then looks at slotsync_pid;
 * here it is set first.  With a full barrier in both, one sees the other.
 */
bool
pgr_slotsync_conninfo(char *conninfo, size_t size, char **why)
{
	PgrUpstream upstream;

	before_shmem_exit(forget_me, (Datum) 0);
	pg_atomic_exchange_u32(&pgr_shared->gate.slotsync_pid, MyProcPid);
	if (pgr_gate_upstream(&upstream) &&
		pgr_conninfo(conninfo, size, pgr_node_number(upstream.node), PGR_DATABASE, NULL))
		return true;
	*why = pstrdup("this node follows no primary now");
	return false;
}

/*
 * pgr_slotsync_connected
 *		A former primary has slots of its own under the names of those that are
 *		copied, and Postgres refuses to copy over them.  What they need is
 *		kept no longer than the new primary wants it, so they go.
 */
void
pgr_slotsync_connected(void)
{
	char		names[PGR_SLOT_WISHES][NAMEDATALEN];
	int			n = 0;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && n < PGR_SLOT_WISHES; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		if (slot->in_use && slot->data.failover && !slot->data.synced)
			strlcpy(names[n++], NameStr(slot->data.name), NAMEDATALEN);
	}
	LWLockRelease(ReplicationSlotControlLock);
	for (int i = 0; i < n; i++)
	{
		ReplicationSlotDrop(names[i], true);
		ereport(LOG,
				(errmsg("pg_replica dropped slot \"%s\", which this node had as primary: it is copied from the primary now",
						names[i])));
	}
}

void
pgr_slotsync_end(void)
{
	pid_t		pid = pg_atomic_read_u32(&pgr_shared->gate.slotsync_pid);

	/* It may be waiting for a host that never answers, and would not ask the new primary. */
	if (pid != 0)
		(void) kill(pid, SIGTERM);
}

#else

bool
pgr_failover_slots_possible(void)
{
	return false;
}

void
pgr_failover_slots_init(void)
{
}

void
pgr_failover_slots_main(Datum argument)
{
}

bool
pgr_slotsync_conninfo(char *conninfo, size_t size, char **why)
{
	return false;
}

void
pgr_slotsync_connected(void)
{
}

void
pgr_slotsync_end(void)
{
}

#endif
