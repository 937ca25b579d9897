/*
 * restart.h
 *		Restart in place: the postmaster re-executes itself, with the same pid,
 *		when it would otherwise exit.  An operator's stop always wins.
 */
#ifndef PGR_RESTART_H
#define PGR_RESTART_H

#include "port/atomics.h"
#include "prestart.h"

typedef enum PgrRestartMode
{
	PGR_RESTART_NONE = 0,
	PGR_RESTART_FAST = 1,
	PGR_RESTART_IMMEDIATE = 2
} PgrRestartMode;

typedef struct PgrRestartShared
{
	pg_atomic_uint32 mode;		/* PgrRestartMode that was asked for */
	pg_atomic_uint32 requester_pid; /* the only sender SIGUSR2 is taken from */
	pg_atomic_uint32 accepted;	/* the postmaster has begun to shut down for it */
	pg_atomic_uint32 operator_stop; /* the signal with which somebody else stops the server */
	pg_atomic_uint64 requested_ms;
	pg_atomic_uint32 began;		/* this start has come as far as shared memory */
	pg_atomic_uint32 was_ready; /* the server has been open for clients since its start */
	PgrWorkShared work;
} PgrRestartShared;

/* In _PG_init, after the shared mapping exists. */
extern void pgr_restart_init(void);

/*
 * In _PG_init: takes the lock on the data directory, which goes along through
 * re-execution and to the helper of pgr_prestart_run().  FATAL if somebody
 * else has it.
 */
extern void pgr_data_lock(void);
extern int	pgr_data_lock_fd;

/* Tells the next image which descriptor it is. */
#define PGR_LOCK_VARIABLE "PG_REPLICA_DATA_LOCK"

/*
 * Asks the postmaster to restart in place.  Returns at once; false if the
 * server is being stopped by somebody else.  Asking for an immediate restart
 * while a fast one is under way escalates it.
 */
extern bool pgr_restart_request(PgrRestartMode mode);

/* A restart in place was asked for and no operator has overruled it. */
extern bool pgr_restart_is_under_way(void);

/* The server is going down, for whatever reason, and takes no clients. */
extern bool pgr_server_is_stopping(void);

/*
 * For the node worker, when the server shuts down (it was told to leave with
 * SIGTERM): call at least every 200 ms and leave when this returns false.
 * Postgres waits for the worker, so it may vote for as long as clients hold
 * up the shutdown, and a shutdown that hangs is escalated.
 */
extern bool pgr_restart_watch(void);

/* The server is open for clients: a crash from now on is no failed start. */
extern void pgr_restart_note_ready(void);

/* In the postmaster, when shared memory has been made. */
extern void pgr_restart_note_began(void);

/* Re-executes the postmaster now.  Returns only if that is impossible. */
extern void pgr_restart_exec(void);

#endif							/* PGR_RESTART_H */
