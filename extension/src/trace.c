/*
 * trace.c
 *		What the core is told and answers, on disk: pg_replica.trace_file.
 *
 * The core is a function of its events, so whoever has them has everything:
 * ./dev trace replay runs them once more, under a debugger.  A file is one life
 * of the core, from its start; half a life would tell nothing.  When it has
 * reached its size the rest of that life is not recorded.  Former lives are in
 * FILE.1 (the last one) to FILE.3.
 *
 * It is for looking at faults: what is written is not synced, and a full or
 * slow disk under it ends or slows the recording.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "bytes.h"
#include "config.h"
#include "trace.h"
#include "border.h"

#define FORMER_LIVES 3
#define BUFFER_SIZE (64 * 1024)
#define FLUSH_EVERY_MS 1000
#define EVENTS_BETWEEN_STATES 1000
#define VERSION 1

/* the numbers of TraceFile.java */
#define KIND_REMARK 0
#define KIND_EVENT 1
#define KIND_ACTIONS 2
#define KIND_REFUSAL 3
#define KIND_STATE 4
#define RECORD_HEAD 5

static int	trace_fd = -1;
static uint8 buffer[BUFFER_SIZE];
static int32 buffered = 0;
static int64 trace_size = 0;
static int64 flushed_ms = 0;
static int	events = 0;

static void
give_up(const char *why)
{
	ereport(LOG,
			(errmsg("pg_replica stops recording \"%s\": %s", pgr_trace_file, why)));
	close(trace_fd);
	trace_fd = -1;
}

static void
flush(void)
{
	int32		done = 0;

	while (trace_fd >= 0 && done < buffered)
	{
		ssize_t		n = write(trace_fd, buffer + done, buffered - done);

		if (n > 0)
			done += (int32) n;
		else if (errno != EINTR)
			give_up(strerror(errno));
	}
	buffered = 0;
}

static void
put(const uint8 *bytes, int32 length)
{
	while (trace_fd >= 0 && length > 0)
	{
		int32		n = Min(length, BUFFER_SIZE - buffered);

		memcpy(buffer + buffered, bytes, n);
		buffered += n;
		bytes += n;
		length -= n;
		if (buffered == BUFFER_SIZE)
			flush();
	}
}

static void
record(uint8 kind, const uint8 *bytes, int32 length)
{
	uint8		head[RECORD_HEAD];

	head[0] = kind;
	pgr_store_u32(head + 1, (uint32) length);
	put(head, RECORD_HEAD);
	put(bytes, length);
	trace_size += RECORD_HEAD + length;
}

static void
remark(const char *text)
{
	record(KIND_REMARK, (const uint8 *) text, (int32) strlen(text));
}

/* Room for the record, and for the remark that nothing follows. */
static bool
fits(int32 length)
{
	static const char *const full = "pg_replica.trace_size is reached, what follows is not recorded";

	if (trace_fd < 0)
		return false;
	if (trace_size + length < (int64) pgr_trace_size * 1024 * 1024)
		return true;
	remark(full);
	flush();
	if (trace_fd >= 0)
		give_up("pg_replica.trace_size is reached");
	return false;
}

static void
name_of(char *path, int life)
{
	if (life == 0)
		strlcpy(path, pgr_trace_file, MAXPGPATH);
	else
		snprintf(path, MAXPGPATH, "%s.%d", pgr_trace_file, life);
}

static void
keep_former_lives(void)
{
	char		from[MAXPGPATH];
	char		to[MAXPGPATH];

	for (int life = FORMER_LIVES; life > 0; life--)
	{
		name_of(from, life - 1);
		name_of(to, life);
		if (rename(from, to) != 0 && errno != ENOENT)
			ereport(LOG, (errmsg("could not rename \"%s\" to \"%s\": %m", from, to)));
	}
}

void
pgr_trace_begin(bool child)
{
	static const uint8 head[] = {'P', 'G', 'R', 'T', 'R', 'A', 'C', 'E', 0, 0, 0, VERSION};
	char		text[256];

	if (pgr_trace_file[0] == '\0')
		return;
	keep_former_lives();
	trace_fd = open(pgr_trace_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (trace_fd < 0)
	{
		ereport(LOG, (errmsg("could not write pg_replica.trace_file \"%s\": %m", pgr_trace_file)));
		return;
	}
	buffered = 0;
	events = 0;
	trace_size = sizeof(head);
	flushed_ms = pgr_now_ms();
	put(head, sizeof(head));
	snprintf(text, sizeof(text), "pg_replica %s, PostgreSQL %s, node %s%s", PGR_VERSION, PG_VERSION,
			 pgr_config.nodes[pgr_config.self].name, child ? ", before the start" : "");
	remark(text);
}

void
pgr_trace_event(const uint8 *event, int32 length)
{
	if (!fits(length))
		return;
	record(KIND_EVENT, event, length);
	events++;
}

void
pgr_trace_actions(const uint8 *actions, int32 length)
{
	if (fits(length))
		record(KIND_ACTIONS, actions, length);
}

void
pgr_trace_refusal(const char *problem)
{
	if (fits((int32) strlen(problem)))
		record(KIND_REFUSAL, (const uint8 *) problem, (int32) strlen(problem));
}

bool
pgr_trace_wants_state(void)
{
	return trace_fd >= 0 && events % EVENTS_BETWEEN_STATES == 0;
}

void
pgr_trace_state(const uint8 *state, int32 length)
{
	if (length > 0 && fits(length))
		record(KIND_STATE, state, length);
}

void
pgr_trace_rest(int64 now)
{
	if (trace_fd < 0 || now < flushed_ms + FLUSH_EVERY_MS)
		return;
	flushed_ms = now;
	flush();
}

void
pgr_trace_end(void)
{
	flush();
	if (trace_fd >= 0)
		close(trace_fd);
	trace_fd = -1;
}
