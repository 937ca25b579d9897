/*-------------------------------------------------------------------------
 *
 * gate.h
 *		The gate in the WAL receiver: nothing is received from, or
 *		acknowledged to, an upstream that no leader has confirmed (promise P6).
 *
 * The gate is closed at every start of the server.  Only the node worker (or
 * its replacement) opens and closes it, so its writers never compete.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_GATE_H
#define PGR_GATE_H

#include "port/atomics.h"
#include "storage/s_lock.h"
#include "storage/spin.h"

#include "config.h"

#define PGR_CONNINFO_SIZE	4096

/* The one that a node opens on another. */
#define PGR_DATABASE		"postgres"

/* From whom this node may receive WAL. */
typedef struct PgrUpstream
{
	char		node[PGR_NAME_SIZE];
	char		slot[PGR_NAME_SIZE];	/* empty: stream without a slot */
	char		application_name[PGR_NAME_SIZE];
	uint32		timeline;
	int64		term;
} PgrUpstream;

typedef struct PgrGateShared
{
	slock_t		mutex;			/* protects upstream */
	PgrUpstream upstream;

	/* odd: open.  Raised by every closing and every opening. */
	pg_atomic_uint64 epoch;

	/* pid of the WAL receiver that is inside a send just now, or 0 */
	pg_atomic_uint32 sender_pid;

	/* the WAL receiver that is just connecting, and since when */
	pg_atomic_uint32 connecting_pid;
	pg_atomic_uint64 connecting_ms;

	/* the slot sync worker, from its connection to its end */
	pg_atomic_uint32 slotsync_pid;

	/* epoch of the connection the WAL receiver streams over, and its pid */
	pg_atomic_uint64 streaming_epoch;
	pg_atomic_uint32 streaming_pid;

	/* connections made in this epoch, for the pause before the next */
	pg_atomic_uint32 attempts;
	pg_atomic_uint64 attempt_ms;
	pg_atomic_uint64 last_log_ms;
} PgrGateShared;

static inline bool
pgr_gate_epoch_is_open(uint64 epoch)
{
	return (epoch & 1) != 0;
}

/* In _PG_init, after the shared mapping exists: wraps WalReceiverFunctions. */
extern void pgr_gate_init(void);

/* gate_receiver.c */
extern void pgr_gate_wrap(void);

/* Closes the gate and returns at once; ask pgr_gate_is_drained() after it. */
extern void pgr_gate_close(void);

/*
 * True when nothing that was let in before the last closing can still be
 * sending: the flush position read from now on covers all that was
 * acknowledged.
 */
extern bool pgr_gate_is_drained(void);

/*
 * Opens the gate to one upstream.  The same upstream again, with only a newer
 * term, keeps the connection; anything else makes the WAL receiver connect
 * anew.
 */
extern void pgr_gate_open(const PgrUpstream *upstream);

extern bool pgr_gate_is_open(void);

/* The connection that the gate is open for is established and streaming. */
extern bool pgr_gate_is_streaming(void);

/* Ends a connection attempt that nobody answers; called from pgr_observe(). */
extern void pgr_gate_tend(void);

/* Copies whom the gate is open to; false, and an empty name, if closed. */
extern bool pgr_gate_upstream(PgrUpstream *out);

/* So long a connection to another server may take to come about. */
extern int	pgr_connect_limit_ms(void);

/*
 * Builds the conninfo for node number "node" of pgr_config.nodes, with the
 * addresses that are known at this moment.  With "dbname" NULL it is one for
 * physical replication.  False if there is no such node, or it does not fit.
 */
extern bool pgr_conninfo(char *out, size_t size, int node, const char *dbname,
						 const char *application_name);

#endif							/* PGR_GATE_H */
