/*
 * loop_prepare.c
 *		What the voting loop needs before its first step: buffers, secret, state
 *		directory, core, network.
 */
#include "postgres.h"

#include <poll.h>

#include "loop.h"

#include "auth.h"
#include "border.h"
#include "config.h"
#include "core.h"
#include "net.h"
#include "pgr_core.h"
#include "shared.h"
#include "store.h"
#include "trace.h"
#include "worker.h"

#define LOCK_RETRY_MS 50
#define LOCK_LOG_AFTER_MS 2000
#define LOCK_LOG_EVERY_MS 60000

/* The watchdog looks at it. */
void
pgr_loop_heartbeat(int64 now)
{
	pg_atomic_write_u64(&pgr_shared->worker.heartbeat_ms, (uint64) now);
}

/* Whoever voted before us may need a moment to leave. */
static bool
take_lock(PgrLoop *loop, PgrLoopGoesOn goes_on)
{
	int64		since = pgr_now_ms();
	int64		logged = 0;

	while (!pgr_store_lock(loop->problem, sizeof(loop->problem)))
	{
		int64		now = pgr_now_ms();
		struct pollfd wake = {.fd = pgr_wake_fd, .events = POLLIN};

		pgr_loop_heartbeat(now);
		if (now - since > LOCK_LOG_AFTER_MS && (logged == 0 || now - logged > LOCK_LOG_EVERY_MS))
		{
			logged = now;
			pgr_finding_set(PGR_FINDING_STORE, loop->problem);
			ereport(LOG,
					(errmsg("pg_replica does not vote: %s", loop->problem),
					 errhint("Two servers must not have the same pg_replica.state_dir.")));
		}
		if (!goes_on())
			return false;
		(void) poll(&wake, 1, LOCK_RETRY_MS);
	}
	return true;
}

bool
pgr_loop_prepare(PgrLoop *loop, PgrLoopGoesOn goes_on)
{
	char	   *problem = loop->problem;
	size_t		size = sizeof(loop->problem);
	int64		start_number;
	int64		seed;

	loop->event.data = malloc(PGR_CORE_MAX_EVENT);
	loop->event.capacity = PGR_CORE_MAX_EVENT;
	loop->actions = malloc(PGR_CORE_MAX_ACTIONS);
	if (loop->event.data == NULL || loop->actions == NULL)
	{
		snprintf(problem, size, "no memory for the buffers of the core");
		return false;
	}
	if (!pgr_auth_load(pgr_secret_file, problem, size))
	{
		pgr_finding_set(PGR_FINDING_SECRET, problem);
		return false;
	}
	pgr_finding_set(PGR_FINDING_SECRET, "");
	if (!pgr_store_open(pgr_state_dir, problem, size))
	{
		pgr_finding_set(PGR_FINDING_STORE, problem);
		return false;
	}
	if (!take_lock(loop, goes_on))
		return false;
	start_number = pgr_store_next_start(problem, size);
	if (start_number == 0)
	{
		pgr_finding_set(PGR_FINDING_STORE, problem);
		return false;
	}
	pgr_finding_set(PGR_FINDING_STORE, "");
	if (!pg_strong_random(&seed, sizeof(seed)))
	{
		snprintf(problem, size, "no random number could be made");
		return false;
	}
	if (!pgr_box_start(problem, size) ||
		!pgr_event_start(&loop->event, seed, loop->child, problem, size))
		return false;
	loop->sync_mode = pgr_sync_mode;
	loop->sync_standbys = loop->standbys_told = pgr_sync_standbys;
	loop->mismatch_allowed = pgr_allow_collation_mismatch;
	pgr_trace_begin(loop->child);
	pgr_addresses_recall();
	pgr_net_init(start_number);
	return true;
}
