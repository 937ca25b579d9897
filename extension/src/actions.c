/*
 * actions.c
 *		What the core asks for, carried out strictly in its order.
 *
 * An action that writes to disk is durable before the next one starts (P9); if
 * it fails, nothing behind it happens and the process leaves.
 */
#include "postgres.h"

#include "loop.h"

#include "assistant.h"
#include "config.h"
#include "fence.h"
#include "gate.h"
#include "identity.h"
#include "net.h"
#include "observe.h"
#include "promote.h"
#include "restart.h"
#include "shared.h"
#include "store.h"

#define SEAL_WITHIN_MS 100
#define EXPECT_PRIMARY_MS 30000
#define EXPECT_STREAMING_MS 3000
#define EXPECT_STOPPING_MS 10000
#define EXPECT_SYNC_MS 3000
#define EXPECT_CONFIRMED_MS 500

/* The core logs decisions, not events; more than this is a fault of its own. */
#define LINES_PER_WINDOW 60
#define WINDOW_MS 10000

void
pgr_loop_fail(PgrLoop *loop, const char *problem)
{
	if (loop->broken)
		return;
	loop->broken = true;
	strlcpy(loop->problem, problem, sizeof(loop->problem));
}

static void
answer(PgrLoop *loop, int task, bool ok, const char *detail)
{
	PgrAnswer  *next;

	if (loop->n_answers == PGR_ANSWERS_MAX)
		return;					/* the core repeats what stays undone */
	next = &loop->answers[loop->n_answers++];
	next->task = task;
	next->ok = ok;
	strlcpy(next->detail, detail, sizeof(next->detail));
}

static void
expect(PgrLoop *loop, uint32 what, int64 for_ms)
{
	loop->expected |= what;
	loop->expected_until_ms = Max(loop->expected_until_ms, pgr_now_ms() + for_ms);
}

static void
store(PgrLoop *loop, const PgrAction *action)
{
	char		problem[PGR_FINDING_SIZE];
	bool		done;

	/* What was sent before does not wait for the disk. */
	pgr_net_flush_all();

	/* The watchdog has more patience with a slow disk than with a loop. */
	pg_atomic_write_u32(&pgr_shared->worker.storing, 1);
	if (action->tag == PGR_ACTION_STORE_REPLACE)
		done = pgr_store_replace(action->name, action->content, action->length,
								 problem, sizeof(problem));
	else
		done = pgr_store_append(action->name, action->number, action->content, action->length,
								problem, sizeof(problem));
	pg_atomic_write_u32(&pgr_shared->worker.storing, 0);
	if (done)
		return;
	pgr_finding_set(PGR_FINDING_STORE, problem);
	pgr_loop_fail(loop, problem);
}

static void
follow(PgrLoop *loop, const PgrAction *action)
{
	PgrUpstream upstream;

	if (pgr_node_number(action->name) < 0)
	{
		ereport(WARNING,
				(errmsg("pg_replica cannot follow node \"%s\": it is not in pg_replica.nodes", action->name)));
		return;
	}
	memset(&upstream, 0, sizeof(upstream));
	strlcpy(upstream.node, action->name, sizeof(upstream.node));
	strlcpy(upstream.slot, action->slot, sizeof(upstream.slot));
	strlcpy(upstream.application_name, action->application_name, sizeof(upstream.application_name));
	upstream.timeline = action->timeline;
	upstream.term = action->term;
	pgr_gate_open(&upstream);
	expect(loop, PGR_EXPECT_STREAMING, EXPECT_STREAMING_MS);
}

static void
restart(PgrLoop *loop, const PgrAction *action)
{
	char		error[PGR_TASK_DETAIL_SIZE] = "";
	PgrRestartMode mode = action->mode == 2 ? PGR_RESTART_IMMEDIATE : PGR_RESTART_FAST;

	ereport(LOG,
			(errmsg("pg_replica restarts this server (%s%s): %s",
					mode == PGR_RESTART_FAST ? "fast" : "immediate",
					action->work == PGR_WORK_REWIND ? ", then rewinds it" :
					action->work == PGR_WORK_CLONE ? ", then clones it" : "",
					action->text)));
	if (action->work != PGR_WORK_NONE)
	{
		bool		ordered;

		pg_atomic_write_u32(&pgr_shared->worker.storing, 1);
		ordered = pgr_prestart_order((PgrWork) action->work, action->name, action->content,
									 action->length, action->text, error, sizeof(error));
		pg_atomic_write_u32(&pgr_shared->worker.storing, 0);
		if (!ordered)
		{
			answer(loop, PGR_TASK_RESTART, false, error);
			return;
		}
	}
	if (pgr_restart_request(mode))
		expect(loop, PGR_EXPECT_STOPPING, EXPECT_STOPPING_MS);
	else
		answer(loop, PGR_TASK_RESTART, false, "somebody else is stopping the server");
}

/*
 * Commits that do not see the new rule yet, or that the fence is closed, are
 * written by now: what is observed next covers them, and the core hears of it
 * in any case.
 */
static void
set_lease(PgrLoop *loop, const PgrAction *action)
{
	bool		quorum = pg_atomic_read_u32(&pgr_shared->fence.quorum) != 0;
	bool		open = pg_atomic_read_u64(&pgr_shared->fence.deadline) != 0;

	pgr_fence_set_lease(action->number, action->term, action->text, action->ok);
	if (quorum != action->ok || (open && action->number <= 0))
		loop->tell_anyway = true;
	if (quorum != action->ok)
		loop->observed_ms = 0;
}

static void
promote(PgrLoop *loop, const PgrAction *action)
{
	char		error[PGR_TASK_DETAIL_SIZE] = "";

	if (pgr_promote(action->timeline, error, sizeof(error)))
		expect(loop, PGR_EXPECT_PRIMARY, EXPECT_PRIMARY_MS);
	else
		answer(loop, PGR_TASK_PROMOTE, false, error);
}

static void
write_identity(PgrLoop *loop, const PgrAction *action)
{
	char		error[PGR_TASK_DETAIL_SIZE] = "";
	bool		done;

	pg_atomic_write_u32(&pgr_shared->worker.storing, 1);
	done = pgr_identity_write(action->content, action->length, error, sizeof(error));
	pg_atomic_write_u32(&pgr_shared->worker.storing, 0);
	answer(loop, PGR_TASK_IDENTITY, done, error);
	pgr_observe_forget_identity();
	loop->observed_ms = 0;
}

static void
log_line(const PgrAction *action)
{
	static int64 window_ms = 0;
	static int	lines = 0;
	int64		now = pgr_now_ms();
	int			level = action->mode == 2 ? WARNING : action->mode == 3 ? DEBUG1 : LOG;

	if (now - window_ms > WINDOW_MS)
	{
		if (lines > LINES_PER_WINDOW)
			ereport(LOG,
					(errmsg("pg_replica left out %d lines of its log", lines - LINES_PER_WINDOW)));
		window_ms = now;
		lines = 0;
	}
	if (++lines <= LINES_PER_WINDOW)
		ereport(level, (errmsg_internal("pg_replica: %s", action->text)));
}

static void
allow_replication(const PgrAction *action)
{
	const char *names[PGR_ACTION_NAMES_MAX];

	for (int i = 0; i < action->n_names; i++)
		names[i] = action->names[i];
	pgr_admit(names, action->n_names);
}

/* What only makes sense while there is a Postgres around us. */
static void
run_on_postgres(PgrLoop *loop, const PgrAction *action)
{
	switch (action->tag)
	{
		case PGR_ACTION_FOLLOW:
			follow(loop, action);
			break;
		case PGR_ACTION_PROMOTE:
			promote(loop, action);
			break;
		case PGR_ACTION_CHECKPOINT:
			pgr_assistant_checkpoint();
			break;
		case PGR_ACTION_ENSURE_SLOTS:
			pgr_assistant_slots(action->wishes, action->n_wishes);
			break;
		case PGR_ACTION_STORE_LATER:
			pgr_assistant_store(action->name, action->content, action->length);
			break;
		case PGR_ACTION_SET_SYNC:
			pgr_sync_want(action->text);
			expect(loop, PGR_EXPECT_SYNC, EXPECT_SYNC_MS);
			break;
		case PGR_ACTION_ALLOW_READS:
			pgr_reads_allow(action->ok);
			break;
		case PGR_ACTION_FLUSH_WAL:
			pgr_assistant_flush();
			expect(loop, PGR_EXPECT_CONFIRMED, EXPECT_CONFIRMED_MS);
			break;
		case PGR_ACTION_WRITE_IDENTITY:
			write_identity(loop, action);
			break;
		case PGR_ACTION_ALLOW_REPLICATION:
			allow_replication(action);
			break;
		default:
			break;
	}
}

static void
refuse_without_postgres(PgrLoop *loop, const PgrAction *action)
{
	int			task = action->tag == PGR_ACTION_PROMOTE ? PGR_TASK_PROMOTE :
		action->tag == PGR_ACTION_CHECKPOINT ? PGR_TASK_CHECKPOINT :
		action->tag == PGR_ACTION_ENSURE_SLOTS ? PGR_TASK_SLOTS :
		action->tag == PGR_ACTION_WRITE_IDENTITY ? PGR_TASK_IDENTITY :
		action->tag == PGR_ACTION_SET_SYNC ? PGR_TASK_SYNC : PGR_TASK_NONE;

	if (task != PGR_TASK_NONE)
		answer(loop, task, false, "Postgres is down for work on its data directory");
}

/* What a node does all day while nothing happens. */
static bool
is_daily_round(const PgrAction *action)
{
	switch (action->tag)
	{
		case PGR_ACTION_SEND:
		case PGR_ACTION_SET_LEASE:
		case PGR_ACTION_PUBLISH:
		case PGR_ACTION_WAKE_AT:
		case PGR_ACTION_ENSURE_SLOTS:
		case PGR_ACTION_STORE_LATER:
			return true;
		default:
			return false;
	}
}

static void
run(PgrLoop *loop, const PgrAction *action)
{
	if (!is_daily_round(action))
		loop->eventful_ms = pgr_now_ms();
	switch (action->tag)
	{
		case PGR_ACTION_STORE_REPLACE:
		case PGR_ACTION_STORE_APPEND:
			store(loop, action);
			break;
		case PGR_ACTION_SEND:
			{
				int			node = pgr_node_number(action->name);

				if (node >= 0)
					(void) pgr_net_send(node, action->content, action->length);
				break;
			}
		case PGR_ACTION_SET_LEASE:
			set_lease(loop, action);
			break;
		case PGR_ACTION_SEAL:
			pgr_gate_close();
			loop->sealing = true;
			loop->seal_term = action->term;
			loop->seal_until_ms = pgr_now_ms() + SEAL_WITHIN_MS;
			break;
		case PGR_ACTION_PUBLISH:
			pgr_published_write(&pgr_shared->published[action->mode - 1], action->content, action->length);
			break;
		case PGR_ACTION_REPLY:
			pgr_mailbox_answer(action->number, action->ok, action->text,
							   (int32) strlen(action->text));
			break;
		case PGR_ACTION_RESTART:
			/* In the pre-start child: other work than the one under way. */
			restart(loop, action);
			break;
		case PGR_ACTION_LOG:
			log_line(action);
			break;
		case PGR_ACTION_WAKE_AT:
			loop->wake_at_ms = action->number;
			break;
		default:
			if (loop->child)
				refuse_without_postgres(loop, action);
			else
				run_on_postgres(loop, action);
			break;
	}
}

void
pgr_actions_run(PgrLoop *loop, const uint8 *actions, int32 length)
{
	static PgrAction action;
	PgrReader	reader = {actions, length, 0, false};
	int32		count = pgr_take_count(&reader, 1);

	for (int32 i = 0; i < count && !loop->broken; i++)
	{
		if (!pgr_action_read(&reader, &action))
			break;
		run(loop, &action);
	}
	if (!loop->broken && (reader.bad || reader.at != length))
		pgr_loop_fail(loop, "the core gave a list of actions that cannot be read");
}
