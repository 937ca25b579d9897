/*
 * core.h
 *		The core under a fuzzer: one process, many cores one after the other.
 */
#ifndef PGR_FUZZ_CORE_H
#define PGR_FUZZ_CORE_H

#include <stddef.h>
#include <stdint.h>

/*
 * One event.  False: the core refused it, as it may, and waits for a start.
 * Whatever else a refusal could be ends the process: no event may lead to an
 * exception that nobody foresaw, to an answer that does not fit, to more
 * garbage than a step may make, or to a collection inside a step.
 */
extern int	core_takes(const uint8_t *event, size_t length);

/* Between two inputs: collects when the worker would, and looks at the state. */
extern void core_rests(void);

#endif							/* PGR_FUZZ_CORE_H */
