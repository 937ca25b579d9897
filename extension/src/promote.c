/*
 * promote.c
 *		Promotion to exactly one timeline number.
 *
 * A promoted standby takes the first number above its own for which pg_wal
 * has no history file.  The number that the cluster reserved is reached by
 * placing a history file for each number below it that was never used.
 *
 * Such a placeholder names a fork at the very beginning of WAL.  A startup
 * process that comes upon it before the real history is there finds that it
 * left the timeline long ago, and refuses; a fork ahead of it would be
 * accepted as the new goal, from which there is no way to another timeline.
 */
#include "postgres.h"
#include "compat.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "miscadmin.h"

#include "files.h"
#include "promote.h"

#define HISTORY_LIMIT (1024 * 1024)
#define NUMBERS_MAX 4096

/* "parent<tab>position<tab>reason", as Postgres writes it. */
static bool
history_line(const char *line, TimeLineID *timeline, XLogRecPtr *end)
{
	unsigned int tli,
				high,
				low;

	if (sscanf(line, " %u %X/%X", &tli, &high, &low) != 3)
		return false;
	*timeline = tli;
	*end = ((uint64) high << 32) | low;
	return true;
}

PgrHistory
pgr_history_read(TimeLineID timeline, TimeLineID *parent, XLogRecPtr *fork)
{
	char		path[MAXPGPATH];
	char	   *text,
			   *line,
			   *rest;
	size_t		length;

	*parent = 0;
	*fork = InvalidXLogRecPtr;
	if (timeline <= 1)
		return PGR_HISTORY_ABSENT;
	TLHistoryFilePath(path, timeline);
	text = pgr_file_read(path, HISTORY_LIMIT, &length);
	if (text == NULL)
		return PGR_HISTORY_ABSENT;
	if (strncmp(text, PGR_PLACEHOLDER_MARK, strlen(PGR_PLACEHOLDER_MARK)) == 0)
	{
		free(text);
		return PGR_HISTORY_PLACEHOLDER;
	}
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		(void) history_line(line, parent, fork);
	free(text);
	return PGR_HISTORY_REAL;
}

void
pgr_placeholder_text(char *out, size_t size, TimeLineID timeline)
{
	snprintf(out, size, PGR_PLACEHOLDER_MARK ": timeline %u was never used; it only keeps the number.\n"
			 "%u\t0/1\tplaceholder of pg_replica\n", timeline, timeline > 1 ? timeline - 1 : 1);
}

bool
pgr_history_of_ancestor(const char *history, size_t length, TimeLineID timeline, size_t *cut)
{
	size_t		at = 0;

	while (at < length)
	{
		const char *end = memchr(history + at, '\n', length - at);
		size_t		size = end ? (size_t) (end - (history + at)) : length - at;
		char		line[128];
		TimeLineID	found;
		XLogRecPtr	position;

		strlcpy(line, history + at, Min(size + 1, sizeof(line)));
		if (line[0] != '#' && history_line(line, &found, &position) && found == timeline)
		{
			*cut = at;
			return true;
		}
		at += size + 1;
	}
	return false;
}

typedef struct Numbers
{
	int			n;
	TimeLineID	number[NUMBERS_MAX];
} Numbers;

static bool
collect_number(const char *directory, const char *name, void *argument)
{
	Numbers    *numbers = argument;
	unsigned int number;

	if (strlen(name) == strlen("00000000.history") && IsTLHistoryFileName(name) &&
		sscanf(name, "%08X", &number) == 1 && numbers->n < NUMBERS_MAX)
		numbers->number[numbers->n++] = number;
	return true;
}

static int
compare_numbers(const void *a, const void *b)
{
	TimeLineID	left = *(const TimeLineID *) a,
				right = *(const TimeLineID *) b;

	return left < right ? -1 : left > right;
}

static bool
numbers_in_pg_wal(Numbers *numbers)
{
	numbers->n = 0;
	if (!pgr_directory_each(XLOGDIR, collect_number, numbers))
		return false;
	qsort(numbers->number, numbers->n, sizeof(TimeLineID), compare_numbers);
	return true;
}

int
pgr_placeholders_remove(void)
{
	static Numbers numbers;
	bool		kept = false;
	int			removed = 0;

	if (!numbers_in_pg_wal(&numbers))
		return -1;
	for (int i = numbers.n - 1; i >= 0; i--)
	{
		TimeLineID	parent;
		XLogRecPtr	fork;
		char		path[MAXPGPATH];
		bool		joined = i + 1 < numbers.n &&
			numbers.number[i + 1] == numbers.number[i] + 1;

		if (pgr_history_read(numbers.number[i], &parent, &fork) == PGR_HISTORY_REAL ||
			(joined && kept))
		{
			kept = true;
			continue;
		}
		kept = false;
		TLHistoryFilePath(path, numbers.number[i]);
		if (unlink(path) == 0)
			removed++;
	}
	if (removed > 0)
		(void) pgr_fsync_path(XLOGDIR);
	return removed;
}

/* No history may exist for the wanted number or above. */
static bool
number_is_free(TimeLineID wanted, char *error, size_t error_size)
{
	static Numbers numbers;

	if (!numbers_in_pg_wal(&numbers))
	{
		snprintf(error, error_size, "could not read directory \"%s\": %s",
				 XLOGDIR, strerror(errno));
		return false;
	}
	for (int i = 0; i < numbers.n; i++)
	{
		TimeLineID	parent;
		XLogRecPtr	fork;
		char		path[MAXPGPATH];

		if (numbers.number[i] < wanted)
			continue;
		if (pgr_history_read(numbers.number[i], &parent, &fork) == PGR_HISTORY_REAL)
		{
			snprintf(error, error_size,
					 "timeline %u cannot be used: a history of timeline %u exists in \"%s\"",
					 wanted, numbers.number[i], XLOGDIR);
			return false;
		}
		TLHistoryFilePath(path, numbers.number[i]);
		(void) unlink(path);
	}
	return true;
}

static bool
place_placeholders(TimeLineID current, TimeLineID wanted, char *error, size_t error_size)
{
	for (TimeLineID number = current + 1; number < wanted; number++)
	{
		char		path[MAXPGPATH];
		char		text[256];

		TLHistoryFilePath(path, number);
		if (pgr_file_exists(path))
			continue;
		pgr_placeholder_text(text, sizeof(text), number);
		if (!pgr_file_write(path, text, strlen(text)))
		{
			snprintf(error, error_size, "could not write file \"%s\": %s", path, strerror(errno));
			return false;
		}
	}
	return true;
}

bool
pgr_promote(TimeLineID timeline, char *error, size_t error_size)
{
	TimeLineID	current = 0;

	if (!RecoveryInProgress())
	{
		snprintf(error, error_size, "this server is not a standby, so it cannot be promoted to timeline %u", timeline);
		return false;
	}
	(void) GetXLogReplayRecPtr(&current);
	if (current == 0 || timeline <= current)
	{
		snprintf(error, error_size, "timeline %u is not above this server's timeline %u", timeline, current);
		return false;
	}
	if (timeline - current > NUMBERS_MAX)
	{
		snprintf(error, error_size, "timeline %u is more than %d above this server's timeline %u",
				 timeline, NUMBERS_MAX, current);
		return false;
	}
	if (!number_is_free(timeline, error, error_size) ||
		!place_placeholders(current, timeline, error, error_size))
		return false;
	if (!pgr_file_write(PROMOTE_SIGNAL_FILE, "", 0))
	{
		snprintf(error, error_size, "could not write file \"%s\": %s", PROMOTE_SIGNAL_FILE, strerror(errno));
		return false;
	}
	if (kill(PostmasterPid, SIGUSR1) != 0)
	{
		snprintf(error, error_size, "could not signal the postmaster: %s", strerror(errno));
		(void) unlink(PROMOTE_SIGNAL_FILE);
		return false;
	}
	return true;
}
