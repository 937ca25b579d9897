/*
 * gate.c
 *		The gate in the WAL receiver, as the node worker opens and closes it.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "miscadmin.h"
#include "replication/walreceiver.h"
#include "storage/ipc.h"

#include "config.h"
#include "failover_slots.h"
#include "gate.h"
#include "prestart.h"
#include "promote.h"
#include "restart.h"
#include "shared.h"

static shmem_startup_hook_type former_shmem_startup = NULL;

/*
 * Also a crash restart inside the postmaster, which does not come through
 * _PG_init, is a start: the gate is closed, and nothing is left of a promotion
 * that did not happen.  Runs while the postmaster has no other child.
 */
static void
gate_shmem_startup(void)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (former_shmem_startup != NULL)
		former_shmem_startup();
	if (IsUnderPostmaster)
		return;
	pgr_restart_note_began();
	if (pgr_gate_epoch_is_open(pg_atomic_read_u64(&gate->epoch)))
		pg_atomic_fetch_add_u64(&gate->epoch, 1);
	/* The process that was ended may have held it. */
	SpinLockInit(&gate->mutex);
	pg_atomic_write_u32(&gate->sender_pid, 0);
	pg_atomic_write_u32(&gate->connecting_pid, 0);
	pg_atomic_write_u32(&gate->slotsync_pid, 0);
	pg_atomic_write_u64(&gate->streaming_epoch, 0);
	SpinLockInit(&pgr_shared->assistant.mutex);
	(void) pgr_placeholders_remove();
}

void
pgr_gate_init(void)
{
	PgrGateShared *gate = &pgr_shared->gate;

	SpinLockInit(&gate->mutex);
	pg_atomic_init_u64(&gate->epoch, 0);
	pg_atomic_init_u32(&gate->sender_pid, 0);
	pg_atomic_init_u32(&gate->connecting_pid, 0);
	pg_atomic_init_u64(&gate->connecting_ms, 0);
	pg_atomic_init_u32(&gate->slotsync_pid, 0);
	pg_atomic_init_u64(&gate->streaming_epoch, 0);
	pg_atomic_init_u32(&gate->streaming_pid, 0);
	pg_atomic_init_u32(&gate->attempts, 0);
	pg_atomic_init_u64(&gate->attempt_ms, 0);
	pg_atomic_init_u64(&gate->last_log_ms, 0);

	pgr_gate_wrap();

	former_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = gate_shmem_startup;
}

static pid_t
walreceiver_pid(void)
{
	pid_t		pid;

	SpinLockAcquire(&WalRcv->mutex);
	pid = WalRcv->pid;
	SpinLockRelease(&WalRcv->mutex);
	return pid;
}

/* Nothing wakes a WAL receiver that waits for a silent host but a signal. */
static void
end_connecting(void)
{
	pid_t		pid = pg_atomic_read_u32(&pgr_shared->gate.connecting_pid);

	if (pid != 0 && pid == walreceiver_pid())
		(void) kill(pid, SIGTERM);
}

static void
end_old_connection(void)
{
	if (pgr_in_prestart || WalRcv == NULL)
		return;
	end_connecting();
	/* The attempt to reply makes it notice; a waiting one looks again. */
	WalRcvForceReply();
}

void
pgr_gate_close(void)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (!pgr_gate_epoch_is_open(pg_atomic_read_u64(&gate->epoch)))
		return;
	pg_atomic_fetch_add_u64(&gate->epoch, 1);
	pg_memory_barrier();
	end_old_connection();
	pgr_slotsync_end();
	pgr_replay_tend();
}

bool
pgr_gate_is_drained(void)
{
	pid_t		sender = pg_atomic_read_u32(&pgr_shared->gate.sender_pid);

	/* A WAL receiver that died inside a send is no longer Postgres's. */
	return sender == 0 || pgr_in_prestart || WalRcv == NULL || sender != walreceiver_pid();
}

static bool
is_same_connection(const PgrUpstream *a, const PgrUpstream *b)
{
	return strcmp(a->node, b->node) == 0 &&
		strcmp(a->slot, b->slot) == 0 &&
		strcmp(a->application_name, b->application_name) == 0 &&
		a->timeline == b->timeline;
}

void
pgr_gate_open(const PgrUpstream *upstream)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (pgr_gate_is_open() && is_same_connection(&gate->upstream, upstream))
	{
		gate->upstream.term = upstream->term;
		return;
	}
	pgr_gate_close();
	SpinLockAcquire(&gate->mutex);
	gate->upstream = *upstream;
	SpinLockRelease(&gate->mutex);
	pg_atomic_write_u32(&gate->attempts, 0);
	pg_atomic_write_u64(&gate->last_log_ms, 0);
	pg_atomic_fetch_add_u64(&gate->epoch, 1);
	if (!pgr_in_prestart && WalRcv != NULL)
		WalRcvForceReply();
}

bool
pgr_gate_is_open(void)
{
	return pgr_gate_epoch_is_open(pg_atomic_read_u64(&pgr_shared->gate.epoch));
}

bool
pgr_gate_is_streaming(void)
{
	PgrGateShared *gate = &pgr_shared->gate;
	uint64		epoch = pg_atomic_read_u64(&gate->epoch);

	return pgr_gate_epoch_is_open(epoch) && !pgr_in_prestart && WalRcv != NULL &&
		pg_atomic_read_u64(&gate->streaming_epoch) == epoch &&
		pg_atomic_read_u32(&gate->streaming_pid) == (uint32) walreceiver_pid();
}

void
pgr_gate_tend(void)
{
	PgrGateShared *gate = &pgr_shared->gate;

	if (pgr_in_prestart || WalRcv == NULL ||
		pg_atomic_read_u32(&gate->connecting_pid) == 0)
		return;
	if (pgr_now_ms() - (int64) pg_atomic_read_u64(&gate->connecting_ms) < pgr_connect_limit_ms())
		return;
	pg_atomic_write_u64(&gate->connecting_ms, pgr_now_ms());
	end_connecting();
}

bool
pgr_gate_upstream(PgrUpstream *out)
{
	PgrGateShared *gate = &pgr_shared->gate;

	memset(out, 0, sizeof(*out));
	if (!pgr_gate_is_open())
		return false;
	SpinLockAcquire(&gate->mutex);
	*out = gate->upstream;
	SpinLockRelease(&gate->mutex);
	return true;
}
