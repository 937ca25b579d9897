/*
 * unarchived.c
 *		A former primary's WAL that its archiver had not come to.
 *
 * With archive_mode = on no archiver runs on a standby, and standbys take what
 * they receive for archived.  So what a primary had not archived when it was
 * replaced would be missing in the archive for good, and with it every restore
 * to a later moment.  The former primary hands it in as a standby: from its
 * own pg_wal, or, since a rewind takes that away, from copies in the state
 * directory.
 */
#include "postgres.h"
#include "compat.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogarchive.h"
#include "utils/guc.h"

#include "config.h"
#include "files.h"
#include "shell.h"
#include "unarchived.h"

#define KEPT_DIRECTORY "unarchived"
#define KEPT_BYTES (UINT64CONST(1024) * 1024 * 1024)
#define STATUS_DIRECTORY XLOGDIR "/archive_status"
#define READY ".ready"
#define LOOK_EVERY_MS 10000
#define MOST_DOUBLINGS 6		/* of the pause after a failure */

void
pgr_unarchived_directory(char *path, size_t size)
{
	snprintf(path, size, "%s/%s", pgr_state_dir, KEPT_DIRECTORY);
}

/* The file that "name.ready" stands for; false: it is something else. */
static bool
file_of(const char *entry, char *name, size_t size)
{
	size_t		length = strlen(entry);

	if (length <= strlen(READY) || length - strlen(READY) >= size ||
		strcmp(entry + length - strlen(READY), READY) != 0)
		return false;
	strlcpy(name, entry, length - strlen(READY) + 1);
	return true;
}

/* ---- before a rewind ------------------------------------------------ */

typedef struct Keeping
{
	const char *wal;
	const char *to;
	XLogSegNo	fork;			/* what holds it comes from the new primary */
	int			segment_size;
	uint64		bytes;			/* with those of rewinds before (P10) */
	int			left_out;
} Keeping;

static bool
keep_file(const char *directory, const char *entry, void *argument)
{
	Keeping    *keeping = argument;
	char		name[MAXFNAMELEN];
	char		from[MAXPGPATH],
				half[MAXPGPATH],
				to[MAXPGPATH];
	TimeLineID	timeline;
	XLogSegNo	segment;

	if (!file_of(entry, name, sizeof(name)) || !IsXLogFileName(name))
		return true;
	XLogFromFileName(name, &timeline, &segment, keeping->segment_size);
	if (segment >= keeping->fork)
		return true;
	snprintf(from, sizeof(from), "%s/%s", keeping->wal, name);
	snprintf(half, sizeof(half), "%s/%s.half", keeping->to, name);
	snprintf(to, sizeof(to), "%s/%s", keeping->to, name);
	if (pgr_file_exists(to))
		return true;			/* by an attempt before; what is before the fork does not change */
	if (keeping->bytes + keeping->segment_size <= KEPT_BYTES &&
		pgr_file_copy(from, half) && rename(half, to) == 0)
		keeping->bytes += keeping->segment_size;
	else
	{
		/* No half of a segment is handed in. */
		(void) unlink(half);
		keeping->left_out++;
	}
	return true;
}

void
pgr_unarchived_keep(const char *wal, XLogRecPtr fork, int segment_size)
{
	Keeping		keeping = {.wal = wal,.segment_size = segment_size};
	uint64		before;
	char		directory[MAXPGPATH];
	char		status[MAXPGPATH];

	if (XLogArchiveMode == ARCHIVE_MODE_OFF)
		return;
	pgr_unarchived_directory(directory, sizeof(directory));
	keeping.to = directory;
	XLByteToSeg(fork, keeping.fork, segment_size);
	snprintf(status, sizeof(status), "%s/archive_status", wal);
	(void) mkdir(directory, S_IRWXU);
	keeping.bytes = before = pgr_tree_size(directory);
	(void) pgr_directory_each(status, keep_file, &keeping);
	(void) pgr_fsync_path(directory);
	if (keeping.bytes > before || keeping.left_out > 0)
		ereport(LOG,
				(errmsg("pg_replica kept %llu bytes of WAL in \"%s\", which this node had not archived",
						(unsigned long long) (keeping.bytes - before), directory),
				 keeping.left_out == 0 ? 0 :
				 errdetail("%d segments more could not be copied, or are more than %llu bytes. They are missing in the archive.",
						   keeping.left_out, (unsigned long long) KEPT_BYTES)));
}

static bool
call_archived(const char *directory, const char *entry, void *argument)
{
	char		name[MAXFNAMELEN];
	char		from[MAXPGPATH],
				to[MAXPGPATH];

	if (!file_of(entry, name, sizeof(name)))
		return true;
	snprintf(from, sizeof(from), "%s/%s", directory, entry);
	snprintf(to, sizeof(to), "%s/%s.done", directory, name);
	if (rename(from, to) != 0)
		ereport(LOG, (errcode_for_file_access(), errmsg("pg_replica could not rename \"%s\": %m", from)));
	return true;
}

void
pgr_unarchived_leave_to_source(const char *wal)
{
	char		status[MAXPGPATH];

	if (XLogArchiveMode != ARCHIVE_MODE_ON)
		return;
	snprintf(status, sizeof(status), "%s/archive_status", wal);
	(void) pgr_directory_each(status, call_archived, NULL);
	(void) pgr_fsync_path(status);
}

/* ---- afterwards ----------------------------------------------------- */

static struct
{
	PgrShell	shell;
	char		name[MAXFNAMELEN];	/* what is handed in */
	char		path[MAXPGPATH];
	bool		is_copy;
	int64		next_ms;
	int			failures;		/* one after the other */
} handing;

/* Copies, and on a standby without an archiver what it has as a former primary. */
static void
look_at_all(PgrEntryVisit copy, PgrEntryVisit status, void *argument)
{
	char		directory[MAXPGPATH];

	pgr_unarchived_directory(directory, sizeof(directory));
	(void) pgr_directory_each(directory, copy, argument);
	if (XLogArchiveMode == ARCHIVE_MODE_ON && RecoveryInProgress())
		(void) pgr_directory_each(STATUS_DIRECTORY, status, argument);
}

static bool
count_copy(const char *directory, const char *name, void *argument)
{
	if (IsXLogFileName(name))
		++*(int *) argument;
	return true;
}

static bool
count_status(const char *directory, const char *entry, void *argument)
{
	char		name[MAXFNAMELEN];

	if (file_of(entry, name, sizeof(name)))
		++*(int *) argument;
	return true;
}

int
pgr_unarchived_count(void)
{
	int			files = 0;

	look_at_all(count_copy, count_status, &files);
	return files;
}

/* The earliest first. */
static bool
take_earlier(const char *name)
{
	if (handing.name[0] != '\0' && strcmp(handing.name, name) <= 0)
		return false;
	strlcpy(handing.name, name, sizeof(handing.name));
	return true;
}

static bool
look_at_copy(const char *directory, const char *name, void *argument)
{
	if (IsXLogFileName(name) && take_earlier(name))
	{
		handing.is_copy = true;
		snprintf(handing.path, sizeof(handing.path), "%s/%s", directory, name);
	}
	return true;
}

static bool
look_at_status(const char *directory, const char *entry, void *argument)
{
	char		name[MAXFNAMELEN];

	if (file_of(entry, name, sizeof(name)) && take_earlier(name))
	{
		handing.is_copy = false;
		snprintf(handing.path, sizeof(handing.path), XLOGDIR "/%s", name);
	}
	return true;
}

static bool
find_file(void)
{
	handing.name[0] = '\0';
	look_at_all(look_at_copy, look_at_status, NULL);
	return handing.name[0] != '\0';
}

static bool
has_command(void)
{
	const char *library = GetConfigOption("archive_library", true, false);

	return XLogArchiveMode != ARCHIVE_MODE_OFF && XLogArchiveCommand != NULL && XLogArchiveCommand[0] != '\0' &&
		(library == NULL || library[0] == '\0');
}

/* archive_command with %p, %f and %%, as the archiver has it. */
static bool
command_for_file(char *out, size_t size)
{
	size_t		length = 0;

	for (const char *at = XLogArchiveCommand; *at != '\0'; at++)
	{
		char		letter[2] = {*at, '\0'};
		const char *part = letter;

		if (at[0] == '%' && (at[1] == 'p' || at[1] == 'f' || at[1] == '%'))
			part = *++at == 'p' ? handing.path : *at == 'f' ? handing.name : "%";
		if (length + strlen(part) >= size)
			return false;
		strlcpy(out + length, part, size - length);
		length += strlen(part);
	}
	return true;
}

static void
settle(int status, int64 now)
{
	char		how[64];

	if (status == 0)
	{
		ereport(LOG, (errmsg("pg_replica archived \"%s\", which this node had not archived as primary", handing.name)));
		if (!handing.is_copy)
			XLogArchiveForceDone(handing.name);
		else if (unlink(handing.path) != 0)
			ereport(LOG, (errcode_for_file_access(), errmsg("pg_replica could not remove \"%s\": %m", handing.path)));
		handing.failures = 0;
		return;
	}
	pgr_shell_failure(status, how, sizeof(how));
	if (handing.failures++ == 0)
		ereport(LOG,
				(errmsg("pg_replica could not archive \"%s\", which this node had not archived as primary: %s",
						handing.path, how),
				 errhint("It is tried again with archive_command, less and less often.")));
	handing.next_ms = now + ((int64) LOOK_EVERY_MS << Min(handing.failures - 1, MOST_DOUBLINGS));
}

void
pgr_unarchived_tend(void)
{
	int64		now = pgr_now_ms();
	char		command[4 * MAXPGPATH];
	int			status;

	if (pgr_shell_has_ended(&handing.shell, &status))
		settle(status, now);
	if (handing.shell.pid != 0 || now < handing.next_ms)
		return;
	handing.next_ms = now + LOOK_EVERY_MS;
	if (pgr_config.valid && has_command() && find_file() && command_for_file(command, sizeof(command)) &&
		pgr_shell_begin(&handing.shell, command, false))
		handing.next_ms = now;
}
