/*-------------------------------------------------------------------------
 *
 * replay.h
 *		Replay that waits for queries, while the cluster waits for replay.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_REPLAY_H
#define PGR_REPLAY_H

#include "port/atomics.h"

typedef struct PgrReplayShared
{
	pg_atomic_uint32 hurries;	/* 1: no query is waited for */
	pg_atomic_uint32 told_pid;	/* the startup process that was told so, or 0 */
} PgrReplayShared;

/* In _PG_init, after pgr_shared exists. */
extern void pgr_replay_init(void);

/* For the node worker, now and then, and when the gate was closed. */
extern void pgr_replay_tend(void);

#endif							/* PGR_REPLAY_H */
