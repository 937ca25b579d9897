/*
 * sync.c
 *		Which synchronous_standby_names is really in force, for the node worker.
 *
 * It is, when every process that acts on the setting has read it.  Decision
 * 0013 says who these are, and why looking at them in this order is enough.
 */
#include "postgres.h"

#include <signal.h>

#include "compat.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"

#include "assistant.h"
#include "shared.h"
#include "sync.h"

#define KICK_MS 500
#define REWRITE_MS 2000
#define COMPLAIN_MS 30000

bool
pgr_sync_lists(const char *text, const char *name)
{
	const char *at = strchr(text, '(');

	while (at != NULL && *at != '\0')
	{
		char		listed[PGR_NAME_SIZE];
		size_t		length;

		at++;
		at += strspn(at, " \"");
		length = strcspn(at, " \",)");
		strlcpy(listed, at, Min(sizeof(listed), length + 1));
		if (length > 0 && pg_strcasecmp(listed, name) == 0)
			return true;
		at = strpbrk(at + length, ",");
	}
	return false;
}

/*
 * pgr_sync_standbys_are_wrong
 *		A commit is on the primary and on so many others.  A majority of the
 *		nodes elects, so the nodes that a majority can leave out must be too
 *		few to hold all of them (rule B7); and a node cannot wait for itself or
 *		for a witness.
 */
bool
pgr_sync_standbys_are_wrong(int n_nodes, bool witness, int standbys, char *why, size_t size)
{
	int			minority = (n_nodes - 1) / 2;
	int			most = n_nodes - 1 - (witness ? 1 : 0);

	if (standbys == 0 || n_nodes == 0 || (standbys >= minority && standbys <= most))
		return false;
	if (standbys < minority)
		snprintf(why, size, "a majority of %d nodes can leave out %d, and with them every copy of a commit",
				 n_nodes, minority);
	else
		snprintf(why, size, "there are only %d nodes to wait for", most);
	return true;
}

static PgrSyncDefined
defined_by(const char *text)
{
	return text[0] != '\0' ? PGR_SYNC_DEFINED_YES : PGR_SYNC_DEFINED_NO;
}

/* What is known of the change under way; a copy, so that no lock is held. */
typedef struct Change
{
	bool		written;
	uint32		generation;
	int64		asked_ms;
	int64		written_ms;
	bool		checkpointer_counts;
	uint64		stamp;
	char		text[PGR_SYNC_TEXT_SIZE];
} Change;

static Change
change_now(void)
{
	PgrSyncShared *sync = &pgr_shared->sync;
	Change		change;

	SpinLockAcquire(&sync->mutex);
	change.written = sync->asked != 0 && sync->asked == sync->written;
	change.generation = sync->generation;
	change.asked_ms = sync->asked_ms;
	change.written_ms = sync->written_ms;
	change.checkpointer_counts = sync->defined != defined_by(sync->wanted);
	memcpy(change.text, sync->wanted, sizeof(change.text));
	SpinLockRelease(&sync->mutex);
	change.stamp = pgr_sync_stamp(change.generation, change.text);
	return change;
}

static uint32
rounds_with(PgrSyncReader *reader, uint64 stamp)
{
	uint32		rounds;

	if (pg_atomic_read_u64(&reader->stamp) != stamp)
		return 0;
	pg_read_barrier();
	rounds = pg_atomic_read_u32(&reader->rounds);
	pg_read_barrier();
	return pg_atomic_read_u64(&reader->stamp) == stamp ? rounds : 0;
}

/*
 * walsender_agrees
 *		One that does not stream can do no harm and has no say: before it
 *		streams it reads the file again.  One that counts for nobody releases
 *		nobody either, but a member that does not count yet is not in force.
 */
static bool
walsender_agrees(WalSnd *sender, const Change *change)
{
	PgrSyncReader *reader;
	pid_t		pid;
	WalSndState state;
	int			priority;
	bool		member;

	SpinLockAcquire(&sender->mutex);
	pid = sender->pid;
	state = sender->state;
	priority = sender->sync_standby_priority;
	SpinLockRelease(&sender->mutex);

	if (pid == 0 || state == WALSNDSTATE_STARTUP || state == WALSNDSTATE_BACKUP)
		return true;
	reader = pgr_sync_reader_of(pid);
	member = reader != NULL && pgr_sync_lists(change->text, reader->name);
	if (priority == 0)
		return !member || state == WALSNDSTATE_CATCHUP || RecoveryInProgress();
	return member && pg_atomic_read_u64(&reader->stamp) == change->stamp;
}

/* NULL: nobody. */
static const char *
who_lags(const Change *change)
{
	PgrSyncShared *sync = &pgr_shared->sync;

	if (rounds_with(&sync->postmaster, change->stamp) < 2)
		return "the postmaster";
	if (change->checkpointer_counts && rounds_with(&sync->checkpointer, change->stamp) < 2)
		return "the checkpointer";
	/* the postmaster had sent its signals before we look at who streams */
	pg_memory_barrier();
	for (int i = 0; WalSndCtl != NULL && i < max_wal_senders; i++)
		if (!walsender_agrees(&WalSndCtl->walsnds[i], change))
			return "a walsender";
	return NULL;
}

/*
 * Somebody changed the text beside our generation: the checkpointer may have
 * acted on theirs.
 */
static void
notice_other_text(const Change *change)
{
	PgrSyncShared *sync = &pgr_shared->sync;
	uint64		stamp = pg_atomic_read_u64(&sync->postmaster.stamp);

	if (stamp == change->stamp || stamp >> 32 != change->generation)
		return;
	SpinLockAcquire(&sync->mutex);
	sync->defined = PGR_SYNC_DEFINED_UNKNOWN;
	SpinLockRelease(&sync->mutex);
}

static void
note_in_force(const Change *change)
{
	static uint32 told = 0;
	PgrSyncShared *sync = &pgr_shared->sync;

	if (told != change->generation)
	{
		told = change->generation;
		ereport(DEBUG1,
				(errmsg_internal("pg_replica: synchronous_standby_names = '%s' is in force %lld ms after it was asked for",
								 change->text, (long long) (pgr_now_ms() - change->asked_ms))));
	}
	if (!change->checkpointer_counts)
		return;
	SpinLockAcquire(&sync->mutex);
	if (sync->generation == change->generation)
		sync->defined = defined_by(sync->wanted);
	SpinLockRelease(&sync->mutex);
}

/*
 * move_on
 *		The second reading is asked for when the first is seen to be done
 *		everywhere it counts.  Signals that come together merge into one, so
 *		it cannot be asked for earlier; and it is asked for again, should one
 *		have been missed.
 */
static void
move_on(const Change *change, const char *lagging)
{
	static uint32 second_asked = 0;
	static int64 kicked_ms = 0;
	static int64 complained_ms = 0;
	PgrSyncShared *sync = &pgr_shared->sync;
	int64		now = pgr_now_ms();
	bool		first_done = rounds_with(&sync->postmaster, change->stamp) >= 1 &&
		(!change->checkpointer_counts || rounds_with(&sync->checkpointer, change->stamp) >= 1);

	if ((first_done && second_asked != change->generation) ||
		now - Max(kicked_ms, change->written_ms) >= KICK_MS)
	{
		if (first_done)
			second_asked = change->generation;
		kicked_ms = now;
		(void) kill(PostmasterPid, SIGHUP);
	}
	if (now - change->asked_ms >= REWRITE_MS && now - complained_ms >= COMPLAIN_MS)
	{
		complained_ms = now;
		ereport(LOG,
				(errmsg("pg_replica has written synchronous_standby_names, and %s does not use it yet", lagging),
				 errhint("An error in the configuration files keeps the server from reading them, and a value on its command line wins over them.")));
	}
}

void
pgr_sync_observe(char *out, size_t size)
{
	Change		change = change_now();
	const char *lagging;

	strlcpy(out, PGR_SYNC_UNKNOWN, size);
	if (!change.written)
		return;
	if (change.generation == 0)
	{
		out[0] = '\0';
		return;
	}
	notice_other_text(&change);
	lagging = who_lags(&change);
	if (lagging != NULL)
	{
		move_on(&change, lagging);
		return;
	}
	note_in_force(&change);
	strlcpy(out, change.text, size);
}

/*
 * is_in_the_file
 *		What this server started with is what is wanted: nothing needs to be
 *		written.  As long as we never had a text of our own in the file, an
 *		operator's stays, and "nobody" is taken to be in force beside it.
 */
static bool
is_in_the_file(const PgrSyncShared *sync, const char *text)
{
	if (sync->asked != 0)
		return false;
	return pgr_sync_generation == 0 ? text[0] == '\0' : strcmp(pgr_sync_names(), text) == 0;
}

void
pgr_sync_want(const char *text)
{
	PgrSyncShared *sync = &pgr_shared->sync;
	char		seen[PGR_SYNC_TEXT_SIZE];
	bool		another;
	bool		found;

	pgr_sync_observe(seen, sizeof(seen));
	SpinLockAcquire(&sync->mutex);
	another = sync->asked == 0 || strcmp(sync->wanted, text) != 0;
	found = is_in_the_file(sync, text);
	if (found)
	{
		strlcpy(sync->wanted, text, sizeof(sync->wanted));
		sync->generation = (uint32) pgr_sync_generation;
		sync->asked = sync->written = 1;
		sync->asked_ms = sync->written_ms = pgr_now_ms();
	}
	/* the same again: only if it was lost, by a failure or by another hand */
	else if (another || sync->failed == sync->asked ||
			 (sync->written == sync->asked && strcmp(seen, text) != 0 &&
			  pgr_now_ms() - sync->written_ms >= REWRITE_MS))
	{
		strlcpy(sync->wanted, text, sizeof(sync->wanted));
		sync->asked++;
		sync->asked_ms = pgr_now_ms();
		if (sync->defined != defined_by(text))
			sync->defined = PGR_SYNC_DEFINED_UNKNOWN;
	}
	SpinLockRelease(&sync->mutex);
	if (found && pgr_sync_generation != 0)
		(void) kill(PostmasterPid, SIGHUP);
	pgr_assistant_wake();
}
