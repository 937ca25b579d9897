/*
 * border.h
 *		Events and actions of docs/host-border.md.
 */
#ifndef PGR_BORDER_H
#define PGR_BORDER_H

#include "assistant.h"
#include "bytes.h"
#include "mailbox.h"
#include "observe.h"
#include "prestart.h"

/* The same as in pg_replica.control and META.json. */
#define PGR_VERSION "1.0.0"

/* What SetLease, Restart, Reply and Log say in words is cut to this. */
#define PGR_ACTION_TEXT_SIZE 2048
#define PGR_ACTION_NAMES_MAX 32

/* TaskDone numbers the assistant does not know. */
#define PGR_TASK_PROMOTE 3
#define PGR_TASK_RESTART 4
#define PGR_TASK_IDENTITY 5

/* Each begins an event in the writer; what did not fit shows in writer->full. */
extern void pgr_event_time(PgrWriter *to);
extern void pgr_event_message(PgrWriter *to, const char *from, const uint8 *payload, int32 length);
extern void pgr_event_connected(PgrWriter *to, const char *node);
extern void pgr_event_lost(PgrWriter *to, const char *node, bool gone);
extern void pgr_event_observed(PgrWriter *to, const PgrObservation *observation);
extern void pgr_event_sealed(PgrWriter *to, int64 term, bool closed, const PgrObservation *observation);
extern void pgr_event_task(PgrWriter *to, int task, bool ok, const char *detail);
extern void pgr_event_requested(PgrWriter *to, const PgrMailSlot *slot);
extern void pgr_event_configured(PgrWriter *to, int sync_mode, int sync_standbys,
								 bool mismatch_allowed);
extern void pgr_event_progress(PgrWriter *to, PgrWork work, const char *phase,
							   int64 done_bytes, int64 total_bytes);

/* False: the state directory's files could not be read, or are too large. */
extern bool pgr_event_start(PgrWriter *to, int64 seed, bool child, char *problem, size_t size);

typedef enum PgrActionTag
{
	PGR_ACTION_STORE_REPLACE = 1,
	PGR_ACTION_STORE_APPEND,
	PGR_ACTION_SEND,
	PGR_ACTION_SET_LEASE,
	PGR_ACTION_SEAL,
	PGR_ACTION_FOLLOW,
	PGR_ACTION_STORE_LATER,
	PGR_ACTION_PROMOTE,
	PGR_ACTION_RESTART,
	PGR_ACTION_CHECKPOINT,
	PGR_ACTION_ENSURE_SLOTS,
	PGR_ACTION_PUBLISH,
	PGR_ACTION_REPLY,
	PGR_ACTION_LOG,
	PGR_ACTION_WAKE_AT,
	PGR_ACTION_ALLOW_REPLICATION,
	PGR_ACTION_WRITE_IDENTITY,
	PGR_ACTION_SET_SYNC,
	PGR_ACTION_ALLOW_READS,
	PGR_ACTION_FLUSH_WAL
} PgrActionTag;

/*
 * One action.  Which fields mean something depends on the tag; "content"
 * points into the bytes of the list.
 */
typedef struct PgrAction
{
	PgrActionTag tag;
	char		name[PGR_NAME_SIZE];	/* of a file, or of a node */
	const uint8 *content;		/* file, payload, identity, or encoded tables */
	int32		length;
	int64		number;			/* offset, deadline, request, or moment */
	int64		term;
	uint32		timeline;
	bool		ok;
	uint8		mode;			/* of a restart; level of a log line; page of tables */
	uint8		work;
	char		application_name[PGR_NAME_SIZE];
	char		slot[PGR_NAME_SIZE];
	char		text[PGR_ACTION_TEXT_SIZE];
	int			n_names;
	char		names[PGR_ACTION_NAMES_MAX][PGR_NAME_SIZE];
	int			n_wishes;
	PgrSlotWish wishes[PGR_SLOT_WISHES];
} PgrAction;

/* The reader's next action; false: it is malformed ("bad" is set). */
extern bool pgr_action_read(PgrReader *from, PgrAction *action);

#endif							/* PGR_BORDER_H */
