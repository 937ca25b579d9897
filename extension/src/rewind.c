/*
 * rewind.c
 *		One attempt to rewind this node's data to the source's history.
 *
 * pg_rewind works in a directory beside the settings, see work.h.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog_internal.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "config.h"
#include "files.h"
#include "gate.h"
#include "promote.h"
#include "rewound.h"
#include "tablespace.h"
#include "unarchived.h"
#include "work.h"

#define STAGED_CONTROL PGR_REWIND_DIRECTORY "/" XLOG_CONTROL_FILE

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
 * those under which the WAL was written.  Its checkpoint at the end removes no
 * WAL: pg_rewind reads back to the last checkpoint before the fork.
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
			 "wal_level = replica\nwal_log_hints = on\nfull_page_writes = on\nwal_keep_size = %d\n"
			 "track_commit_timestamp = %s\nlogging_collector = off\nlog_destination = 'stderr'\n",
			 libraries, setting_or_empty("dynamic_library_path"),
			 control->MaxConnections, control->max_worker_processes, control->max_wal_senders,
			 control->max_prepared_xacts, control->max_locks_per_xact,
			 INT_MAX,
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
								  PGR_DATABASE, "pg_replica_rewind"))
		return pgr_work_failed("node \"%s\" is not in pg_replica.nodes", source);
	snprintf(target, sizeof(target), "--target-pgdata=%s", directory);
	if (pgr_tool_run(&tool))
		return true;
	return pgr_work_failed("pg_rewind from node \"%s\" failed: %s", source, tool.last_line);
}

/*
 * Changes the data.  What is half rewound can be rewound no more: a second
 * pg_rewind, perhaps from another source, would not know what the first one
 * has brought, and the WAL that tells what to bring may be gone.
 */
static bool
rewind_for_good(PgrMarker *marker, const char *directory, Divergence *divergence)
{
	pgr_work_phase(PGR_PHASE_REWINDING);
	pgr_marker_step(marker, PGR_STEP_REWINDING);
	if (run_pg_rewind(directory, marker->source, false, divergence))
		return true;
	/* It never came as far as to the source. */
	if (pgr_source_refusal != PGR_REFUSAL_NONE)
		pgr_marker_step(marker, PGR_STEP_STAGED);
	return false;
}

static bool
rewind_staged_data(PgrMarker *marker)
{
	char		directory[MAXPGPATH];
	Divergence	divergence = {0};
	bool		looked;

	snprintf(directory, sizeof(directory), "%s/%s", DataDir, PGR_REWIND_DIRECTORY);
	pgr_work_phase(PGR_PHASE_SAVING);
	if (!finish_recovery(directory))
		return false;
	looked = run_pg_rewind(directory, marker->source, true, &divergence);
	/* Also before a clone: it finds the fork first, and then that it cannot rewind. */
	if (divergence.found && !divergence.needless)
		pgr_rewound_keep(STAGED_CONTROL, PGR_REWIND_DIRECTORY "/" XLOGDIR, divergence.timeline, divergence.at);
	if (!looked)
		return false;

	/*
	 * The cluster has found this node diverged, or it would not be here.  A
	 * source of version 15 that has not had a checkpoint since its promotion
	 * looks like this; and the recovery above has written WAL of its own.
	 */
	if (divergence.needless)
		return pgr_work_failed("pg_rewind from node \"%s\" finds nothing to rewind, which cannot be: "
							   "the source has had no checkpoint on its timeline yet", marker->source);
	return rewind_for_good(marker, directory, &divergence);
}

bool
pgr_rewind_attempt(PgrMarker *marker)
{
	if (marker->step == PGR_STEP_REWINDING)
		return pgr_work_failed("the rewind before was ended half-way");
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
		pgr_unarchived_leave_to_source(PGR_REWIND_DIRECTORY "/" XLOGDIR);
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
