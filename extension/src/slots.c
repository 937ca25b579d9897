/*
 * slots.c
 *		The physical replication slots of the nodes, for the assistant.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "replication/slot.h"
#include "storage/lwlock.h"

#include "assistant.h"
#include "guard.h"

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

bool
pgr_slot_is_ours(const ReplicationSlot *slot)
{
	return SlotIsPhysical(slot) && strncmp(NameStr(slot->data.name), PGR_SLOT_PREFIX, strlen(PGR_SLOT_PREFIX)) == 0;
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

		if (!slot->in_use || !pgr_slot_is_ours(slot))
			continue;
		for (int j = 0; j < n_wishes; j++)
			wanted = wanted || strcmp(wishes[j].name, name) == 0;
		if (!wanted)
			strlcpy(names[n++], name, PGR_NAME_SIZE);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return n;
}

/*
 * pgr_slots_arrange
 *		In the assistant: the wished ones exist and are where they should be,
 *		and others of ours do not.  False: "detail" says what went wrong last.
 */
bool
pgr_slots_arrange(const PgrSlotWish *wishes, int n, char *detail, size_t size)
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

int
pgr_slots_of_others(char *names, size_t size)
{
	int			n = 0;

	names[0] = '\0';
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		bool		idle;

		if (!slot->in_use || pgr_slot_is_ours(slot) || slot->data.persistency != RS_PERSISTENT || PgrSlotIsSynced(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		idle = slot->active_pid == 0;
		SpinLockRelease(&slot->mutex);
		if (!idle)
			continue;
		if (n++ > 0)
			strlcat(names, ", ", size);
		strlcat(names, NameStr(slot->data.name), size);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return n;
}
