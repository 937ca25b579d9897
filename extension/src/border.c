/*
 * border.c
 *		Events and actions of docs/host-border.md.
 */
#include "postgres.h"

#include <time.h>

#include "border.h"

#include "config.h"
#include "store.h"

#define TAG_START 1
#define TAG_TIME 2
#define TAG_MESSAGE 3
#define TAG_CONNECTED 4
#define TAG_LOST 5
#define TAG_OBSERVED 6
#define TAG_SEALED 7
#define TAG_TASK 8
#define TAG_REQUESTED 9
#define TAG_PROGRESS 10
#define TAG_CONFIGURED 11

static void
begin(PgrWriter *to, uint8 tag)
{
	to->length = 0;
	to->full = false;
	pgr_put_u8(to, tag);
	pgr_put_i64(to, pgr_now_ms());
}

void
pgr_event_time(PgrWriter *to)
{
	begin(to, TAG_TIME);
}

void
pgr_event_message(PgrWriter *to, const char *from, const uint8 *payload, int32 length)
{
	begin(to, TAG_MESSAGE);
	pgr_put_str(to, from);
	pgr_put_bytes(to, payload, length);
}

void
pgr_event_connected(PgrWriter *to, const char *node)
{
	begin(to, TAG_CONNECTED);
	pgr_put_str(to, node);
}

void
pgr_event_lost(PgrWriter *to, const char *node, bool gone)
{
	begin(to, TAG_LOST);
	pgr_put_str(to, node);
	pgr_put_u8(to, gone ? 2 : 1);
}

static void
put_observation(PgrWriter *to, const PgrObservation *seen)
{
	pgr_put_u8(to, (uint8) seen->phase);
	pgr_put_i64(to, (int64) seen->system_identifier);
	pgr_put_u32(to, seen->timeline);
	pgr_put_i64(to, (int64) seen->replayed_lsn);
	pgr_put_i64(to, (int64) seen->flushed_lsn);
	pgr_put_u8(to, seen->end_of_wal_proven);
	pgr_put_u8(to, seen->streaming);
	pgr_put_str(to, seen->upstream);
	pgr_put_u32(to, seen->parent_timeline);
	pgr_put_i64(to, (int64) seen->fork_lsn);
	pgr_put_u8(to, seen->checkpoint_on_timeline);
	pgr_put_u8(to, seen->pristine);
	pgr_put_u32(to, seen->flags);
	pgr_put_bytes(to, seen->identity, (int32) seen->identity_length);
	pgr_put_u32(to, seen->n_slots);
	for (uint32 i = 0; i < seen->n_slots; i++)
		pgr_put_str(to, seen->slots[i]);
	pgr_put_u32(to, seen->n_receivers);
	for (uint32 i = 0; i < seen->n_receivers; i++)
	{
		pgr_put_str(to, seen->receivers[i].application_name);
		pgr_put_i64(to, (int64) seen->receivers[i].flushed_lsn);
	}
	pgr_put_i64(to, (int64) seen->oldest_lsn);
	pgr_put_str(to, seen->sync_setting);
}

void
pgr_event_observed(PgrWriter *to, const PgrObservation *observation)
{
	begin(to, TAG_OBSERVED);
	put_observation(to, observation);
}

void
pgr_event_sealed(PgrWriter *to, int64 term, bool closed, const PgrObservation *observation)
{
	begin(to, TAG_SEALED);
	pgr_put_i64(to, term);
	pgr_put_u8(to, closed);
	put_observation(to, observation);
}

void
pgr_event_task(PgrWriter *to, int task, bool ok, const char *detail)
{
	begin(to, TAG_TASK);
	pgr_put_u8(to, (uint8) task);
	pgr_put_u8(to, ok);
	pgr_put_str(to, detail);
}

void
pgr_event_requested(PgrWriter *to, const PgrMailSlot *slot)
{
	const char *argument = slot->arguments;

	begin(to, TAG_REQUESTED);
	pgr_put_i64(to, (int64) slot->id);
	pgr_put_str(to, slot->verb);
	pgr_put_u32(to, slot->n_arguments);
	for (int i = 0; i < slot->n_arguments; i++)
	{
		pgr_put_str(to, argument);
		argument += strlen(argument) + 1;
	}
}

void
pgr_event_progress(PgrWriter *to, PgrWork work, const char *phase,
				   int64 done_bytes, int64 total_bytes)
{
	begin(to, TAG_PROGRESS);
	pgr_put_u8(to, (uint8) work);
	pgr_put_str(to, phase);
	pgr_put_i64(to, done_bytes);
	pgr_put_i64(to, total_bytes);
}

void
pgr_event_configured(PgrWriter *to, int sync_mode, int sync_standbys, bool mismatch_allowed)
{
	begin(to, TAG_CONFIGURED);
	pgr_put_u8(to, (uint8) sync_mode);
	pgr_put_u32(to, sync_standbys);
	pgr_put_u8(to, mismatch_allowed);
}

typedef struct FileCount
{
	PgrWriter  *to;
	uint32		count;
} FileCount;

static bool
put_file(const char *name, const uint8 *content, int32 length, void *argument)
{
	FileCount  *files = (FileCount *) argument;

	pgr_put_str(files->to, name);
	pgr_put_bytes(files->to, content, length);
	files->count++;
	return !files->to->full;
}

/* Added to a moment of CLOCK_BOOTTIME it gives the time of day, for people. */
static int64
wall_clock_offset(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64) wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - pgr_now_ms();
}

bool
pgr_event_start(PgrWriter *to, int64 seed, bool child, char *problem, size_t size)
{
	FileCount	files = {to, 0};
	int32		count_at;

	begin(to, TAG_START);
	pgr_put_str(to, pgr_config.nodes[pgr_config.self].name);
	pgr_put_i64(to, seed);
	pgr_put_u8(to, child ? 2 : 1);
	pgr_put_u32(to, pgr_config.n_nodes);
	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		pgr_put_str(to, pgr_config.nodes[i].name);
		pgr_put_str(to, pgr_config.nodes[i].host);
		pgr_put_u32(to, pgr_config.nodes[i].port);
		pgr_put_u32(to, pgr_config.nodes[i].raft_port);
	}
	pgr_put_u32(to, pgr_election_timeout);
	pgr_put_u32(to, pgr_priority);
	pgr_put_u32(to, pgr_crash_restart_grace);
	pgr_put_i64(to, pgr_max_failover_lag_bytes());
	pgr_put_u8(to, (uint8) pgr_sync_mode);
	pgr_put_u32(to, pgr_sync_standbys);
	pgr_put_u8(to, pgr_witness);
	pgr_put_str(to, PGR_VERSION);
	pgr_put_str(to, pgr_collation_versions());
	pgr_put_u8(to, pgr_allow_collation_mismatch);
	count_at = to->length;
	pgr_put_u32(to, 0);
	if (!pgr_store_each(put_file, &files, problem, size))
		return false;
	pgr_store_u32(to->data + count_at, files.count);
	pgr_put_i64(to, wall_clock_offset());
	if (to->full)
		snprintf(problem, size, "the files of the state directory are larger than %d bytes together",
				 to->capacity);
	return !to->full;
}

static void
take_wishes(PgrReader *from, PgrAction *action)
{
	int32		count = pgr_take_count(from, 12);

	if (count > PGR_SLOT_WISHES)
		from->bad = true;
	for (int i = 0; i < count && !from->bad; i++)
	{
		pgr_take_str(from, action->wishes[i].name, PGR_NAME_SIZE);
		action->wishes[i].restart_lsn = (XLogRecPtr) pgr_take_i64(from);
	}
	action->n_wishes = count;
}

static void
take_names(PgrReader *from, PgrAction *action)
{
	int32		count = pgr_take_count(from, 4);

	if (count > PGR_ACTION_NAMES_MAX)
		from->bad = true;
	for (int i = 0; i < count && !from->bad; i++)
		pgr_take_str(from, action->names[i], PGR_NAME_SIZE);
	action->n_names = count;
}

static void
skip_strings(PgrReader *from)
{
	int32		count = pgr_take_count(from, 4);
	int32		length;

	for (int i = 0; i < count && !from->bad; i++)
		(void) pgr_take_bytes(from, &length);
}

/* The tables stay as they are: the sessions that show them take them apart. */
static void
take_tables(PgrReader *from, PgrAction *action)
{
	int32		start;
	int32		tables;

	action->mode = pgr_take_u8(from);
	if (action->mode < 1 || action->mode > PGR_PUBLISHED_PAGES)
		from->bad = true;
	start = from->at;
	tables = pgr_take_count(from, 12);
	for (int i = 0; i < tables && !from->bad; i++)
	{
		int32		length;
		int32		rows;

		(void) pgr_take_bytes(from, &length);
		skip_strings(from);
		rows = pgr_take_count(from, 4);
		for (int k = 0; k < rows && !from->bad; k++)
			skip_strings(from);
	}
	action->content = from->data + start;
	action->length = from->at - start;
}

static void
take_restart(PgrReader *from, PgrAction *action)
{
	action->mode = pgr_take_u8(from);
	action->work = pgr_take_u8(from);
	pgr_take_str(from, action->name, PGR_NAME_SIZE);
	action->content = pgr_take_bytes(from, &action->length);
	pgr_take_text(from, action->text, sizeof(action->text));
	if (action->mode < 1 || action->mode > 2 || action->work > PGR_WORK_CLONE)
		from->bad = true;
}

static void
take_follow(PgrReader *from, PgrAction *action)
{
	pgr_take_str(from, action->name, PGR_NAME_SIZE);
	action->timeline = pgr_take_u32(from);
	action->term = pgr_take_i64(from);
	pgr_take_str(from, action->application_name, PGR_NAME_SIZE);
	pgr_take_str(from, action->slot, PGR_NAME_SIZE);
}

static void
take_lease(PgrReader *from, PgrAction *action)
{
	action->number = pgr_take_i64(from);
	action->term = pgr_take_i64(from);
	pgr_take_text(from, action->text, sizeof(action->text));
	action->ok = pgr_take_bool(from);
}

static void
take_reply(PgrReader *from, PgrAction *action)
{
	action->number = pgr_take_i64(from);
	action->ok = pgr_take_bool(from);
	pgr_take_text(from, action->text, sizeof(action->text));
}

bool
pgr_action_read(PgrReader *from, PgrAction *action)
{
	action->tag = (PgrActionTag) pgr_take_u8(from);
	switch (action->tag)
	{
		case PGR_ACTION_STORE_REPLACE:
		case PGR_ACTION_STORE_LATER:
		case PGR_ACTION_SEND:
			pgr_take_str(from, action->name, PGR_NAME_SIZE);
			action->content = pgr_take_bytes(from, &action->length);
			break;
		case PGR_ACTION_STORE_APPEND:
			pgr_take_str(from, action->name, PGR_NAME_SIZE);
			action->number = pgr_take_i64(from);
			action->content = pgr_take_bytes(from, &action->length);
			break;
		case PGR_ACTION_SET_LEASE:
			take_lease(from, action);
			break;
		case PGR_ACTION_SEAL:
			action->term = pgr_take_i64(from);
			break;
		case PGR_ACTION_FOLLOW:
			take_follow(from, action);
			break;
		case PGR_ACTION_PROMOTE:
			action->timeline = pgr_take_u32(from);
			break;
		case PGR_ACTION_RESTART:
			take_restart(from, action);
			break;
		case PGR_ACTION_ENSURE_SLOTS:
			take_wishes(from, action);
			break;
		case PGR_ACTION_PUBLISH:
			take_tables(from, action);
			break;
		case PGR_ACTION_REPLY:
			take_reply(from, action);
			break;
		case PGR_ACTION_LOG:
			action->mode = pgr_take_u8(from);
			pgr_take_text(from, action->text, sizeof(action->text));
			break;
		case PGR_ACTION_WAKE_AT:
			action->number = pgr_take_i64(from);
			break;
		case PGR_ACTION_WRITE_IDENTITY:
			action->content = pgr_take_bytes(from, &action->length);
			break;
		case PGR_ACTION_ALLOW_REPLICATION:
			take_names(from, action);
			break;
		case PGR_ACTION_SET_SYNC:
			pgr_take_str(from, action->text, PGR_SYNC_TEXT_SIZE);
			break;
		case PGR_ACTION_ALLOW_READS:
			action->ok = pgr_take_bool(from);
			break;
		case PGR_ACTION_CHECKPOINT:
		case PGR_ACTION_FLUSH_WAL:
			break;
		default:
			from->bad = true;
			break;
	}
	return !from->bad;
}
