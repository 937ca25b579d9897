/*
 * helper.c
 *		The process that does the work before a start, attempt after attempt.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "config.h"
#include "helper.h"
#include "identity.h"
#include "shared.h"
#include "store.h"
#include "work.h"

#define REWIND_ATTEMPTS 2
#define SOURCE_ATTEMPTS 3

/* pg_rewind needs a session: half a minute for clients to leave it one, or for an operator to see to it. */
#define FULL_ATTEMPTS 6
#define PAUSE_LIMIT_MS 60000

bool
pgr_work_failed(const char *format,...)
{
	PgrWorkShared *work = &pgr_shared->restart.work;
	char		text[1024];
	char		shown[PGR_WHY_SIZE];
	va_list		arguments;

	va_start(arguments, format);
	(void) vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ereport(LOG, (errmsg("pg_replica: %s", text)));
	strlcpy(shown, text, sizeof(shown));
	/* The cluster's messages are UTF-8, and what was cut off may not be. */
	for (char *at = shown; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	SpinLockAcquire(&work->mutex);
	strlcpy(work->failure, shown, sizeof(work->failure));
	SpinLockRelease(&work->mutex);
	return false;
}

bool
pgr_work_failed_to(const char *what, const char *path)
{
	return pgr_work_failed("could not %s \"%s\": %s", what, path, strerror(errno));
}

static const char *
waiting_text(void)
{
	static char text[PGR_WHY_SIZE + 64];
	PgrWorkShared *work = &pgr_shared->restart.work;
	char		failure[PGR_WHY_SIZE];

	SpinLockAcquire(&work->mutex);
	strlcpy(failure, work->failure, sizeof(failure));
	SpinLockRelease(&work->mutex);
	snprintf(text, sizeof(text), "waiting for the next attempt%s%s", failure[0] != '\0' ? ": " : "", failure);
	return text;
}

const char *
pgr_work_phase_name(PgrWorkPhase phase)
{
	switch (phase)
	{
		case PGR_PHASE_NONE:
			return "preparing";
		case PGR_PHASE_WAITING:
			return waiting_text();
		case PGR_PHASE_SAVING:
			return "looking for the fork";
		case PGR_PHASE_REWINDING:
			return "rewinding";
		case PGR_PHASE_COPYING:
			return "copying";
		case PGR_PHASE_SWAPPING:
			return "swapping";
		case PGR_PHASE_FINISHING:
			return "finishing";
	}
	return "";
}

void
pgr_work_phase(PgrWorkPhase phase)
{
	PgrWorkShared *work = &pgr_shared->restart.work;

	pg_atomic_write_u64(&work->done_bytes, 0);
	pg_atomic_write_u64(&work->total_bytes, 0);
	pg_atomic_write_u32(&work->phase, phase);
}

/* The programs it runs, and what they run, are in its process group. */
static void
end_group(int signal_number)
{
	(void) kill(0, SIGKILL);
}

/* As long as nothing of a finished rewind or clone is in the data directory. */
static bool
can_still_be_cloned(const PgrMarker *marker)
{
	return marker->work == PGR_WORK_REWIND &&
		(marker->step <= PGR_STEP_STAGED || marker->step == PGR_STEP_REWINDING);
}

static void
clone_instead(PgrMarker *marker, uint32 failures)
{
	marker->work = PGR_WORK_CLONE;
	marker->step = Min(marker->step, PGR_STEP_STAGED);
	marker->failures = failures;
}

/*
 * The voter child learns from the cluster where the data is to come from, and
 * that may change while the work waits.  A clone is never taken back to a
 * rewind: the data may be damaged already.
 */
static void
take_order(PgrMarker *marker)
{
	PgrWorkShared *work = &pgr_shared->restart.work;
	uint32		number;
	char		problem[512];

	if (!pgr_order_is_new())
		return;
	SpinLockAcquire(&work->mutex);
	number = work->order_number;
	strlcpy(marker->source, work->order_source, sizeof(marker->source));
	marker->identity_length = work->order_identity_length;
	memcpy(marker->identity, work->order_identity, work->order_identity_length);
	if (work->order_work == PGR_WORK_CLONE && can_still_be_cloned(marker))
		clone_instead(marker, 0);
	SpinLockRelease(&work->mutex);
	pgr_order_taken(number);
	if (!pgr_marker_write(marker, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica cannot go on with its work: %s", problem)));
}

/* True when the pause is over, false at once when there is a new order. */
static void
pause_before_next(uint32 failures)
{
	int64		until = pgr_now_ms() + Min(PAUSE_LIMIT_MS, 1000 << Min(failures - 1, 6));

	pgr_work_phase(PGR_PHASE_WAITING);
	while (pgr_now_ms() < until && !pgr_order_is_new())
		pg_usleep(100000);
}

static void
count_failure(PgrMarker *marker)
{
	uint32		attempts = pgr_source_refusal == PGR_REFUSAL_FULL ? FULL_ATTEMPTS : REWIND_ATTEMPTS;
	char		problem[512];

	marker->failures++;
	if (can_still_be_cloned(marker) &&
		(marker->step == PGR_STEP_REWINDING ||
		 (marker->failures >= attempts && pgr_source_refusal != PGR_REFUSAL_LOST)))
	{
		ereport(LOG,
				(errmsg("pg_replica clones this node, because rewinding it failed %s",
						marker->step == PGR_STEP_REWINDING ? "half-way" : "repeatedly")));
		clone_instead(marker, 1);
	}
	if (!pgr_marker_write(marker, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica cannot go on with its work: %s", problem)));
}

/*
 * The source is lost, or is no primary any more.  Data that is as it was goes
 * on as a standby, which a leader tells from whom to take new data; true if
 * so.  Data that is not complete can only be replaced, and the primary of the
 * moment is the one that admits us.
 */
static bool
leave_source(PgrMarker *marker)
{
	int			node = pgr_node_number(marker->source);
	char		problem[512];

	if (pgr_source_refusal != PGR_REFUSAL_LOST || marker->failures < SOURCE_ATTEMPTS)
		return false;
	if (marker->step == PGR_STEP_ORDERED)
	{
		ereport(LOG,
				(errmsg("pg_replica gives up its work, because node \"%s\" takes no connection for it", marker->source),
				 errdetail("The server starts with the data that it has, and is told by the cluster what to do.")));
		return pgr_store_remove(PGR_STORE_WORK, problem, sizeof(problem));
	}
	do
		node = (node + 1) % pgr_config.n_nodes;
	while (node == pgr_config.self && pgr_config.n_nodes > 1);
	strlcpy(marker->source, pgr_config.nodes[node].name, sizeof(marker->source));
	if (!pgr_marker_write(marker, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica cannot go on with its work: %s", problem)));
	return false;
}

static void
finish(const PgrMarker *marker)
{
	char		problem[512];

	pgr_work_phase(PGR_PHASE_FINISHING);
	if (!pgr_label_accept())
		ereport(FATAL, (errmsg("pg_replica could not write \"%s\": %m", PGR_LABEL_FILE)));
	if (marker->identity_length > 0 &&
		!pgr_identity_write(marker->identity, marker->identity_length, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica could not finish its work: %s", problem)));
	if (!pgr_store_remove(PGR_STORE_WORK, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica could not finish its work: %s", problem)));
}

void
pgr_helper_main(void)
{
	PgrWorkShared *work = &pgr_shared->restart.work;
	PgrMarker	marker;
	bool		found;
	char		problem[512];

	(void) signal(SIGTERM, end_group);
	if (!pgr_marker_read(&marker, &found, problem, sizeof(problem)))
		ereport(FATAL, (errmsg("pg_replica cannot go on with its work: %s", problem)));
	/* Ended after the marker was removed, and before this could be told. */
	if (!found)
		_exit(0);
	for (;;)
	{
		take_order(&marker);
		pg_atomic_write_u32(&work->work, marker.work);
		pg_atomic_write_u32(&work->attempt, marker.failures + 1);
		pgr_source_refusal = PGR_REFUSAL_NONE;
		if (marker.work == PGR_WORK_REWIND ? pgr_rewind_attempt(&marker) : pgr_clone_attempt(&marker))
			break;
		/* Ended for a newer order: that is no failure. */
		if (pgr_order_is_new())
			continue;
		count_failure(&marker);
		if (leave_source(&marker))
			_exit(0);
		pause_before_next(marker.failures);
	}
	finish(&marker);
	_exit(0);
}
