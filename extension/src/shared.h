/*
 * shared.h
 *		The memory that all processes of this server share with each other.
 *
 * It is a mapping of our own, made in _PG_init: it exists before Postgres's
 * shared memory does and after it is gone, survives a crash restart inside
 * the postmaster, and is new after each start of the postmaster.
 */
#ifndef PGR_SHARED_H
#define PGR_SHARED_H

#include "assistant.h"
#include "fence.h"
#include "gate.h"
#include "mailbox.h"
#include "replay.h"
#include "restart.h"
#include "sync.h"
#include "worker.h"

typedef struct PgrShared
{
	PgrFenceShared fence;
	PgrGateShared gate;
	PgrReplayShared replay;
	PgrRestartShared restart;
	PgrWorkerShared worker;
	PgrAssistantShared assistant;
	PgrSyncShared sync;
	PgrMailbox	mailbox;
	PgrPublished published[PGR_PUBLISHED_PAGES];
} PgrShared;

/* NULL unless preloaded and configured. */
extern PgrShared *pgr_shared;

/* In _PG_init; FATAL if there is no memory. */
extern void pgr_shared_create(void);

#endif							/* PGR_SHARED_H */
