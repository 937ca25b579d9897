/*-------------------------------------------------------------------------
 *
 * pgr_core.h
 *		The Java core as C sees it.
 *
 * This header and pgr_core.c know nothing of Postgres, so that the twin test
 * can link them into a plain program.  docs/host-border.md describes the bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_CORE_H
#define PGR_CORE_H

#include <stdint.h>

/* what the functions below answer besides a length */
#define PGR_CORE_OK					0
#define PGR_CORE_REPLY_TOO_LARGE	(-1)
#define PGR_CORE_INVARIANT_BROKEN	(-2)
#define PGR_CORE_STATE_CHANGED		(-3)
#define PGR_CORE_MALFORMED_EVENT	(-4)

#define PGR_CORE_MAX_EVENT			(1024 * 1024)
#define PGR_CORE_MAX_ACTIONS		(1024 * 1024)

/*
 * The Java heap is address space only: a page costs memory once it is written
 * to.  It is large enough that no step ever runs into a collection: a step
 * must find half of it free.  A host that collects whenever it has
 * PGR_CORE_GARBAGE less headroom than after the last collection keeps the
 * worker small, and no step ever has to collect first.
 *
 * The twin test makes the heap smaller, to have more collections in it.
 */
#ifndef PGR_CORE_HEAP
#define PGR_CORE_HEAP				(32 * 1024 * 1024)
#endif
#define PGR_CORE_STEP_HEADROOM		(PGR_CORE_HEAP / 2)
#define PGR_CORE_GARBAGE			(256 * 1024)

/*
 * After a negative answer of any of them the core is never entered again in
 * this process: every later call gives the same answer.
 *
 * TeaVM ends the process with abort() when the heap is exhausted, and the
 * machine raises SIGSEGV on a stack overflow and SIGFPE on a division by zero.
 * Whoever catches these must not call the core again either; it may say so
 * with pgr_core_poison(), which only sets a flag.
 */
extern int	pgr_core_init(void);
extern int	pgr_core_step(const uint8_t *event, int32_t len,
						  uint8_t *actions, int32_t capacity);
extern int	pgr_core_collect(void);
extern int64_t pgr_core_headroom(void);
extern int	pgr_core_state(uint8_t *out, int32_t capacity);
extern int	pgr_core_failure(uint8_t *out, int32_t capacity);
extern void pgr_core_poison(void);

#endif							/* PGR_CORE_H */
