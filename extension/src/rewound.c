/*
 * rewound.c
 *		What a rewind takes away, or the clone that a failed rewind ends in, is
 *		counted, logged and kept in the state directory: it may hold commits that
 *		clients were told of (promise P4).
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>

#include "access/xlog_internal.h"
#include "catalog/pg_control.h"

#include "config.h"
#include "files.h"
#include "rewound.h"
#include "unarchived.h"
#include "work.h"

#define KEPT_DIRECTORY "rewound"
#define KEPT_SETS 3
#define KEPT_BYTES (UINT64CONST(1024) * 1024 * 1024)

void
pgr_rewound_directory(char *path, size_t size)
{
	snprintf(path, size, "%s/%s", pgr_state_dir, KEPT_DIRECTORY);
}

static bool
count_set(const char *directory, const char *name, void *argument)
{
	++*(int *) argument;
	return true;
}

int
pgr_rewound_count(uint64 *bytes)
{
	char		directory[MAXPGPATH];
	int			sets = 0;

	pgr_rewound_directory(directory, sizeof(directory));
	(void) pgr_directory_each(directory, count_set, &sets);
	*bytes = sets > 0 ? pgr_tree_size(directory) : 0;
	return sets;
}

static bool
is_earlier(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec < other->tv_sec ||
		(one->tv_sec == other->tv_sec && one->tv_nsec < other->tv_nsec);
}

/* Only the newest sets are kept (P10). */
static void
drop_old_sets(const char *directory)
{
	for (;;)
	{
		DIR		   *handle = opendir(directory);
		struct dirent *entry;
		char		oldest[MAXPGPATH] = "";
		struct timespec oldest_time = {0, 0};
		int			n = 0;

		while (handle != NULL && (entry = readdir(handle)) != NULL)
		{
			char		path[MAXPGPATH];
			struct stat status;

			snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
			if (entry->d_name[0] == '.' || stat(path, &status) != 0)
				continue;
			if (n++ == 0 || is_earlier(&status.st_mtim, &oldest_time))
			{
				strlcpy(oldest, path, sizeof(oldest));
				oldest_time = status.st_mtim;
			}
		}
		if (handle != NULL)
			closedir(handle);
		if (n <= KEPT_SETS || !pgr_tree_remove(oldest))
			return;
	}
}

typedef struct Keeping
{
	const char *to;
	XLogSegNo	first;
	XLogSegNo	last;			/* later ones are only room for WAL */
	int			segment_size;
	uint64		bytes;
	int			left_out;
} Keeping;

static bool
keep_segment(const char *directory, const char *name, void *argument)
{
	Keeping    *keeping = argument;
	char		from[MAXPGPATH],
				to[MAXPGPATH];
	TimeLineID	timeline;
	XLogSegNo	segment;

	if (IsXLogFileName(name))
	{
		XLogFromFileName(name, &timeline, &segment, keeping->segment_size);
		if (segment < keeping->first || segment > keeping->last)
			return true;
		if (keeping->bytes + keeping->segment_size > KEPT_BYTES)
		{
			keeping->left_out++;
			return true;
		}
		keeping->bytes += keeping->segment_size;
	}
	else if (!IsTLHistoryFileName(name))
		return true;
	snprintf(from, sizeof(from), "%s/%s", directory, name);
	snprintf(to, sizeof(to), "%s/%s", keeping->to, name);
	if (pgr_file_copy(from, to))
		return true;
	ereport(LOG, (errcode_for_file_access(),
				  errmsg("pg_replica could not keep \"%s\" as \"%s\": %m", name, to)));
	return false;
}

/*
 * Copies the WAL behind the fork.  That it cannot be kept is no reason not to
 * rejoin: the cluster has decided against it.
 */
void
pgr_rewound_keep(const char *control_path, const char *wal, TimeLineID timeline, XLogRecPtr fork)
{
	ControlFileData control;
	XLogRecPtr	end;
	Keeping		keeping = {0};
	char		parent[MAXPGPATH],
				directory[MAXPGPATH];

	if (!pgr_control_read(control_path, &control))
		return;
	/* Behind its last checkpoint, if it was shut down while it recovered. */
	end = Max(control.checkPoint, control.minRecoveryPoint);
	ereport(LOG,
			(errmsg("pg_replica rewinds this node from %X/%X to %X/%X on timeline %u",
					LSN_FORMAT_ARGS(end), LSN_FORMAT_ARGS(fork), timeline),
			 errdetail("%llu bytes of its WAL are not part of the cluster's history.",
					   (unsigned long long) (end > fork ? end - fork : 0))));
	pgr_unarchived_keep(wal, fork, control.xlog_seg_size);
	pgr_rewound_directory(parent, sizeof(parent));
	snprintf(directory, sizeof(directory), "%s/%u-%X-%X", parent,
			 timeline, LSN_FORMAT_ARGS(fork));
	(void) mkdir(parent, S_IRWXU);
	if (mkdir(directory, S_IRWXU) != 0 && errno != EEXIST)
	{
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("pg_replica could not make directory \"%s\" for the rewound WAL: %m",
							 directory)));
		return;
	}
	keeping.to = directory;
	keeping.segment_size = control.xlog_seg_size;
	XLByteToSeg(fork, keeping.first, keeping.segment_size);
	XLByteToSeg(end, keeping.last, keeping.segment_size);
	(void) pgr_directory_each(wal, keep_segment, &keeping);
	(void) pgr_fsync_path(directory);
	drop_old_sets(parent);
	ereport(LOG,
			(errmsg("pg_replica kept the rewound WAL in \"%s\" (%llu bytes)", directory,
					(unsigned long long) keeping.bytes),
			 keeping.left_out == 0 ? 0 :
			 errdetail("%d segments more were left out: a set has at most %llu bytes.",
					   keeping.left_out, (unsigned long long) KEPT_BYTES)));
}
