/*
 * gate_receiver.c
 *		The gate as the WAL receiver goes through it.
 *
 * primary_conninfo holds a constant text, so Postgres always starts a WAL
 * receiver; where it connects, and whether it may, is decided here.  The
 * functions of libpqwalreceiver are wrapped: connecting waits until the gate
 * is open, and everything that follows on that connection works only while
 * the gate has not been closed since.
 */
#include "postgres.h"
#include "compat.h"

#include "access/timeline.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/walreceiver.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "assistant.h"
#include "config.h"
#include "failover_slots.h"
#include "gate.h"
#include "promote.h"
#include "shared.h"

#define WAIT_STEP_MS		50
#define LOG_INTERVAL_MS		10000
#define PAUSE_LIMIT_MS		1000

static WalReceiverFunctionsType original;
static WalReceiverFunctionsType wrapped;

/* Of this process's connection. */
static uint64 my_epoch = 0;
static PgrUpstream my_upstream;
static TimeLineID upstream_timeline = 0;

/* The older timeline that is streamed, and where the upstream's left it. */
static TimeLineID my_timeline = 0;
static XLogRecPtr my_fork = InvalidXLogRecPtr;

static void
leave_if_closed(void)
{
	if (pg_atomic_read_u64(&pgr_shared->gate.epoch) == my_epoch)
		return;
	ereport(FATAL,
			(errcode(ERRCODE_ADMIN_SHUTDOWN),
			 errmsg("pg_replica ended streaming from node \"%s\"", my_upstream.node)));
}

static void
pause_ms(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	PgrWalReceiverInterrupts();
}

/* Waits for an open gate, and copies whom it is open to. */
static void
wait_until_open(void)
{
	PgrGateShared *gate = &pgr_shared->gate;

	for (;;)
	{
		uint64		epoch = pg_atomic_read_u64(&gate->epoch);

		if (pgr_gate_epoch_is_open(epoch))
		{
			SpinLockAcquire(&gate->mutex);
			my_upstream = gate->upstream;
			SpinLockRelease(&gate->mutex);
			if (pg_atomic_read_u64(&gate->epoch) == epoch)
			{
				my_epoch = epoch;
				return;
			}
			continue;
		}
		pause_ms(WAIT_STEP_MS);
	}
}

/*
 * An upstream that refuses, or ends each connection at once, is not asked
 * more often than once a second.  The first attempts follow each other
 * quickly, because after a failover each of them counts.
 */
static bool
pause_before_attempt(void)
{
	PgrGateShared *gate = &pgr_shared->gate;
	uint32		attempts = pg_atomic_read_u32(&gate->attempts);
	int64		pause = attempts == 0 ? 0 : Min(PAUSE_LIMIT_MS, 20 << Min(attempts, 10));
	int64		due = (int64) pg_atomic_read_u64(&gate->attempt_ms) + pause;

	while (pgr_now_ms() < due)
	{
		if (pg_atomic_read_u64(&gate->epoch) != my_epoch)
			return false;
		pause_ms(Min(WAIT_STEP_MS, due - pgr_now_ms() + 1));
	}
	pg_atomic_write_u64(&gate->attempt_ms, pgr_now_ms());
	pg_atomic_fetch_add_u32(&gate->attempts, 1);
	return true;
}

static void
report_failure(const char *error)
{
	PgrGateShared *gate = &pgr_shared->gate;
	int64		now = pgr_now_ms();

	if (now - (int64) pg_atomic_read_u64(&gate->last_log_ms) < LOG_INTERVAL_MS)
		return;
	pg_atomic_write_u64(&gate->last_log_ms, now);
	ereport(LOG,
			(errmsg("could not connect to node \"%s\" for streaming: %s",
					my_upstream.node, error ? error : "no reason given"),
			 errhint("The connection is tried again for as long as \"%s\" is the primary.",
					 my_upstream.node)));
}

static WalReceiverConn *
slotsync_connect(PGR_WALRCV_CONNECT_ARGUMENTS)
{
	char		actual[PGR_CONNINFO_SIZE];
	WalReceiverConn *connection;

	if (!pgr_slotsync_conninfo(actual, sizeof(actual), err))
		return NULL;
	connection = (original.walrcv_connect)(PGR_WALRCV_CONNECT_VALUES(actual));
	if (connection != NULL)
		pgr_slotsync_connected();
	return connection;
}

/* The addresses may have changed since the gate was opened. */
static WalReceiverConn *
connect_to_upstream(PGR_WALRCV_CONNECT_ARGUMENTS)
{
	char		actual[PGR_CONNINFO_SIZE];

	if (pgr_conninfo(actual, sizeof(actual), pgr_node_number(my_upstream.node), NULL,
					 my_upstream.application_name))
		return (original.walrcv_connect)(PGR_WALRCV_CONNECT_VALUES(actual));
	*err = pstrdup("its connection string is too long");
	return NULL;
}

static WalReceiverConn *
gate_connect(PGR_WALRCV_CONNECT_ARGUMENTS)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (PgrAmSlotSync())
		return slotsync_connect(PGR_WALRCV_CONNECT_VALUES(conninfo));
	if (!PgrAmWalReceiver() || !PGR_WALRCV_IS_PHYSICAL)
		return (original.walrcv_connect)(PGR_WALRCV_CONNECT_VALUES(conninfo));

	for (;;)
	{
		WalReceiverConn *connection;

		wait_until_open();
		if (!pause_before_attempt())
			continue;

		pg_atomic_write_u64(&gate->connecting_ms, pgr_now_ms());
		pg_atomic_write_u32(&gate->connecting_pid, MyProcPid);
		*err = NULL;
		connection = connect_to_upstream(PGR_WALRCV_CONNECT_VALUES(conninfo));
		pg_atomic_write_u32(&gate->connecting_pid, 0);
		if (connection != NULL)
		{
			leave_if_closed();
			return connection;
		}
		report_failure(*err);
		/* It may have moved. */
		pgr_assistant_resolve_soon();
		PgrWalReceiverInterrupts();
	}
}

static char *
gate_identify_system(WalReceiverConn *conn, TimeLineID *primary_tli)
{
	char	   *identifier;

	if (!PgrAmWalReceiver())
		return (original.walrcv_identify_system)(conn, primary_tli);
	leave_if_closed();
	identifier = (original.walrcv_identify_system)(conn, primary_tli);
	upstream_timeline = *primary_tli;
	if (upstream_timeline != my_upstream.timeline)
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node \"%s\" is on timeline %u, but it was confirmed for timeline %u",
						my_upstream.node, upstream_timeline, my_upstream.timeline)));
	return identifier;
}

/*
 * Postgres wants the history of each number between its own timeline and the
 * upstream's, and gives up if the upstream lacks one: it was cloned, or the
 * number was never used.  Both can be had from the upstream's own history.
 */
static void
history_from_descendant(WalReceiverConn *conn, TimeLineID tli,
						char **filename, char **content, int *size)
{
	char	   *history;
	char	   *name;
	int			length;
	size_t		cut;
	char		expected[MAXFNAMELEN];

	(original.walrcv_readtimelinehistoryfile)(conn, upstream_timeline, &name, &history, &length);
	TLHistoryFileName(expected, tli);
	*filename = pstrdup(expected);
	if (pgr_history_of_ancestor(history, length, tli, &cut) && cut > 0)
	{
		*content = history;
		*size = cut;
		return;
	}
	*content = palloc(256);
	pgr_placeholder_text(*content, 256, tli);
	*size = strlen(*content);
}

static void
gate_readtimelinehistoryfile(WalReceiverConn *conn, TimeLineID tli,
							 char **filename, char **content, int *size)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool missing = false;

	if (!PgrAmWalReceiver() || upstream_timeline <= tli)
	{
		(original.walrcv_readtimelinehistoryfile)(conn, tli, filename, content, size);
		return;
	}
	leave_if_closed();
	PG_TRY();
	{
		(original.walrcv_readtimelinehistoryfile)(conn, tli, filename, content, size);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		missing = true;
	}
	PG_END_TRY();
	if (missing)
		history_from_descendant(conn, tli, filename, content, size);
}

static void
note_fork(TimeLineID timeline)
{
	my_timeline = timeline;
	my_fork = timeline == upstream_timeline ? InvalidXLogRecPtr :
		tliSwitchPoint(timeline, readTimeLineHistory(upstream_timeline), NULL);
}

/*
 * What was received before the gate was closed is flushed, and replayed, also
 * after this node's position was reported and compared.  Where that leads past
 * the fork, the positions told from here are those of other WAL, which the
 * upstream would take for confirmations of its own (A1).
 */
static void
leave_if_past_fork(void)
{
	TimeLineID	replayed_on;
	XLogRecPtr	replayed;

	if (XLogRecPtrIsInvalid(my_fork))
		return;
	replayed = GetXLogReplayRecPtr(&replayed_on);
	if (replayed_on != my_timeline || replayed <= my_fork)
		return;
	ereport(FATAL,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this node replayed timeline %u up to %X/%X, past %X/%X where timeline %u of node \"%s\" left it",
					my_timeline, LSN_FORMAT_ARGS(replayed), LSN_FORMAT_ARGS(my_fork),
					upstream_timeline, my_upstream.node),
			 errhint("The leader has it rewound.")));
}

static bool
gate_startstreaming(WalReceiverConn *conn, const WalRcvStreamOptions *options)
{
	WalRcvStreamOptions own = *options;
	PgrGateShared *gate = &pgr_shared->gate;

	if (!PgrAmWalReceiver() || options->logical)
		return (original.walrcv_startstreaming)(conn, options);
	leave_if_closed();
	note_fork(options->proto.physical.startpointTLI);
	if (own.slotname == NULL && my_upstream.slot[0] != '\0')
		own.slotname = my_upstream.slot;
	if (!(original.walrcv_startstreaming)(conn, &own))
		return false;
	leave_if_past_fork();
	pg_atomic_write_u32(&gate->streaming_pid, MyProcPid);
	pg_atomic_write_u64(&gate->streaming_epoch, my_epoch);
	return true;
}

static void
gate_endstreaming(WalReceiverConn *conn, TimeLineID *next_tli)
{
	if (PgrAmWalReceiver())
	{
		leave_if_closed();
		pg_atomic_write_u64(&pgr_shared->gate.streaming_epoch, 0);
	}
	(original.walrcv_endstreaming)(conn, next_tli);
}

static int
gate_receive(WalReceiverConn *conn, char **buffer, pgsocket *wait_fd)
{
	if (PgrAmWalReceiver())
	{
		leave_if_closed();
		/* Received something: the pauses between attempts begin anew. */
		if (pg_atomic_read_u32(&pgr_shared->gate.attempts) > 1 &&
			pgr_now_ms() - (int64) pg_atomic_read_u64(&pgr_shared->gate.attempt_ms) > LOG_INTERVAL_MS)
			pg_atomic_write_u32(&pgr_shared->gate.attempts, 1);
	}
	return (original.walrcv_receive)(conn, buffer, wait_fd);
}

/*
 * Whoever closes raises the epoch and then looks at sender_pid; here
 * sender_pid is set first and the epoch looked at afterwards.  With a full
 * barrier in both, one of them sees the other.
 */
static void
gate_send(WalReceiverConn *conn, const char *buffer, int nbytes)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (!PgrAmWalReceiver())
	{
		(original.walrcv_send)(conn, buffer, nbytes);
		return;
	}
	leave_if_past_fork();
	pg_atomic_exchange_u32(&gate->sender_pid, MyProcPid);
	pg_memory_barrier();
	if (pg_atomic_read_u64(&gate->epoch) != my_epoch)
		pg_atomic_exchange_u32(&gate->sender_pid, 0);
	leave_if_closed();
	(original.walrcv_send)(conn, buffer, nbytes);
	pg_atomic_exchange_u32(&gate->sender_pid, 0);
}

void
pgr_gate_wrap(void)
{
	load_file("libpqwalreceiver", false);
	if (WalReceiverFunctions == NULL)
		ereport(FATAL,
				(errmsg("pg_replica needs libpqwalreceiver, which did not initialize")));
	original = *WalReceiverFunctions;
	wrapped = original;
	wrapped.walrcv_connect = gate_connect;
	wrapped.walrcv_identify_system = gate_identify_system;
	wrapped.walrcv_readtimelinehistoryfile = gate_readtimelinehistoryfile;
	wrapped.walrcv_startstreaming = gate_startstreaming;
	wrapped.walrcv_endstreaming = gate_endstreaming;
	wrapped.walrcv_receive = gate_receive;
	wrapped.walrcv_send = gate_send;
	WalReceiverFunctions = &wrapped;
}
