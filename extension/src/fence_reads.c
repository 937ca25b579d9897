/*
 * fence_reads.c
 *		Who may read before the cluster has confirmed what is here (rule B19).
 *
 * After a crash, or at a promotion, a server shows commits that no client was
 * told about and no quorum has: a reader could act on what is lost a moment
 * later.  So ordinary users wait a moment, and are then refused.  Catalogs and
 * our own functions stay usable, and a superuser may look at everything.
 *
 * What a relation's data can be had by without the executor (large objects,
 * statistics, an open cursor's snapshot) is not covered.
 */
#include "postgres.h"

#include "compat.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"

#include "shared.h"

#define POLL_MS 5

void
pgr_reads_allow(bool allowed)
{
	pg_atomic_write_u32(&pgr_shared->fence.reads, allowed ? 1 : 0);
	pg_memory_barrier();
}

bool
pgr_reads_are_allowed(void)
{
	return pgr_sync_mode == PGR_SYNC_OFF ||
		pg_atomic_read_u32(&pgr_shared->fence.reads) != 0;
}

/* As long as an ordinary election takes, and a little more. */
static bool
wait_for_permission(void)
{
	static uint32 wait_event = 0;
	int64		until = pgr_now_ms() + (int64) pgr_election_timeout * 3 / 2;

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("PgReplicaReads");
	while (!pgr_reads_are_allowed())
	{
		if (pgr_now_ms() >= until)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MS, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static void
require(void)
{
	if (superuser() || wait_for_permission())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CANNOT_CONNECT_NOW),
			 errmsg("cannot read here yet: the cluster has not confirmed what this node holds"),
			 errdetail("This node has just started or is being promoted, and pg_replica.sync_mode promises that nobody sees a commit that can still be lost."),
			 errhint("Try again, or use another node; pg_replica.status() says what this one waits for.")));
}

void
pgr_reads_require(List *relations)
{
	ListCell   *cell;

	if (IsParallelWorker())
		return;
	foreach(cell, relations)
	{
		if (lfirst_oid(cell) >= FirstNormalObjectId)
		{
			require();
			return;
		}
	}
}

/* COPY of a table reads it without the executor. */
void
pgr_reads_require_copy(CopyStmt *statement)
{
	Oid			relation;

	if (statement->is_from || statement->relation == NULL)
		return;
	relation = RangeVarGetRelid(statement->relation, NoLock, true);
	if (OidIsValid(relation) && relation >= FirstNormalObjectId)
		require();
}
