/*
 * core.h
 *		The Java core, kept from taking the server down with it.
 *
 * Each function answers false, or -1, when the core broke an invariant or died
 * (arithmetic fault, stack overflow, abort); "problem" then says how.  The
 * caller must leave the process: the core is never entered again.
 */
#ifndef PGR_CORE_BOX_H
#define PGR_CORE_BOX_H

extern bool pgr_box_start(char *problem, size_t size);

/* The length of the actions, or -1. */
extern int32 pgr_box_step(const uint8 *event, int32 length,
						  uint8 *actions, int32 capacity,
						  char *problem, size_t size);

/* The length of the state's encoding, or -1. */
extern int32 pgr_box_state(uint8 *out, int32 capacity, char *problem, size_t size);

/*
 * Between two steps: collects garbage if enough of it has piled up, or, when
 * the loop has nothing better to do, if there is any to speak of.
 */
extern bool pgr_box_tidy(bool idle, char *problem, size_t size);

/* In a signal handler: the process leaves, from the middle of a step if need be. */
extern void pgr_box_abandon(void);

#endif							/* PGR_CORE_BOX_H */
