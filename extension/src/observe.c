/*
 * observe.c
 *		What this node's Postgres is and has.
 *
 * Everything that changes with each record comes from shared memory under
 * spinlocks.  Locks that somebody may hold while writing to disk are only
 * tried; if they are taken, the former answer stays for another round.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/slot.h"
#include "replication/walreceiver.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"

#include "assistant.h"
#include "config.h"
#include "files.h"
#include "guard.h"
#include "observe.h"
#include "prestart.h"
#include "promote.h"
#include "restart.h"
#include "shared.h"

#define PROBE_LIMIT_MS 5000
#define SESSIONS_LIMIT_MS 3000
#define FILE_INTERVAL_MS 1000

/* What is slow to find out, and for what it was found out. */
static struct
{
	TimeLineID	timeline;		/* parent and fork are of this one */
	TimeLineID	parent;
	XLogRecPtr	fork;
	TimeLineID	checkpoint_on;	/* a checkpoint was seen on this one */
	bool		consistent;
	XLogRecPtr	minimum;		/* recovery point, 0: not read yet */
	int64		control_read_ms;
	XLogRecPtr	oldest;
	int64		identity_read_ms;
	uint32		identity_length;
	uint8		identity[PGR_IDENTITY_MAX];
	uint32		n_slots;
	char		slots[PGR_OBSERVED_SLOTS][PGR_NAME_SIZE];
} known;

static void
look_at_identity(PgrObservation *out)
{
	int64		now = pgr_now_ms();

	if (known.identity_read_ms == 0 || now - known.identity_read_ms >= FILE_INTERVAL_MS)
	{
		known.identity_read_ms = now;
		known.identity_length = pgr_identity_read(known.identity, sizeof(known.identity));
	}
	out->identity_length = known.identity_length;
	memcpy(out->identity, known.identity, known.identity_length);
}

void
pgr_observe_forget_identity(void)
{
	known.identity_read_ms = 0;
}

/*
 * The minimum recovery point can move on while a standby replays, but never
 * beyond what is replayed, so the one found at the start decides.
 */
static bool
is_consistent(XLogRecPtr replayed)
{
	ControlFileData *control;
	bool		crc_ok = false;

	if (known.consistent || HotStandbyActive())
		return known.consistent = true;
	if (GetRecoveryState() != RECOVERY_STATE_ARCHIVE || XLogRecPtrIsInvalid(replayed))
		return false;
	if (pgr_now_ms() - known.control_read_ms < 100)
		return false;
	known.control_read_ms = pgr_now_ms();
	control = get_controlfile(".", &crc_ok);
	if (crc_ok && !control->backupEndRequired &&
		XLogRecPtrIsInvalid(control->backupStartPoint) &&
		control->minRecoveryPoint <= replayed)
		known.consistent = true;
	pfree(control);
	return known.consistent;
}

static PgrPhase
phase_now(XLogRecPtr replayed)
{
	if (pgr_server_is_stopping())
		return PGR_POSTGRES_STOPPING;
	if (!RecoveryInProgress())
		return PGR_POSTGRES_PRIMARY;
	if (is_consistent(replayed))
		return PGR_POSTGRES_STANDBY;
	/* Only promotion removes the file, and every start puts it in place. */
	return pgr_file_exists(STANDBY_SIGNAL_FILE) ? PGR_POSTGRES_STARTING :
		PGR_POSTGRES_CRASH_RECOVERY;
}

/* These two events are the startup process's alone. */
static bool
startup_waits_for_wal(void)
{
	for (int i = 0; i < NUM_AUXILIARY_PROCS; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[MaxBackends + i];
		uint32		event = *(volatile uint32 *) &proc->wait_event_info;

		if (proc->pid != 0 &&
			(event == WAIT_EVENT_RECOVERY_WAL_STREAM ||
			 event == WAIT_EVENT_RECOVERY_RETRIEVE_RETRY_INTERVAL))
			return true;
	}
	return false;
}

static void
look_at_standby(PgrObservation *out)
{
	TimeLineID	replayed_on = 0,
				received_on = 0;
	XLogRecPtr	received;
	bool		waits;

	/*
	 * In this order: what is received after the look at the startup process
	 * is only compared with what was replayed before it.
	 */
	waits = startup_waits_for_wal();
	pg_memory_barrier();
	out->replayed_lsn = GetXLogReplayRecPtr(&replayed_on);
	received = GetWalRcvFlushRecPtr(NULL, &received_on);
	out->flushed_lsn = Max(out->replayed_lsn, received);
	out->timeline = replayed_on;
	out->end_of_wal_proven = waits && !XLogRecPtrIsInvalid(out->replayed_lsn) &&
		(received <= out->replayed_lsn ||
		 !pgr_wal_record_follows(out->replayed_lsn, received, received_on));
	if (out->phase == PGR_POSTGRES_STANDBY)
		out->streaming = pgr_gate_is_streaming();
}

static void
look_at_primary(PgrObservation *out)
{
	out->flushed_lsn = GetFlushRecPtr(&out->timeline);
	out->replayed_lsn = Max(out->flushed_lsn, pgr_wal_written());
	out->end_of_wal_proven = true;
}

static void
look_at_history(PgrObservation *out)
{
	if (known.timeline != out->timeline)
	{
		if (out->timeline > 1 &&
			pgr_history_read(out->timeline, &known.parent, &known.fork) != PGR_HISTORY_REAL)
		{
			/* Not written yet: look again the next time. */
			known.timeline = 0;
			return;
		}
		if (out->timeline <= 1)
		{
			known.parent = 0;
			known.fork = InvalidXLogRecPtr;
		}
		known.timeline = out->timeline;
	}
	out->parent_timeline = known.parent;
	out->fork_lsn = known.fork;
}

/* The checkpointer holds this lock while it writes pg_control. */
static void
look_at_checkpoint(PgrObservation *out)
{
	if (known.checkpoint_on != out->timeline &&
		LWLockConditionalAcquire(ControlFileLock, LW_SHARED))
	{
		XLogRecPtr	redo;
		TimeLineID	timeline;

		GetOldestRestartPoint(&redo, &timeline);
		LWLockRelease(ControlFileLock);
		known.checkpoint_on = timeline;
	}
	out->checkpoint_on_timeline = known.checkpoint_on == out->timeline && out->timeline != 0;
}

static bool
oldest_segment(const char *directory, const char *name, void *argument)
{
	TimeLineID	timeline;
	XLogSegNo	segment;
	XLogSegNo  *oldest = argument;

	if (!IsXLogFileName(name))
		return true;
	XLogFromFileName(name, &timeline, &segment, wal_segment_size);
	if (*oldest == 0 || segment < *oldest)
		*oldest = segment;
	return true;
}

static void
look_at_oldest_wal(PgrObservation *out)
{
	XLogSegNo	removed = XLogGetLastRemovedSegno();

	if (removed != 0)
		XLogSegNoOffsetToRecPtr(removed + 1, 0, wal_segment_size, known.oldest);
	else if (XLogRecPtrIsInvalid(known.oldest))
	{
		XLogSegNo	segment = 0;

		if (pgr_directory_each(XLOGDIR, oldest_segment, &segment) && segment != 0)
			XLogSegNoOffsetToRecPtr(segment, 0, wal_segment_size, known.oldest);
	}
	out->oldest_lsn = known.oldest;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
look_at_slots(PgrObservation *out)
{
	StaticAssertStmt(sizeof(NameData) == PGR_NAME_SIZE, "a slot's name, padded with zeros, is copied as it is");
	if (ReplicationSlotCtl != NULL &&
		LWLockConditionalAcquire(ReplicationSlotControlLock, LW_SHARED))
	{
		known.n_slots = 0;
		for (int i = 0; i < max_replication_slots && known.n_slots < PGR_OBSERVED_SLOTS; i++)
		{
			ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

			/* A lost slot keeps no WAL: it is as good as absent. */
			if (slot->in_use && SlotIsPhysical(slot) &&
				slot->data.persistency == RS_PERSISTENT && !PgrSlotIsLost(slot))
				memcpy(known.slots[known.n_slots++], &slot->data.name, sizeof(NameData));
		}
		LWLockRelease(ReplicationSlotControlLock);
		qsort(known.slots, known.n_slots, PGR_NAME_SIZE, compare_names);
	}
	out->n_slots = known.n_slots;
	memcpy(out->slots, known.slots, known.n_slots * sizeof(known.slots[0]));
}

/* Application names by the pid of their walsender; they never change. */
static struct
{
	pid_t		pid;
	char		name[PGR_NAME_SIZE];
}			sender_names[PGR_OBSERVED_RECEIVERS];

static void
read_sender_names(void *argument)
{
	const pid_t *pids = argument;
	int			n = pgstat_fetch_stat_numbackends();

	for (int i = 0; i < PGR_OBSERVED_RECEIVERS; i++)
	{
		sender_names[i].pid = 0;
		for (int j = 1; j <= n && pids[i] != 0; j++)
		{
			LocalPgBackendStatus *local = PgrLocalBackendStatus(j);

			if (local == NULL || local->backendStatus.st_procpid != pids[i] ||
				local->backendStatus.st_appname == NULL)
				continue;
			sender_names[i].pid = pids[i];
			memset(sender_names[i].name, 0, PGR_NAME_SIZE);
			strlcpy(sender_names[i].name, local->backendStatus.st_appname, PGR_NAME_SIZE);
			break;
		}
	}
	pgstat_clear_backend_activity_snapshot();
}

static int
compare_receivers(const void *a, const void *b)
{
	const PgrObservedReceiver *left = a,
			   *right = b;
	int			order = strcmp(left->application_name, right->application_name);

	if (order != 0)
		return order;
	return left->flushed_lsn < right->flushed_lsn ? -1 : left->flushed_lsn > right->flushed_lsn;
}

static void
look_at_receivers(PgrObservation *out)
{
	pid_t		pids[PGR_OBSERVED_RECEIVERS] = {0};
	XLogRecPtr	flushed[PGR_OBSERVED_RECEIVERS];
	int			n = 0;
	bool		unknown = false;
	char		error[64];

	if (WalSndCtl == NULL)
		return;
	for (int i = 0; i < max_wal_senders && n < PGR_OBSERVED_RECEIVERS; i++)
	{
		WalSnd	   *sender = &WalSndCtl->walsnds[i];
		WalSndState state;

		SpinLockAcquire(&sender->mutex);
		pids[n] = sender->pid;
		state = sender->state;
		flushed[n] = sender->flush;
		SpinLockRelease(&sender->mutex);
		/* Before that, it may not have told its name. */
		if (pids[n] != 0 && (state == WALSNDSTATE_CATCHUP || state == WALSNDSTATE_STREAMING))
			n++;
		else
			pids[n] = 0;
	}
	for (int i = 0; i < n; i++)
		unknown = unknown || sender_names[i].pid != pids[i];
	if (unknown)
		(void) pgr_guarded(read_sender_names, pids, error, sizeof(error));
	for (int i = 0; i < n; i++)
	{
		PgrObservedReceiver *receiver = &out->receivers[out->n_receivers];

		if (sender_names[i].pid != pids[i])
			continue;
		memcpy(receiver->application_name, sender_names[i].name, PGR_NAME_SIZE);
		receiver->flushed_lsn = flushed[i];
		out->n_receivers++;
	}
	qsort(out->receivers, out->n_receivers, sizeof(PgrObservedReceiver), compare_receivers);
}

/* No user object was ever made, and no timeline was ever left. */
static bool
is_pristine(const PgrObservation *out)
{
	return out->timeline == 1 && PgrNextOid() <= FirstNormalObjectId;
}

static uint32
flags_now(const PgrObservation *out)
{
	char		why[PGR_TASK_DETAIL_SIZE];
	uint32		flags = 0;

	if (pg_atomic_read_u32(&pgr_shared->restart.work.foreign_label) != 0)
		flags |= PGR_FLAG_BACKUP_LABEL;
	if (out->phase == PGR_POSTGRES_STARTING)
		flags |= PGR_FLAG_NOT_CONSISTENT;
	if (!enableFsync)
		flags |= PGR_FLAG_FSYNC_OFF;
	if (pgr_prestart_pending() != PGR_WORK_NONE)
		flags |= PGR_FLAG_WORK_PENDING;
	if (!pgr_assistant_disks_are_well(PROBE_LIMIT_MS, why, sizeof(why)))
		flags |= PGR_FLAG_PROBE_FAILED;
	if (!pgr_assistant_sessions_are_well(SESSIONS_LIMIT_MS, why, sizeof(why)))
		flags |= PGR_FLAG_NO_SESSIONS;
	return flags;
}

static void
observe_server(void *argument)
{
	PgrObservation *out = argument;
	TimeLineID	timeline;

	out->system_identifier = GetSystemIdentifier();
	out->phase = phase_now(GetXLogReplayRecPtr(&timeline));
	if (!RecoveryInProgress())
		look_at_primary(out);
	else
		look_at_standby(out);
	look_at_history(out);
	look_at_checkpoint(out);
	look_at_oldest_wal(out);
	look_at_slots(out);
	look_at_receivers(out);
	pgr_sync_observe(out->sync_setting, sizeof(out->sync_setting));
	out->pristine = is_pristine(out);
}

void
pgr_observe(PgrObservation *out)
{
	PgrUpstream upstream;
	char		error[256];

	memset(out, 0, offsetof(PgrObservation, slots));
	out->sync_setting[0] = PGR_SYNC_UNKNOWN[0];
	look_at_identity(out);
	if (!pgr_in_prestart)
	{
		pgr_gate_tend();
		pgr_replay_tend();
		if (!pgr_guarded(observe_server, out, error, sizeof(error)))
			ereport(LOG, (errmsg("pg_replica could not observe its server: %s", error)));
		if (pgr_gate_upstream(&upstream))
			strlcpy(out->upstream, upstream.node, PGR_NAME_SIZE);
	}
	out->flags = flags_now(out);
}

bool
pgr_observed_all_confirmed(const PgrObservation *seen)
{
	if (seen->phase != PGR_POSTGRES_PRIMARY)
		return true;
	for (uint32 i = 0; i < seen->n_receivers; i++)
		if (seen->receivers[i].flushed_lsn < seen->replayed_lsn)
			return false;
	return seen->n_receivers > 0 && seen->flushed_lsn >= seen->replayed_lsn;
}

/* What is unused is zero, except behind the counted ones. */
bool
pgr_observed_the_same(const PgrObservation *a, const PgrObservation *b)
{
	return memcmp(a, b, offsetof(PgrObservation, slots)) == 0 &&
		memcmp(a->slots, b->slots, a->n_slots * sizeof(a->slots[0])) == 0 &&
		memcmp(a->receivers, b->receivers, a->n_receivers * sizeof(a->receivers[0])) == 0;
}
