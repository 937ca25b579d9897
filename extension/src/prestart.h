/*-------------------------------------------------------------------------
 *
 * prestart.h
 *		Work that needs Postgres to be down, done before it starts: rewind and
 *		clone, driven by a marker file that survives a power loss.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_PRESTART_H
#define PGR_PRESTART_H

#include "port/atomics.h"
#include "storage/spin.h"

#include "config.h"
#include "identity.h"

#define PGR_WHY_SIZE 256

typedef enum PgrWork
{
	PGR_WORK_NONE = 0,
	PGR_WORK_REWIND = 1,
	PGR_WORK_CLONE = 2
} PgrWork;

typedef enum PgrWorkPhase
{
	PGR_PHASE_NONE = 0,
	PGR_PHASE_WAITING,			/* for the next attempt, after a failure */
	PGR_PHASE_SAVING,			/* settings and WAL are put aside */
	PGR_PHASE_REWINDING,
	PGR_PHASE_COPYING,
	PGR_PHASE_SWAPPING,
	PGR_PHASE_FINISHING
} PgrWorkPhase;

/*
 * Progress, written by the helper and its parent, read by the voter child.
 * Part of PgrRestartShared.
 */
typedef struct PgrWorkShared
{
	pg_atomic_uint32 work;		/* PgrWork */
	pg_atomic_uint32 phase;		/* PgrWorkPhase */
	pg_atomic_uint32 attempt;	/* 1 for the first */
	pg_atomic_uint64 done_bytes;
	pg_atomic_uint64 total_bytes;	/* 0: unknown */
	pg_atomic_uint32 voter_pid; /* the voter child, or 0 */
	pg_atomic_uint32 foreign_label; /* started from a backup that is not our clone */

	/*
	 * An order the voter child gave while work is going on.  The helper owns
	 * the marker file, so it takes the order from here.
	 */
	slock_t		mutex;			/* protects all below */
	char		failure[PGR_WHY_SIZE];	/* why the last attempt failed */
	uint32		order_number;	/* raised by each order */
	PgrWork		order_work;
	char		order_source[PGR_NAME_SIZE];
	uint32		order_identity_length;
	uint8		order_identity[PGR_IDENTITY_MAX];
} PgrWorkShared;

extern void pgr_work_shared_init(PgrWorkShared *work);

/*
 * In _PG_init of a configured server, last of all: makes sure this start is
 * one of a standby, removes placeholder history files, and does the ordered
 * work, if any.  After work it does not return: the server is re-executed.
 */
extern void pgr_prestart_run(void);

/*
 * Writes the work marker, durably.  The caller then asks for a restart.  The
 * identity is written into the data directory when the work is complete.
 * False, with a text, if the marker could not be written.
 */
extern bool pgr_prestart_order(PgrWork work, const char *source,
							   const uint8 *identity, size_t identity_length,
							   const char *why,
							   char *error, size_t error_size);

/* Is work ordered and not complete?  Reads the state directory once, then remembers. */
extern PgrWork pgr_prestart_pending(void);

/* "copying", for WorkProgress; what is waited for after a failure comes with it. */
extern const char *pgr_work_phase_name(PgrWorkPhase phase);

/* True in a process forked by pgr_prestart_run: there is no Postgres around it. */
extern bool pgr_in_prestart;

#endif							/* PGR_PRESTART_H */
