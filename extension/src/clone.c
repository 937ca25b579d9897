/*
 * clone.c
 *		One attempt to replace this node's data by a copy of the source's.
 *
 * The copy is made beside the old data, which goes only when the copy is
 * complete and on disk (promise P8).
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog_internal.h"
#include "miscadmin.h"

#include "config.h"
#include "files.h"
#include "gate.h"
#include "work.h"

/*
 * The WAL of the copy goes where it can be renamed from: beside the old one,
 * if pg_wal is a symbolic link to another place.
 */
static bool
wal_directory_option(char *out, size_t size)
{
	struct stat status;
	char		target[PATH_MAX];
	char		directory[PATH_MAX + 32];

	out[0] = '\0';
	if (lstat(XLOGDIR, &status) != 0 || !S_ISLNK(status.st_mode))
		return true;
	if (realpath(XLOGDIR, target) == NULL)
	{
		ereport(LOG, (errmsg("pg_replica could not follow the symbolic link \"%s\": %m", XLOGDIR)));
		return false;
	}
	snprintf(directory, sizeof(directory), "%s/%s", target, PGR_CLONE_DIRECTORY);
	if (!pgr_tree_remove(directory))
	{
		ereport(LOG, (errmsg("pg_replica could not remove \"%s\": %m", directory)));
		return false;
	}
	snprintf(out, size, "--waldir=%s", directory);
	return true;
}

static bool
copy_from_source(const PgrMarker *marker)
{
	char		target[MAXPGPATH + 32];
	char		server[PGR_CONNINFO_SIZE + 32];
	char		wal[PATH_MAX + 64];
	char	   *arguments[] = {target, server, "--wal-method=stream", "--checkpoint=fast",
		"--progress", "--no-password", NULL, NULL};
	PgrTool		tool = {"pg_basebackup", arguments, false, NULL, NULL, ""};
	int			node = pgr_node_number(marker->source);

	strlcpy(server, "--dbname=", sizeof(server));
	if (node < 0 || !pgr_conninfo(server + strlen(server), PGR_CONNINFO_SIZE, node,
								  NULL, "pg_replica_clone"))
	{
		ereport(LOG, (errmsg("cannot clone node \"%s\"", marker->source),
					  errdetail("It is not in pg_replica.nodes.")));
		return false;
	}
	if (!pgr_tree_remove(PGR_CLONE_DIRECTORY))
	{
		ereport(LOG, (errmsg("pg_replica could not remove \"%s\": %m", PGR_CLONE_DIRECTORY)));
		return false;
	}
	if (!wal_directory_option(wal, sizeof(wal)))
		return false;
	if (wal[0] != '\0')
		arguments[lengthof(arguments) - 2] = wal;
	snprintf(target, sizeof(target), "--pgdata=%s/%s", DataDir, PGR_CLONE_DIRECTORY);
	pgr_work_phase(PGR_PHASE_COPYING);
	if (pgr_tool_run(&tool))
		return true;
	ereport(LOG, (errmsg("pg_basebackup from node \"%s\" failed: %s",
						 marker->source, tool.last_line)));
	return false;
}

bool
pgr_clone_attempt(PgrMarker *marker)
{
	if (marker->step < PGR_STEP_REMOVING)
	{
		if (pgr_has_tablespaces())
		{
			ereport(LOG,
					(errmsg("this node cannot be cloned: its data has tablespaces"),
					 errdetail("A clone would have to replace directories outside of the data directory."),
					 errhint("Stop the server, empty the tablespaces' directories and \"pg_tblspc\", and start it again.")));
			return false;
		}
		if (!copy_from_source(marker))
			return false;
		pgr_work_phase(PGR_PHASE_SWAPPING);
		if (!pgr_tree_fsync(PGR_CLONE_DIRECTORY))
			return false;
		/* From here on this is nobody's data (rule A9). */
		if (!pgr_identity_remove())
			return false;
		pgr_marker_step(marker, PGR_STEP_REMOVING);
	}
	pgr_work_phase(PGR_PHASE_SWAPPING);
	if (marker->step == PGR_STEP_REMOVING)
	{
		if (!pgr_stage_remove_old_data())
			return false;
		pgr_marker_step(marker, PGR_STEP_RETURNING);
	}
	if (marker->step == PGR_STEP_RETURNING)
	{
		if (!pgr_stage_into_data_directory(PGR_CLONE_DIRECTORY))
			return false;
		pgr_marker_step(marker, PGR_STEP_FINISHING);
	}
	return pgr_tree_remove(PGR_CLONE_DIRECTORY);
}
