/*-------------------------------------------------------------------------
 *
 * assistant.h
 *		A second background worker for what may take long: name resolution,
 *		forced checkpoints, flushing WAL, slots, the settings file, and probe
 *		writes to the disks.  The node worker leaves requests in shared memory
 *		and looks for the results; it never waits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_ASSISTANT_H
#define PGR_ASSISTANT_H

#include <sys/socket.h>

#include "access/xlogdefs.h"
#include "gate.h"
#include "port/atomics.h"
#include "replication/slot.h"
#include "storage/spin.h"

#define PGR_ASSISTANT_NODES		16	/* at least PGR_MAX_NODES */
#define PGR_ADDRESSES_PER_NODE	4
#define PGR_SLOT_WISHES			32
#define PGR_TASK_DETAIL_SIZE	256
#define PGR_LATER_FILE_SIZE		512

/* Task numbers of TaskDone in docs/host-border.md. */
typedef enum PgrTask
{
	PGR_TASK_NONE = 0,
	PGR_TASK_CHECKPOINT = 1,
	PGR_TASK_SLOTS = 2,
	PGR_TASK_SYNC = 6
} PgrTask;

/* A numeric address without its port: the caller puts in the one it wants. */
typedef struct PgrAddress
{
	uint32		length;
	struct sockaddr_storage address;
} PgrAddress;

#define PGR_ADDRESS_TEXT_SIZE	64

/* addresses.c: the address in digits; false if it is none. */
extern bool pgr_address_text(const PgrAddress *address, char *text, size_t size);

typedef struct PgrResolved
{
	uint32		count;
	int			error;			/* of the last getaddrinfo(); 0: none */
	PgrAddress	addresses[PGR_ADDRESSES_PER_NODE];
} PgrResolved;

typedef struct PgrSlotWish
{
	char		name[PGR_NAME_SIZE];
	XLogRecPtr	restart_lsn;	/* 0: leave where it is */
} PgrSlotWish;

/* One request and its answer; a newer request replaces one not yet begun. */
typedef struct PgrTaskCell
{
	uint64		asked;			/* raised by the node worker */
	uint64		answered;		/* the request the result belongs to */
	uint64		collected;		/* the answer the node worker has seen */
	bool		ok;
	char		detail[PGR_TASK_DETAIL_SIZE];
} PgrTaskCell;

typedef struct PgrAssistantShared
{
	slock_t		mutex;			/* protects what follows */
	PgrTaskCell checkpoint;
	PgrTaskCell slots;
	PgrTaskCell sync;			/* answered only when it failed */
	uint32		n_wishes;
	PgrSlotWish wishes[PGR_SLOT_WISHES];
	uint32		file_length;	/* 0: nothing to store */
	char		file_name[PGR_NAME_SIZE];
	uint8		file_content[PGR_LATER_FILE_SIZE];
	PgrResolved resolved[PGR_ASSISTANT_NODES];

	/* not under the mutex */
	pg_atomic_uint32 resolve_asked;
	pg_atomic_uint32 flush_asked;
	pg_atomic_uint32 proc_index;	/* of the assistant's PGPROC, plus 1 */
	pg_atomic_uint64 probe_begun_ms;	/* 0: none is running */
	pg_atomic_uint64 probe_done_ms; /* end of the last one */
	pg_atomic_uint32 probe_errno;	/* of the last one; 0: it succeeded */
	pg_atomic_uint64 sessions_silent_ms;	/* since when nobody answers; 0: somebody does */
	pg_atomic_uint32 health_passed; /* the operator's check did, here as primary */
	pg_atomic_uint64 health_failing_ms; /* since when it fails; 0: it does not, or is not run */
} PgrAssistantShared;

typedef struct PgrTaskResult
{
	PgrTask		task;
	bool		ok;
	char		detail[PGR_TASK_DETAIL_SIZE];
} PgrTaskResult;

/* In _PG_init: registers the worker, and puts the shared part in order. */
extern void pgr_assistant_init(void);
extern PGDLLEXPORT void pgr_assistant_main(Datum argument);

/* For the node worker; none of these waits. */
extern void pgr_assistant_checkpoint(void);
extern void pgr_assistant_flush(void);	/* all WAL that is written by now */
extern void pgr_assistant_slots(const PgrSlotWish *wishes, int n);
extern void pgr_assistant_store(const char *name, const void *content, uint32 length);
extern bool pgr_assistant_result(PgrTaskResult *out);
extern void pgr_assistant_wake(void);

/* What the slots of the nodes begin with; the node's name follows. */
#define PGR_SLOT_PREFIX "pg_replica_"
extern bool pgr_slot_is_ours(const ReplicationSlot *slot);

/* slots.c, for the assistant alone. */
extern bool pgr_slots_arrange(const PgrSlotWish *wishes, int n, char *detail, size_t size);

/* In a backend: slots that are not ours, for good, and that nobody reads from now; how many. */
extern int	pgr_slots_of_others(char *names, size_t size);

/* In the assistant: the core is told. */
extern void pgr_assistant_sync_failed(const char *detail);

/*
 * Addresses of node number "node" of pgr_config.nodes, numeric, best first.
 * Those of the last successful resolution stay when a later one fails, so
 * that a broken name server decides nothing.
 */
extern int	pgr_assistant_addresses(int node, PgrAddress *out, int max);

/* Why they could not be looked up the last time, for gai_strerror(); 0: they were. */
extern int	pgr_assistant_lookup_error(int node);

/* What an earlier start found, for as long as this one has found nothing. */
extern void pgr_assistant_remember(int node, const PgrResolved *found);

/* A connection failed: look the names up again soon. */
extern void pgr_assistant_resolve_soon(void);

/*
 * False when the last probe write failed, or one has been running for longer
 * than limit_ms.  The text says which.
 */
extern bool pgr_assistant_disks_are_well(int64 limit_ms, char *why, size_t why_size);

/* False when the postmaster has let no new session in for longer than limit_ms. */
extern bool pgr_assistant_sessions_are_well(int64 limit_ms, char *why, size_t why_size);

/*
 * False when the operator's health check has not passed on this primary for
 * longer than its grace.  "value" says how it stands in any case.
 */
extern bool pgr_assistant_health_is_well(char *value, size_t value_size, char *why, size_t why_size);

/*
 * Resolves the names again and again, in a process of its own that dies with
 * its parent.  For the assistant and for pgr_prestart_run().
 */
extern void pgr_resolver_loop(void) pg_attribute_noreturn();
extern void pgr_probe_loop(void) pg_attribute_noreturn();	/* chores.c */
extern void pgr_sessions_probe(void);	/* sessions.c */

/* sessions.c: the first entry of a list, without blanks and quotes; false if there is none. */
extern bool pgr_first_of(const char *list, char *out, size_t size);

/* health.c, for the assistant: never waits. */
extern void pgr_health_tend(void);

#endif							/* PGR_ASSISTANT_H */
