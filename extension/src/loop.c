/*
 * loop.c
 *		The voting loop: facts go into the core, what it asks for is done.
 *
 * It runs no SQL, takes no heavyweight lock, resolves no name, and waits for
 * no disk but the state directory's.
 */
#include "postgres.h"

#include <poll.h>
#include <unistd.h>

#include "compat.h"

#include "miscadmin.h"
#include "postmaster/postmaster.h"

#include "loop.h"

#include "config.h"
#include "core.h"
#include "fence.h"
#include "gate.h"
#include "net.h"
#include "pgr_core.h"
#include "restart.h"
#include "shared.h"
#include "trace.h"

#define TICK_MS 100
#define CALM_TICK_MS 200
#define SLACK_MS 20
#define EAGER_MS 5
#define CALM_AFTER_MS 2000
#define ADDRESSES_EVERY_MS 1000
#define PROGRESS_EVERY_MS 200
#define MESSAGES_PER_TURN 64

/* The event in the writer goes in, its actions are carried out. */
static void
step(PgrLoop *loop)
{
	char		problem[sizeof(loop->problem)];
	int32		length;

	if (loop->broken)
		return;
	loop->stepped_ms = pgr_now_ms();
	if (loop->event.full)
	{
		pgr_loop_fail(loop, "an event for the core is larger than its buffer");
		return;
	}
	pgr_trace_event(loop->event.data, loop->event.length);
	length = pgr_box_step(loop->event.data, loop->event.length,
						  loop->actions, PGR_CORE_MAX_ACTIONS, problem, sizeof(problem));
	if (length < 0)
	{
		pgr_trace_refusal(problem);
		pgr_finding_set(PGR_FINDING_CORE, problem);
		pgr_loop_fail(loop, problem);
		return;
	}
	pgr_trace_actions(loop->actions, length);
	pgr_actions_run(loop, loop->actions, length);
	if (!loop->broken && pgr_trace_wants_state())
	{
		/* What was asked for is done, so the bytes may be used again. */
		length = pgr_box_state(loop->actions, PGR_CORE_MAX_ACTIONS, problem, sizeof(problem));
		if (length < 0)
			pgr_loop_fail(loop, problem);
		else
			pgr_trace_state(loop->actions, length);
	}
	if (!loop->broken && !pgr_box_tidy(false, problem, sizeof(problem)))
		pgr_loop_fail(loop, problem);
}

static void
meet_expectations(PgrLoop *loop, int64 now)
{
	if (loop->seen.phase == PGR_POSTGRES_PRIMARY)
		loop->expected &= ~PGR_EXPECT_PRIMARY;
	if (loop->seen.streaming || loop->seen.upstream[0] == '\0')
		loop->expected &= ~PGR_EXPECT_STREAMING;
	if (loop->seen.phase == PGR_POSTGRES_STOPPING)
		loop->expected &= ~PGR_EXPECT_STOPPING;
	if (strcmp(loop->seen.sync_setting, PGR_SYNC_UNKNOWN) != 0)
		loop->expected &= ~PGR_EXPECT_SYNC;
	if (pgr_observed_all_confirmed(&loop->seen))
		loop->expected &= ~PGR_EXPECT_CONFIRMED;
	if (now >= loop->expected_until_ms)
		loop->expected = 0;
}

/*
 * What is due at every tick is done when the loop is awake anyway, a
 * little early or a little late: a wake-up costs more than most turns.
 */
static int64
next_observation(const PgrLoop *loop)
{
	return loop->observed_ms + (loop->expected != 0 ? EAGER_MS : loop->tick_ms + SLACK_MS);
}

static void
tell_observation(PgrLoop *loop, int64 now)
{
	static PgrObservation seen;

	if (now < loop->observed_ms + (loop->expected != 0 ? EAGER_MS : loop->tick_ms - SLACK_MS))
		return;
	pgr_observe(&seen);
	loop->observed_ms = now;
	if (loop->tell_anyway || !pgr_observed_the_same(&seen, &loop->seen))
	{
		loop->tell_anyway = false;
		loop->seen = seen;
		pgr_event_observed(&loop->event, &loop->seen);
		step(loop);
	}
	meet_expectations(loop, now);
}

static void
tell_seal(PgrLoop *loop, int64 now)
{
	bool		closed;

	if (!loop->sealing)
		return;
	closed = pgr_gate_is_drained();
	if (!closed && now < loop->seal_until_ms)
		return;
	loop->sealing = false;
	pgr_observe(&loop->seen);
	pgr_event_sealed(&loop->event, loop->seal_term, closed, &loop->seen);
	step(loop);
}

static void
tell_answers(PgrLoop *loop)
{
	PgrTaskResult result;

	/* A step may add further answers; they are told in the next turn. */
	for (int n = loop->n_answers; n > 0 && !loop->broken; n--)
	{
		PgrAnswer	first = loop->answers[0];

		loop->n_answers--;
		memmove(loop->answers, loop->answers + 1, loop->n_answers * sizeof(PgrAnswer));
		pgr_event_task(&loop->event, first.task, first.ok, first.detail);
		step(loop);
	}
	while (!loop->child && !loop->broken && pgr_assistant_result(&result))
	{
		pgr_event_task(&loop->event, result.task, result.ok, result.detail);
		step(loop);
	}
}

static void
tell_requests(PgrLoop *loop)
{
	PgrMailSlot *slot;

	while (!loop->child && !loop->broken && (slot = pgr_mailbox_take()) != NULL)
	{
		loop->eventful_ms = pgr_now_ms();
		pgr_event_requested(&loop->event, slot);
		step(loop);
	}
}

/* True if more may be waiting. */
static bool
tell_network(PgrLoop *loop)
{
	PgrNetEvent event;

	for (int n = 0; n < MESSAGES_PER_TURN && !loop->broken; n++)
	{
		const char *name;

		if (!pgr_net_next(&event))
			return false;
		name = pgr_config.nodes[event.node].name;
		if (event.kind != PGR_NET_MESSAGE || event.out_of_round)
			loop->eventful_ms = pgr_now_ms();
		switch (event.kind)
		{
			case PGR_NET_CONNECTED:
				pgr_event_connected(&loop->event, name);
				break;
			case PGR_NET_LOST:
			case PGR_NET_GONE:
				pgr_event_lost(&loop->event, name, event.kind == PGR_NET_GONE);
				break;
			case PGR_NET_MESSAGE:
				pgr_event_message(&loop->event, name, event.payload, event.length);
				break;
		}
		step(loop);
		if (event.kind == PGR_NET_MESSAGE)
			pgr_net_look_for_answer(loop->stepped_ms);
	}
	return !loop->broken;
}

static void
tell_progress(PgrLoop *loop, int64 now)
{
	static uint64 told[5] = {PG_UINT64_MAX};
	PgrWorkShared *work = &pgr_shared->restart.work;
	uint64		seen[5];

	if (!loop->child || now < loop->progress_ms + PROGRESS_EVERY_MS)
		return;
	loop->progress_ms = now;
	seen[0] = pg_atomic_read_u32(&work->work);
	seen[1] = pg_atomic_read_u32(&work->phase);
	seen[2] = pg_atomic_read_u64(&work->done_bytes);
	seen[3] = pg_atomic_read_u64(&work->total_bytes);
	/* What it waits for may have changed with an attempt that was too short to be seen. */
	seen[4] = pg_atomic_read_u32(&work->attempt);
	if (seen[0] == PGR_WORK_NONE || memcmp(seen, told, sizeof(told)) == 0)
		return;
	memcpy(told, seen, sizeof(told));
	pgr_event_progress(&loop->event, (PgrWork) seen[0], pgr_work_phase_name((PgrWorkPhase) seen[1]),
					   (int64) seen[2], (int64) seen[3]);
	step(loop);
}

/* The settings that may change while the server runs. */
static void
tell_settings(PgrLoop *loop)
{
	char		why[128];

	if (loop->broken || (loop->sync_mode == pgr_sync_mode && loop->sync_standbys == pgr_sync_standbys &&
						 loop->mismatch_allowed == pgr_allow_collation_mismatch))
		return;
	loop->sync_mode = pgr_sync_mode;
	loop->sync_standbys = pgr_sync_standbys;
	loop->mismatch_allowed = pgr_allow_collation_mismatch;
	if (pgr_sync_standbys_are_wrong(pgr_config.n_nodes, pgr_witness, pgr_sync_standbys, why, sizeof(why)))
		ereport(LOG, (errmsg("pg_replica stays with pg_replica.sync_standbys = %d, because %d cannot be used: %s",
							 loop->standbys_told, pgr_sync_standbys, why)));
	else
		loop->standbys_told = pgr_sync_standbys;
	pgr_event_configured(&loop->event, loop->sync_mode, loop->standbys_told, loop->mismatch_allowed);
	step(loop);
}

/* Every event lets the core look at the time; it is told alone when it asked for that, or nothing else came. */
static int64
next_time(const PgrLoop *loop)
{
	/* A wish for the past must not become a busy loop. */
	return Max(Min(loop->wake_at_ms, loop->stepped_ms + loop->tick_ms + SLACK_MS), loop->time_told_ms + 1);
}

static void
tell_time(PgrLoop *loop, int64 now)
{
	if (now < next_time(loop))
		return;
	loop->time_told_ms = now;
	if (loop->wake_at_ms <= now)
		loop->wake_at_ms = PG_INT64_MAX;
	pgr_event_time(&loop->event);
	step(loop);
}

static void
refresh_addresses(PgrLoop *loop, int64 now)
{
	char		problem[sizeof(loop->problem)];

	if (now < loop->addresses_ms + ADDRESSES_EVERY_MS)
		return;
	loop->addresses_ms = now;
	if (!pgr_addresses_refresh(now, problem, sizeof(problem)))
		pgr_loop_fail(loop, problem);
}

/*
 * While nothing goes on, one wake-up for each round of heartbeats is enough.
 * A primary whose lease has long to run reads the answers to its heartbeats
 * when the next ones are due.  A node that a leader has just asked waits for
 * the leader's next word, not for what others tell.  A connection that ends
 * wakes it anyway.
 *
 * The lease counts from the sending of what was answered, so an answer that is
 * read late never makes it longer.  Whoever misses its leader's word is not
 * patient, nor is a candidate: only a vote for a leader's chosen successor may
 * be asked of a patient node, and waits for a round at most.
 */
static bool
is_patient(const PgrLoop *loop, int64 now)
{
	int64		spare_ms = pgr_election_timeout / 2;

	if (loop->expected != 0 || loop->sealing || now - loop->eventful_ms <= CALM_AFTER_MS)
		return false;
	return pgr_fence_lasts(spare_ms) || pgr_net_is_asked(now);
}

/*
 * Waits for the network, a signal, a request, the clock, or the death of the
 * postmaster.
 */
static void
wait_for_something(PgrLoop *loop, bool more)
{
	struct pollfd fds[PGR_NET_POLL_MAX];
	int64		now = pgr_now_ms();
	bool		patient = is_patient(loop, now);
	int64		until;
	uint64		count;
	int			fixed = 0;
	int			n;

	loop->tick_ms = patient ? CALM_TICK_MS : TICK_MS;
	until = Min(next_time(loop), next_observation(loop));
	until = Min(until, pgr_net_next_tick());
	if (loop->sealing)
		until = Min(until, now + 1);
	if (loop->child)
		until = Min(until, loop->progress_ms + PROGRESS_EVERY_MS);
	if (more || loop->n_answers > 0)
		until = now;

	fds[fixed++] = (struct pollfd) {.fd = pgr_wake_fd, .events = POLLIN};
	if (!loop->child)
		fds[fixed++] = (struct pollfd) {.fd = postmaster_alive_fds[POSTMASTER_FD_WATCH], .events = POLLIN};
	n = fixed + pgr_net_poll_set(fds + fixed, PGR_NET_POLL_MAX - fixed, patient);
	if (poll(fds, n, (int) Max(Min(until - now, loop->tick_ms + SLACK_MS), 0)) < 0)
	{
		if (errno != EINTR)
			pgr_loop_fail(loop, "poll() failed");
		return;
	}
	if (fds[0].revents != 0 && read(pgr_wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		pgr_loop_fail(loop, "the wake-up descriptor cannot be read");
	if (!loop->child && fds[1].revents != 0)
	{
		/* Backends outlive their postmaster, and nobody renews their lease now. */
		pgr_fence_set_lease(0, (int64) pg_atomic_read_u64(&pgr_shared->fence.term),
							"the postmaster is gone", true);
		pgr_loop_fail(loop, "the postmaster is gone");
	}
	pgr_net_handle(fds + fixed, n - fixed, pgr_now_ms());
}

static void
turn(PgrLoop *loop)
{
	char		problem[sizeof(loop->problem)];
	int64		now = pgr_now_ms();
	bool		more;

	pgr_loop_heartbeat(now);
	refresh_addresses(loop, now);
	pgr_net_tick(now);
	more = tell_network(loop);
	tell_answers(loop);
	tell_requests(loop);
	tell_settings(loop);
	tell_observation(loop, now);
	tell_progress(loop, now);
	tell_time(loop, pgr_now_ms());
	/* Last, so that a vote of this turn leaves with it. */
	tell_seal(loop, pgr_now_ms());
	pgr_net_flush_all();
	if (loop->broken)
		return;
	if (!more && !pgr_box_tidy(true, problem, sizeof(problem)))
	{
		pgr_loop_fail(loop, problem);
		return;
	}
	pgr_trace_rest(now);
	wait_for_something(loop, more);
}

/* Of this process. */
static PgrLoop loop;

/*
 * pgr_loop_say_crashed
 *		To the others a primary's silence looks like its loss, and it may be
 *		away for longer than an election takes: its children must end, and its
 *		shared memory be given back, before it starts anew.
 */
void
pgr_loop_say_crashed(void)
{
	if (loop.broken || loop.seen.phase != PGR_POSTGRES_PRIMARY)
		return;
	loop.seen.phase = PGR_POSTGRES_CRASH_RECOVERY;
	pgr_event_observed(&loop.event, &loop.seen);
	step(&loop);
	pgr_net_flush_all();
}

bool
pgr_loop_run(bool child, PgrLoopGoesOn goes_on, char *problem, size_t size)
{
	memset(&loop, 0, sizeof(loop));
	loop.child = child;
	loop.wake_at_ms = PG_INT64_MAX;
	loop.tick_ms = TICK_MS;
	loop.time_told_ms = pgr_now_ms();
	pgr_loop_heartbeat(loop.time_told_ms);
	if (!pgr_loop_prepare(&loop, goes_on))
	{
		strlcpy(problem, loop.problem, size);
		return !goes_on();
	}
	if (!child)
		pgr_mailbox_disown();
	step(&loop);
	if (!loop.broken)
		pgr_finding_set(PGR_FINDING_CORE, "");
	while (!loop.broken && goes_on())
		turn(&loop);
	pgr_net_close();
	pgr_trace_end();
	strlcpy(problem, loop.problem, size);
	return !loop.broken;
}
