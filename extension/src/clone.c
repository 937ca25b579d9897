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
#include "tablespace.h"
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
		return pgr_work_failed("could not follow the symbolic link \"%s\": %s", XLOGDIR, strerror(errno));
	snprintf(directory, sizeof(directory), "%s/%s", target, PGR_CLONE_DIRECTORY);
	if (!pgr_tree_remove(directory))
		return pgr_work_failed("could not remove \"%s\": %s", directory, strerror(errno));
	snprintf(out, size, "--waldir=%s", directory);
	return true;
}

static bool
copy_from_source(const PgrMarker *marker, const PgrTablespaces *tablespaces)
{
	static char mappings[PGR_TABLESPACES_MAX][2 * MAXPGPATH + 64];
	char		target[MAXPGPATH + 32];
	char		server[PGR_CONNINFO_SIZE + 32];
	char		wal[PATH_MAX + 64];
	char	   *arguments[8 + PGR_TABLESPACES_MAX] = {target, server, "--wal-method=stream",
		"--checkpoint=fast", "--progress", "--no-password"};
	int			n = 6;
	PgrTool		tool = {"pg_basebackup", arguments, false, NULL, NULL, ""};

	strlcpy(server, "--dbname=", sizeof(server));
	if (!pgr_conninfo(server + strlen(server), PGR_CONNINFO_SIZE, pgr_node_number(marker->source),
					  NULL, "pg_replica_clone"))
		return pgr_work_failed("node \"%s\" is not in pg_replica.nodes", marker->source);
	if (!pgr_tree_remove(PGR_CLONE_DIRECTORY))
		return pgr_work_failed("could not remove \"%s\": %s", PGR_CLONE_DIRECTORY, strerror(errno));
	if (!wal_directory_option(wal, sizeof(wal)))
		return false;
	if (wal[0] != '\0')
		arguments[n++] = wal;
	for (int i = 0; i < tablespaces->n; i++)
	{
		if (!pgr_tablespace_mapping(&tablespaces->all[i], mappings[i], sizeof(mappings[i])))
			return pgr_work_failed("the path of tablespace %s is too long", tablespaces->all[i].oid);
		arguments[n++] = mappings[i];
	}
	snprintf(target, sizeof(target), "--pgdata=%s/%s", DataDir, PGR_CLONE_DIRECTORY);
	pgr_work_phase(PGR_PHASE_COPYING);
	if (pgr_tool_run(&tool))
		return true;
	return pgr_work_failed("pg_basebackup from node \"%s\" failed: %s", marker->source, tool.last_line);
}

bool
pgr_clone_attempt(PgrMarker *marker)
{
	if (marker->step < PGR_STEP_REMOVING)
	{
		static PgrTablespaces tablespaces;

		if (!pgr_tablespaces_find(marker->source, &tablespaces))
			return false;
		if (!copy_from_source(marker, &tablespaces))
		{
			(void) pgr_tablespaces_forget();
			return false;
		}
		pgr_work_phase(PGR_PHASE_SWAPPING);
		if (!pgr_tree_fsync(PGR_CLONE_DIRECTORY) || !pgr_tablespaces_fsync(&tablespaces))
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
		if (!pgr_tablespaces_return(PGR_CLONE_DIRECTORY) ||
			!pgr_stage_into_data_directory(PGR_CLONE_DIRECTORY))
			return false;
		pgr_marker_step(marker, PGR_STEP_FINISHING);
	}
	return pgr_tree_remove(PGR_CLONE_DIRECTORY);
}
