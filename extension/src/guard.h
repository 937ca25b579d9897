/*
 * guard.h
 *		Calls of Postgres functions from processes that must not be unwound.
 */
#ifndef PGR_GUARD_H
#define PGR_GUARD_H

typedef void (*PgrGuardedFunction) (void *argument);

/*
 * Runs function(argument) in a memory context of its own.  An ERROR stops
 * here: the answer is then false and "error" holds its message (cut to size,
 * always terminated).  Locks taken by the function are released.  FATAL still
 * ends the process.  Works in the node worker, the assistant, and in the
 * forked children of _PG_init, with or without Postgres's shared memory.
 */
extern bool pgr_guarded(PgrGuardedFunction function, void *argument,
						char *error, size_t size);

#endif							/* PGR_GUARD_H */
