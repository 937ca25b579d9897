/*
 * fence_commit.c
 *		No acknowledgement before the standbys have confirmed (promise P3).
 *
 * Postgres's own wait has ways around it: a cancelled, terminated or disturbed
 * wait, a session with a weaker synchronous_commit, a moment in which the
 * checkpointer has not read the setting yet.  So the wait is left to Postgres,
 * and whether it was successful is looked at afterwards, in the position that
 * the walsenders keep.
 *
 * Without "quorum" only a wait that Postgres itself began is looked at.
 */
#include "postgres.h"

#include "compat.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "utils/guc.h"

#include "shared.h"

/* Was the transaction that is being committed going to wait for standbys? */
static bool wrote_wal = false;

/*
 * End of the WAL of a COMMIT PREPARED or ROLLBACK PREPARED that this
 * transaction has run; such a command has no xid of its own.
 */
static bool ended_prepared = false;
static XLogRecPtr prepared_end = InvalidXLogRecPtr;

static bool
quorum_decides(void)
{
	return pg_atomic_read_u32(&pgr_shared->fence.quorum) != 0;
}

static bool
is_weaker(void)
{
	return synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH;
}

/*
 * strengthen
 *		For this transaction only, as SET LOCAL would: the session's own value
 *		is back when it ends, also when it was itself set in here.  Autovacuum
 *		chose to wait for nobody, and nobody waits for its answer.
 */
static void
strengthen(void)
{
	if (quorum_decides() && is_weaker() && !pgr_allow_weaker_commit && !PgrAmAutovacuum())
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/* Without a quorum, or where the operator allows less, Postgres's own rules hold. */
static void
hold_on(void)
{
	if (quorum_decides() && !is_weaker())
		pgr_wait_begins();
}

/* What is only prepared shows nothing to anybody, so that wait may be given up. */
void
pgr_commit_begins(bool prepare)
{
	strengthen();
	wrote_wal = XactLastRecEnd != InvalidXLogRecPtr;
	if (!prepare)
		hold_on();
}

void
pgr_commit_prepared_begins(void)
{
	strengthen();
	hold_on();
}

void
pgr_commit_prepared_ended(void)
{
	ended_prepared = true;
	prepared_end = XactLastRecEnd;
}

bool
pgr_commit_ended_prepared(void)
{
	return ended_prepared;
}

void
pgr_commit_forget(void)
{
	wrote_wal = false;
	ended_prepared = false;
	prepared_end = InvalidXLogRecPtr;
	pgr_wait_ends();
}

/*
 * confirmed_by_standbys
 *		Up to where have enough standbys confirmed, for a wait of this kind?
 */
static XLogRecPtr
confirmed_by_standbys(bool commit)
{
	int			mode = SYNC_REP_WAIT_FLUSH;
	bool		weaker = pgr_allow_weaker_commit || !quorum_decides();

	if (weaker && synchronous_commit == SYNCHRONOUS_COMMIT_REMOTE_WRITE)
		mode = SYNC_REP_WAIT_WRITE;
	else if (commit && synchronous_commit == SYNCHRONOUS_COMMIT_REMOTE_APPLY)
		mode = SYNC_REP_WAIT_APPLY;

	pg_read_barrier();
	return *(volatile XLogRecPtr *) &WalSndCtl->lsn[mode];
}

/*
 * commit_is_confirmed
 *		A cancelled wait for a standby is no confirmation, although Postgres
 *		would tell the client that the commit succeeded.
 */
static bool
commit_is_confirmed(void)
{
	if (wrote_wal && XactLastCommitEnd > confirmed_by_standbys(true))
		return false;
	if (ended_prepared && prepared_end > confirmed_by_standbys(true))
		return false;
	return true;
}

/*
 * prepare_is_confirmed
 *		The same for PREPARE TRANSACTION, which does not leave the end of its
 *		record anywhere.  It lies between the start of our last record and the
 *		flush position; when the standbys' position is in between too, waiting
 *		for the latter decides.
 */
static bool
prepare_is_confirmed(void)
{
	XLogRecPtr	confirmed = confirmed_by_standbys(false);
	XLogRecPtr	flushed;

	if (confirmed <= ProcLastRecPtr)
		return false;

	flushed = GetFlushRecPtr(NULL);
	if (confirmed < flushed)
		SyncRepWaitForLSN(flushed, false);
	return confirmed_by_standbys(false) >= flushed;
}

/*
 * must_be_confirmed
 *		Whether the quorum decides is read after the flush, behind a barrier.
 *		The node worker sets it, and then reads the flush position: a commit
 *		that does not see it is in what the worker waits for, before it tells
 *		the cluster that acknowledged commits are on the quorum (rule A8).
 */
static bool
must_be_confirmed(void)
{
	pg_memory_barrier();
	if (quorum_decides())
	{
		if (!is_weaker() || !pgr_allow_weaker_commit)
			return true;
		pg_atomic_fetch_add_u64(&pgr_shared->fence.weaker_commits, 1);
	}
	return SyncRepRequested() &&
		SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0';
}

bool
pgr_commit_is_confirmed(bool prepare)
{
	if (WalSndCtl == NULL || (!prepare && !wrote_wal && !ended_prepared) ||
		!must_be_confirmed())
		return true;
	return prepare ? prepare_is_confirmed() : commit_is_confirmed();
}
