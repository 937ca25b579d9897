/*
 * worker.h
 *		The node worker: the one process of this server that votes.
 */
#ifndef PGR_WORKER_H
#define PGR_WORKER_H

#include "port/atomics.h"
#include "storage/spin.h"

#define PGR_FINDING_SIZE 256

/* What the worker found while running, shown by check(). */
typedef enum PgrFinding
{
	PGR_FINDING_LISTEN,			/* the Raft port cannot be listened on */
	PGR_FINDING_STORE,			/* the state directory cannot be used */
	PGR_FINDING_SECRET,			/* the secret cannot be read, or peers refuse it */
	PGR_FINDING_CORE,			/* the core stopped itself */
	PGR_FINDING_VERSION,		/* a node of another release cannot be talked to */
	PGR_FINDING_NAMES,			/* a node's host cannot be looked up */
	PGR_FINDING_COUNT
} PgrFinding;

/* Lives in pgr_shared, so it survives the worker and crash restarts. */
typedef struct PgrWorkerShared
{
	pg_atomic_uint32 pid;		/* 0: no worker runs */
	pg_atomic_uint64 heartbeat_ms;	/* CLOCK_BOOTTIME of the loop's last turn */
	pg_atomic_uint32 storing;	/* 1 while the worker waits for its disk */
	pg_atomic_uint32 leave_now; /* SIGTERM means: leave from wherever you are */
	pg_atomic_uint32 starts;	/* worker starts since the postmaster started */
	pg_atomic_uint32 failures;	/* in quick succession, for the back-off */
	slock_t		lock;			/* guards finding */
	char		finding[PGR_FINDING_COUNT][PGR_FINDING_SIZE];
} PgrWorkerShared;

/* In _PG_init, after pgr_shared exists: wake-up descriptor, initial values. */
extern void pgr_worker_init(void);

/* In _PG_init: registers the node worker and the watchdog. */
extern void pgr_worker_register(void);
extern void pgr_register_worker(const char *name, const char *function, int restart_time);

/* Any process of this server: the node worker's loop turns at once. */
extern void pgr_worker_wake(void);

/* Any process: the text of a finding ("" if there is none), or set it. */
extern void pgr_finding_set(PgrFinding which, const char *text);
extern void pgr_finding_get(PgrFinding which, char *text, size_t size);

extern PGDLLEXPORT void pgr_node_worker_main(Datum argument);
extern PGDLLEXPORT void pgr_watchdog_main(Datum argument);

/*
 * The same loop without Postgres's shared memory, for the child that
 * pgr_prestart_run() forks.  The caller has forked; the function never
 * returns.  It dies with its parent and holds the state directory's lock only
 * while it lives, so the parent must have reaped it before it re-executes.
 * SIGTERM ends it.
 */
extern void pgr_voter_child_main(void) pg_attribute_noreturn();

#endif							/* PGR_WORKER_H */
