/*
 * trace.h
 *		What the core is told and answers, on disk: pg_replica.trace_file.
 */
#ifndef PGR_TRACE_H
#define PGR_TRACE_H

/* A life of the voting core begins: its file, and those of former lives. */
extern void pgr_trace_begin(bool child);

extern void pgr_trace_event(const uint8 *event, int32 length);
extern void pgr_trace_actions(const uint8 *actions, int32 length);

/* The core gave no answer, for this reason. */
extern void pgr_trace_refusal(const char *problem);

/* Is it time for the state?  Then it follows. */
extern bool pgr_trace_wants_state(void);
extern void pgr_trace_state(const uint8 *state, int32 length);

/* Nothing to do: what is a second old goes to the file. */
extern void pgr_trace_rest(int64 now);
extern void pgr_trace_end(void);

#endif							/* PGR_TRACE_H */
