/*
 * rewind.c
 *		One attempt to rewind this node's data to the source's history.
 *
 * pg_rewind works in a directory beside the settings, see work.h.  What it
 * takes away is counted, logged and kept: it may hold commits that clients
 * were told of (promise P4).
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog_internal.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "config.h"
#include "files.h"
#include "gate.h"
#include "promote.h"
#include "tablespace.h"
#include "work.h"

#define STAGED_CONTROL PGR_REWIND_DIRECTORY "/" XLOG_CONTROL_FILE
#define KEPT_DIRECTORY "rewound"
#define KEPT_SETS 3
#define KEPT_BYTES (UINT64CONST(1024) * 1024 * 1024)

typedef struct Divergence
{
	bool		found;
	TimeLineID	timeline;
	XLogRecPtr	at;
	bool		needless;		/* pg_rewind sees nothing to do */
} Divergence;

static void
watch_for_divergence(const char *line, void *argument)
{
	Divergence *divergence = argument;
	const char *text = strstr(line, "servers diverged at WAL location ");
	unsigned int high,
				low,
				timeline;

	if (text != NULL &&
		sscanf(text, "servers diverged at WAL location %X/%X on timeline %u",
			   &high, &low, &timeline) == 3)
	{
		divergence->found = true;
		divergence->at = ((uint64) high << 32) | low;
		divergence->timeline = timeline;
	}
	if (strstr(line, "no rewind required") != NULL)
		divergence->needless = true;
}

bool
pgr_control_read(const char *path, ControlFileData *out)
{
	size_t		length;
	char	   *content = pgr_file_read(path, PG_CONTROL_FILE_SIZE, &length);
	bool		whole = content != NULL && length >= sizeof(*out);

	if (whole)
		memcpy(out, content, sizeof(*out));
	free(content);
	return whole;
}

/* What is preloaded here but ourselves: WAL may need its resource managers. */
static void
other_libraries(char *out, size_t size)
{
	const char *value = GetConfigOption("shared_preload_libraries", true, false);
	char		list[1024];
	char	   *rest;

	out[0] = '\0';
	strlcpy(list, value != NULL ? value : "", sizeof(list));
	for (char *name = strtok_r(list, ", \"", &rest); name != NULL;
		 name = strtok_r(NULL, ", \"", &rest))
	{
		if (strstr(name, "pg_replica") != NULL || strchr(name, '\'') != NULL)
			continue;
		if (out[0] != '\0')
			strlcat(out, ",", size);
		strlcat(out, name, size);
	}
}

static const char *
setting_or_empty(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value != NULL && strchr(value, '\'') == NULL ? value : "";
}

/*
 * Settings for the single-user server that finishes recovery: the node's own
 * file may name the real data directory, so it is not used.  The limits are
 * those under which the WAL was written.
 */
static bool
write_settings(const ControlFileData *control)
{
	char		libraries[1024];
	char		text[8192];

	other_libraries(libraries, sizeof(libraries));
	snprintf(text, sizeof(text),
			 "shared_preload_libraries = '%s'\ndynamic_library_path = '%s'\n"
			 "max_connections = %d\nmax_worker_processes = %d\nmax_wal_senders = %d\n"
			 "max_prepared_transactions = %d\nmax_locks_per_transaction = %d\n"
			 "wal_level = replica\nwal_log_hints = on\nfull_page_writes = on\n"
			 "track_commit_timestamp = %s\nlogging_collector = off\nlog_destination = 'stderr'\n",
			 libraries, setting_or_empty("dynamic_library_path"),
			 control->MaxConnections, control->max_worker_processes, control->max_wal_senders,
			 control->max_prepared_xacts, control->max_locks_per_xact,
			 control->track_commit_timestamp ? "on" : "off");
	return pgr_file_write(PGR_REWIND_DIRECTORY "/postgresql.conf", text, strlen(text));
}

/* pg_rewind wants a target that was shut down. */
static bool
finish_recovery(const char *directory)
{
	ControlFileData control;
	char	   *arguments[] = {"--single", "-D", unconstify(char *, directory), "template1", NULL};
	PgrTool		tool = {"postgres", arguments, true, NULL, NULL, ""};

	if (!pgr_control_read(STAGED_CONTROL, &control))
		return pgr_work_failed("could not read \"%s\": %s", STAGED_CONTROL, strerror(errno));
	if (control.state == DB_SHUTDOWNED || control.state == DB_SHUTDOWNED_IN_RECOVERY)
		return true;
	if (!write_settings(&control))
		return pgr_work_failed("could not write settings into \"%s\": %s", PGR_REWIND_DIRECTORY, strerror(errno));
	if (!pgr_tool_run(&tool))
		return pgr_work_failed("the recovery before a rewind failed: %s", tool.last_line);
	return true;
}

static bool
run_pg_rewind(const char *directory, const char *source, bool only_look, Divergence *divergence)
{
	char		target[MAXPGPATH + 32];
	char		server[PGR_CONNINFO_SIZE + 32];
	char	   *arguments[] = {target, server, "--no-ensure-shutdown", "--progress",
		only_look ? "--dry-run" : NULL, NULL};
	PgrTool		tool = {"pg_rewind", arguments, only_look, watch_for_divergence, divergence, ""};
	int			node = pgr_node_number(source);

	strlcpy(server, "--source-server=", sizeof(server));
	if (node < 0 || !pgr_conninfo(server + strlen(server), PGR_CONNINFO_SIZE, node,
								  "postgres", "pg_replica_rewind"))
		return pgr_work_failed("node \"%s\" is not in pg_replica.nodes", source);
	snprintf(target, sizeof(target), "--target-pgdata=%s", directory);
	if (pgr_tool_run(&tool))
		return true;
	return pgr_work_failed("pg_rewind from node \"%s\" failed: %s", source, tool.last_line);
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
			if (n++ == 0 || status.st_mtim.tv_sec < oldest_time.tv_sec)
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
static void
keep_rewound_wal(const Divergence *divergence)
{
	ControlFileData control;
	Keeping		keeping = {0};
	char		parent[MAXPGPATH],
				directory[MAXPGPATH];

	if (!divergence->found || !pgr_control_read(STAGED_CONTROL, &control))
		return;
	ereport(LOG,
			(errmsg("pg_replica rewinds this node from %X/%X to %X/%X on timeline %u",
					LSN_FORMAT_ARGS(control.checkPoint), LSN_FORMAT_ARGS(divergence->at),
					divergence->timeline),
			 errdetail("%llu bytes of its WAL are not part of the cluster's history.",
					   (unsigned long long) (control.checkPoint > divergence->at ?
											 control.checkPoint - divergence->at : 0))));
	snprintf(parent, sizeof(parent), "%s/%s", pgr_state_dir, KEPT_DIRECTORY);
	snprintf(directory, sizeof(directory), "%s/%u-%X-%X", parent,
			 control.checkPointCopy.ThisTimeLineID, LSN_FORMAT_ARGS(divergence->at));
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
	XLByteToSeg(divergence->at, keeping.first, keeping.segment_size);
	XLByteToSeg(control.checkPoint, keeping.last, keeping.segment_size);
	(void) pgr_directory_each(PGR_REWIND_DIRECTORY "/" XLOGDIR, keep_segment, &keeping);
	(void) pgr_fsync_path(directory);
	drop_old_sets(parent);
	ereport(LOG,
			(errmsg("pg_replica kept the rewound WAL in \"%s\" (%llu bytes)", directory,
					(unsigned long long) keeping.bytes),
			 keeping.left_out == 0 ? 0 :
			 errdetail("%d segments more were left out: a set has at most %llu bytes.",
					   keeping.left_out, (unsigned long long) KEPT_BYTES)));
}

static bool
rewind_staged_data(const PgrMarker *marker)
{
	char		directory[MAXPGPATH];
	Divergence	divergence = {0};

	snprintf(directory, sizeof(directory), "%s/%s", DataDir, PGR_REWIND_DIRECTORY);
	pgr_work_phase(PGR_PHASE_SAVING);
	if (!finish_recovery(directory) ||
		!run_pg_rewind(directory, marker->source, true, &divergence))
		return false;

	/*
	 * The cluster has found this node diverged, or it would not be here.  A
	 * source of version 15 that has not had a checkpoint since its promotion
	 * looks like this; and the recovery above has written WAL of its own.
	 */
	if (divergence.needless)
		return pgr_work_failed("pg_rewind from node \"%s\" finds nothing to rewind, which cannot be: "
							   "the source has had no checkpoint on its timeline yet", marker->source);
	keep_rewound_wal(&divergence);
	pgr_work_phase(PGR_PHASE_REWINDING);
	return run_pg_rewind(directory, marker->source, false, &divergence);
}

bool
pgr_rewind_attempt(PgrMarker *marker)
{
	if (marker->step == PGR_STEP_ORDERED)
	{
		if (!pgr_tablespaces_allow_rewind(marker->source))
			return false;
		if (!pgr_tree_remove(PGR_REWIND_DIRECTORY))
			return false;
		pgr_marker_step(marker, PGR_STEP_STAGING);
	}
	if (marker->step == PGR_STEP_STAGING)
	{
		/* From here on this is nobody's data (rule A9). */
		if (!pgr_identity_remove() ||
			!pgr_stage_out_of_data_directory(PGR_REWIND_DIRECTORY))
			return false;
		pgr_marker_step(marker, PGR_STEP_STAGED);
	}
	if (marker->step == PGR_STEP_STAGED)
	{
		if (!rewind_staged_data(marker))
			return false;
		pgr_marker_step(marker, PGR_STEP_RETURNING);
	}
	pgr_work_phase(PGR_PHASE_SWAPPING);
	if (marker->step == PGR_STEP_RETURNING)
	{
		if (!pgr_stage_into_data_directory(PGR_REWIND_DIRECTORY))
			return false;
		pgr_marker_step(marker, PGR_STEP_FINISHING);
	}
	return pgr_tree_remove(PGR_REWIND_DIRECTORY);
}
