/*-------------------------------------------------------------------------
 *
 * observe.h
 *		What this node's Postgres is and has, read from shared memory.  The
 *		fields mirror the observation of docs/host-border.md.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_OBSERVE_H
#define PGR_OBSERVE_H

#include "access/xlogdefs.h"
#include "gate.h"
#include "identity.h"
#include "sync.h"

#define PGR_OBSERVED_SLOTS		64
#define PGR_OBSERVED_RECEIVERS	32

typedef enum PgrPhase
{
	PGR_POSTGRES_DOWN = 0,
	PGR_POSTGRES_STARTING = 1,	/* not consistent yet */
	PGR_POSTGRES_STANDBY = 2,
	PGR_POSTGRES_PRIMARY = 3,
	PGR_POSTGRES_STOPPING = 4,
	PGR_POSTGRES_CRASH_RECOVERY = 5 /* of a primary, in a running postmaster */
} PgrPhase;

#define PGR_FLAG_BACKUP_LABEL	1	/* recovery began from a backup_label */
#define PGR_FLAG_NOT_CONSISTENT 2	/* minimum recovery point not reached */
#define PGR_FLAG_FSYNC_OFF		4
#define PGR_FLAG_WORK_PENDING	8	/* rewind or clone unfinished */
#define PGR_FLAG_PROBE_FAILED	16	/* a write to disk failed or hangs */
#define PGR_FLAG_NO_SESSIONS	32	/* the postmaster answers no new connection */

typedef struct PgrObservedReceiver
{
	char		application_name[PGR_NAME_SIZE];
	XLogRecPtr	flushed_lsn;
} PgrObservedReceiver;

typedef struct PgrObservation
{
	PgrPhase	phase;
	uint64		system_identifier;
	TimeLineID	timeline;		/* on which WAL really ends here */
	XLogRecPtr	replayed_lsn;	/* primary: end of what is written, flushed or not */
	XLogRecPtr	flushed_lsn;
	bool		end_of_wal_proven;
	bool		streaming;
	char		upstream[PGR_NAME_SIZE];
	TimeLineID	parent_timeline;	/* 0: the first timeline */
	XLogRecPtr	fork_lsn;
	bool		checkpoint_on_timeline;
	bool		pristine;
	uint32		flags;
	uint32		identity_length;
	uint8		identity[PGR_IDENTITY_MAX];
	XLogRecPtr	oldest_lsn;		/* start of the oldest WAL here, 0: unknown */
	char		sync_setting[PGR_SYNC_TEXT_SIZE];
	uint32		n_slots;
	uint32		n_receivers;

	/* behind the counted ones there may be anything */
	char		slots[PGR_OBSERVED_SLOTS][PGR_NAME_SIZE];
	PgrObservedReceiver receivers[PGR_OBSERVED_RECEIVERS];
} PgrObservation;

/*
 * Never raises an error, opens no relation, reads files only when something
 * has changed.  Slots and receivers are in the order of their names.
 */
extern void pgr_observe(PgrObservation *out);

extern bool pgr_observed_the_same(const PgrObservation *a, const PgrObservation *b);

/* A primary whose standbys, one at least, have all flushed what it has written; or no primary. */
extern bool pgr_observed_all_confirmed(const PgrObservation *seen);

/* observe_wal.c; on a primary: the end of the last record, flushed or not. */
extern XLogRecPtr pgr_wal_written(void);

/* On a standby: whether a whole record after what was replayed is flushed. */
extern bool pgr_wal_record_follows(XLogRecPtr replayed, XLogRecPtr flushed, TimeLineID timeline);

/* The identity file was written: the next observation reads it. */
extern void pgr_observe_forget_identity(void);

#endif							/* PGR_OBSERVE_H */
