/*
 * fence.c
 *		Nobody writes on this server without a lease (promise P2).
 *
 * The node worker keeps the end of the lease in shared memory, and every
 * backend looks at it by itself: when a statement that writes begins
 * (fence_statements.c; an early and clear answer, no more), before a commit
 * (the transaction is rolled back), and again when the commit is durable but
 * not yet told to the client (the connection is closed instead, because the
 * outcome is then really unknown).  So nothing has to be done to fence a
 * server: a worker that is dead, stuck or cut off, a frozen machine, and a
 * backend whose postmaster was killed all end in a lease that has run out.
 *
 * What "at most one node writes" means is fixed at the moment of the last of
 * these looks, which fence_answer.c takes when the answer goes out.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "compat.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "libpq/libpq.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"

#include "shared.h"

#define POLL_MS 5

static shmem_startup_hook_type previous_shmem_startup = NULL;

void
pgr_fence_shared_init(PgrFenceShared *fence)
{
	pg_atomic_init_u64(&fence->deadline, 0);
	pg_atomic_init_u64(&fence->term, 0);
	pg_atomic_init_u32(&fence->changes, 0);
	pg_atomic_init_u32(&fence->quorum, 0);
	pg_atomic_init_u64(&fence->weaker_commits, 0);
	pg_atomic_init_u32(&fence->commits, 0);
	pg_atomic_init_u32(&fence->reads, 0);
	pg_atomic_init_u32(&fence->why_version, 0);
	pg_atomic_init_u32(&fence->admitted_version, 0);
}

/*
 * pgr_text_begin, pgr_text_end
 *		Bracket a change of something readers copy with pgr_text_copied().  If
 *		a writer died in between, the version is odd and stays odd here.
 */
void
pgr_text_begin(pg_atomic_uint32 *version)
{
	pg_atomic_write_u32(version, pg_atomic_read_u32(version) | 1);
	pg_write_barrier();
}

void
pgr_text_end(pg_atomic_uint32 *version)
{
	pg_write_barrier();
	pg_atomic_write_u32(version, (pg_atomic_read_u32(version) | 1) + 1);
}

/*
 * pgr_text_copy
 *		Copy what the version protects.  False if a writer is, or died, in the
 *		middle of a change: readers do not wait for a process that may never
 *		go on.
 */
bool
pgr_text_copy(pg_atomic_uint32 *version, void *to, const void *from, size_t size)
{
	for (int tries = 0; tries < 1000; tries++)
	{
		uint32		before = pg_atomic_read_u32(version);

		if (before & 1)
			continue;
		pg_read_barrier();
		memcpy(to, from, size);
		pg_read_barrier();
		if (pg_atomic_read_u32(version) == before)
			return true;
	}
	return false;
}

static bool
is_open_until(uint64 deadline)
{
	/* the clock is read last: most callers find a plain answer before it */
	return deadline != 0 && (int64) deadline > pgr_now_ns();
}

bool
pgr_fence_is_open(void)
{
	if (pgr_shared == NULL)
		return true;
	return is_open_until(pg_atomic_read_u64(&pgr_shared->fence.deadline));
}

bool
pgr_fence_lasts(int64 ms)
{
	uint64		deadline = pg_atomic_read_u64(&pgr_shared->fence.deadline);

	return deadline != 0 && (int64) deadline > pgr_now_ns() + ms * 1000000;
}

void
pgr_fence_set_lease(int64 deadline_ms, int64 term, const char *why, bool quorum)
{
	PgrFenceShared *fence = &pgr_shared->fence;
	uint64		before = pg_atomic_read_u64(&fence->deadline);
	uint64		after;

	if (deadline_ms <= 0)
		after = 0;
	else
		after = (uint64) Min(deadline_ms, PG_INT64_MAX / 1000000) * 1000000;

	if (why != NULL && strncmp(fence->why, why, sizeof(fence->why) - 1) != 0)
	{
		pgr_text_begin(&fence->why_version);
		strlcpy(fence->why, why, sizeof(fence->why));
		pgr_text_end(&fence->why_version);
	}

	pg_atomic_write_u64(&fence->term, (uint64) term);

	/* whoever sees the fence open sees by what rule */
	pg_atomic_write_u32(&fence->quorum, quorum ? 1 : 0);
	pg_write_barrier();

	/*
	 * The barrier makes the new deadline visible before anything the caller
	 * does next, such as giving its vote (rule A5).
	 */
	pg_atomic_write_u64(&fence->deadline, after);
	pg_memory_barrier();

	if (is_open_until(before) != is_open_until(after))
		pg_atomic_fetch_add_u32(&fence->changes, 1);
}

void
pgr_fence_reset(void)
{
	pgr_fence_set_lease(0, 0, "this node has started and has not been made the primary yet",
						pgr_sync_mode != PGR_SYNC_OFF);
	pg_atomic_write_u32(&pgr_shared->fence.reads, 0);
	pgr_admit(NULL, 0);
}

/*
 * A crash restart inside the postmaster keeps our memory, and with it the rest
 * of a lease.  Nobody may write, or read what was waiting for a standby,
 * before the cluster has confirmed this node again (rule B19).  At the first
 * start of a postmaster this does no harm.
 */
static void
shmem_startup(void)
{
	if (previous_shmem_startup)
		previous_shmem_startup();
	if (!IsUnderPostmaster)
		pgr_fence_reset();
}

void
pgr_fence_reason(char *out, size_t size)
{
	PgrFenceShared *fence = &pgr_shared->fence;
	uint64		deadline = pg_atomic_read_u64(&fence->deadline);
	char		why[PGR_REASON_SIZE] = "";

	if (!pgr_config.valid)
	{
		strlcpy(out, "the configuration of pg_replica has mistakes, see pg_replica.check()", size);
		return;
	}

	if (deadline != 0)
	{
		int64		late_ms = (pgr_now_ns() - (int64) deadline) / 1000000;

		snprintf(out, size,
				 "the lease of this node ran out " INT64_FORMAT " ms ago, no majority of the cluster has confirmed it since",
				 Max(late_ms, 0));
		return;
	}

	if (!pgr_text_copy(&fence->why_version, why, fence->why, sizeof(why)) ||
		why[0] == '\0')
		strlcpy(why, "this node is not the primary of the cluster", sizeof(why));
	why[sizeof(why) - 1] = '\0';
	strlcpy(out, why, size);
}

/*
 * wait_for_renewal
 *		A stall of the machine freezes the worker and the backend alike, and
 *		the backend may be the first to run again.  So a lease that has just run
 *		out gets a bounded moment; one that was closed on purpose does not.
 */
static bool
wait_for_renewal(void)
{
	static uint32 wait_event = 0;
	int64		patience = (int64) pgr_election_timeout * 1000000;
	int64		begin = pgr_now_ns();

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("PgReplicaLeaseRenewal");

	for (;;)
	{
		uint64		deadline = pg_atomic_read_u64(&pgr_shared->fence.deadline);
		int64		now = pgr_now_ns();

		if ((int64) deadline > now)
			return true;
		if (deadline == 0)
			return false;
		if (now > (int64) deadline + patience && now > begin + patience / 5)
			return false;

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MS, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * pgr_fence_require
 *		ERROR unless this server may write now.
 */
void
pgr_fence_require(void)
{
	char		why[PGR_REASON_SIZE];

	if (pgr_fence_is_open())
		return;
	/* on a standby Postgres itself refuses, and says so better */
	if (RecoveryInProgress())
		return;
	/* autovacuum comes again by itself */
	if (!PgrAmAutovacuum() && wait_for_renewal())
		return;

	pgr_fence_reason(why, sizeof(why));
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("cannot write: %s", why),
			 errhint("Connect to the primary; pg_replica.members() names it.")));
}

/*
 * pgr_fence_suppress_answer
 *		The transaction is durable here, but its client must not be told.  End
 *		the connection without a word.  An ERROR is impossible at this point,
 *		and this is what Postgres itself does with a session that is terminated
 *		while it waits for a standby.  Closing the socket and dropping the
 *		output are each enough; both together leave no way around.
 */
void
pgr_fence_suppress_answer(const char *why)
{
	if (MyProcPort != NULL && MyProcPort->sock != PGINVALID_SOCKET)
		(void) shutdown(MyProcPort->sock, SHUT_RDWR);
	whereToSendOutput = DestNone;
	ProcDiePending = true;
	InterruptPending = true;

	ereport(LOG,
			(errmsg("pg_replica closes a connection instead of acknowledging its transaction"),
			 errdetail("%s", why)));
}

/*
 * is_still_open
 *		The node worker closes the fence and then reads the flush position; we
 *		flush and then read the fence.  With a barrier on both sides one of us
 *		sees the other, so a commit that is acknowledged is in what the worker
 *		reports (rule A5).
 */
static bool
is_still_open(void)
{
	pg_memory_barrier();
	return pgr_fence_is_open();
}

static void
after_commit(bool prepare)
{
	bool		has_xid = TransactionIdIsValid(GetTopTransactionIdIfAny());

	/* nobody waits for autovacuum's answer */
	if ((!has_xid && !pgr_commit_ended_prepared()) || PgrAmAutovacuum())
		return;

	if (!pgr_commit_is_confirmed(prepare))
		pgr_fence_suppress_answer("The wait for a synchronous standby ended without its confirmation.");
	else if (pgr_wait_has_hung_up())
		pgr_fence_suppress_answer("The wait for a synchronous standby was given up before it was confirmed.");
	else if (!is_still_open())
		pgr_fence_suppress_answer("The lease of this node ran out while the transaction was being committed.");
	else
		pgr_fence_watch_answer();
}

/*
 * A subtransaction, or a parallel worker's share, is covered by its top
 * transaction.
 */
static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
			{
				pgr_fence_require();
				pgr_commit_begins(event == XACT_EVENT_PRE_PREPARE);
			}
			break;

		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			/* a NOTIFY gets its xid only after PRE_COMMIT, so ask again */
			after_commit(event == XACT_EVENT_PREPARE);
			pgr_commit_forget();
			break;

		case XACT_EVENT_ABORT:
			pgr_commit_forget();
			break;

		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
	}
}

/* Called in the postmaster; every child inherits the hooks. */
void
pgr_fence_init(void)
{
	previous_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
	RegisterXactCallback(transaction_event, NULL);
	pgr_fence_statements_init();
}
