/*
 * sync.h
 *		synchronous_standby_names: written for the core, and observed in the
 *		processes that act on it.  Decision 0013 says why the observation holds.
 */
#ifndef PGR_SYNC_H
#define PGR_SYNC_H

#include "port/atomics.h"
#include "storage/s_lock.h"
#include "storage/spin.h"

#include "config.h"

#define PGR_SYNC_TEXT_SIZE 1536

/* What the observation says while the processes differ, or it is not known. */
#define PGR_SYNC_UNKNOWN "?"

/* What a process has read last.  Written by that process only. */
typedef struct PgrSyncReader
{
	pg_atomic_uint32 pid;		/* of a walsender; 0: the place is free */
	char		name[PGR_NAME_SIZE];	/* its application_name */

	/* generation of the file, and a checksum of the text in force */
	pg_atomic_uint64 stamp;
	/* how often the file was read since the stamp changed, the first counts */
	pg_atomic_uint32 rounds;
} PgrSyncReader;

/* Does the checkpointer let commits wait for standbys? */
typedef enum PgrSyncDefined
{
	PGR_SYNC_DEFINED_UNKNOWN,
	PGR_SYNC_DEFINED_YES,
	PGR_SYNC_DEFINED_NO
} PgrSyncDefined;

typedef struct PgrSyncShared
{
	slock_t		mutex;			/* protects what follows */
	char		wanted[PGR_SYNC_TEXT_SIZE];
	uint64		asked;			/* raised with each text; 0: none yet */
	uint64		written;		/* the one that is in the file */
	uint64		failed;			/* the one that could not be written */
	uint32		generation;		/* that went into the file with it */
	int64		asked_ms;
	int64		written_ms;
	PgrSyncDefined defined;

	/* not under the mutex */
	PgrSyncReader postmaster;
	PgrSyncReader checkpointer;
} PgrSyncShared;

/* In _PG_init, after the shared mapping exists. */
extern void pgr_sync_init(void);

/* The generation's setting is read, or another one: assign hook. */
extern void pgr_sync_assign_generation(int value, void *extra);

/* A walsender has logged in, and sends no WAL yet. */
extern void pgr_sync_enter(const char *application_name);

/* For the node worker: what the setting must be.  Waits for nothing. */
extern void pgr_sync_want(const char *text);

/*
 * For the node worker: the text that is in force, or PGR_SYNC_UNKNOWN.  While
 * a change is under way, it moves it on.
 */
extern void pgr_sync_observe(char *out, size_t size);

/* For the assistant: writes what is asked for, if anything. */
extern void pgr_sync_write(void);

/* Why so many standbys cannot be waited for with these nodes; false: they can. */
extern bool pgr_sync_standbys_are_wrong(int n_nodes, bool witness, int standbys,
										char *why, size_t size);

/* Does a list like ANY 1 ("a", "b") name it? */
extern bool pgr_sync_lists(const char *text, const char *name);

/* Between sync.c and sync_readers.c. */
extern uint64 pgr_sync_stamp(uint32 generation, const char *text);
extern const char *pgr_sync_names(void);	/* in force in this process */
extern PgrSyncReader *pgr_sync_reader_of(pid_t pid);	/* of a walsender, or NULL */

#endif							/* PGR_SYNC_H */
