/*
 * tablespace.c
 *		Tablespaces in clone and rewind.
 *
 * A tablespace of the source comes to where this node's data directory links
 * it already, if it does; otherwise to the path that it has on the source.
 * There a clone is made in a directory of its own, beside the old data (P8).
 * Of what lies in such a place only the directory of this version of Postgres
 * is this node's, and only if this node's data links the place.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog_internal.h"
#include "catalog/pg_control.h"
#include "common/file_perm.h"
#include "common/relpath.h"

#include "config.h"
#include "files.h"
#include "gate.h"
#include "tablespace.h"
#include "work.h"

#define LINKS "pg_tblspc"
#define STAGED_LINKS PGR_REWIND_DIRECTORY "/" LINKS

/* Has this node's name, so that the source can tell whether two servers use one place. */
static void
clone_name(char *out, size_t size)
{
	snprintf(out, size, "%s.%s", PGR_CLONE_DIRECTORY, pgr_node_name);
}

static void
clone_directory(char *out, size_t size, const char *place)
{
	char		name[2 * PGR_NAME_SIZE];

	clone_name(name, sizeof(name));
	snprintf(out, size, "%s/%s", place, name);
}

static void
version_directory(char *out, size_t size, const char *place)
{
	snprintf(out, size, "%s/%s", place, TABLESPACE_VERSION_DIRECTORY);
}

/* Where the link points; false if there is none, as of a tablespace in place. */
static bool
follow(const char *directory, const char *name, char *out, size_t size)
{
	char		path[MAXPGPATH];
	ssize_t		length;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	length = readlink(path, out, size - 1);
	if (length <= 0 || (size_t) length >= size - 1 || out[0] != '/')
		return false;
	out[length] = '\0';
	return true;
}

/*
 * Where this attempt made directories. Links can be exchanged meanwhile, since
 * this node asks for that; the attempt goes on with those that it has found.
 */
static struct
{
	char		oid[16];
	char		place[MAXPGPATH];
}			made[2 * PGR_TABLESPACES_MAX];
static int	n_made;

static bool
make_clone_directory(const char *oid, const char *place)
{
	char		path[MAXPGPATH];

	if (n_made == lengthof(made))
		return pgr_work_failed("this node's data has more than %d tablespaces", PGR_TABLESPACES_MAX);
	clone_directory(path, sizeof(path), place);
	if (pgr_tree_remove(path) && pg_mkdir_p(path, pg_dir_create_mode) == 0)
	{
		strlcpy(made[n_made].oid, oid, sizeof(made[n_made].oid));
		strlcpy(made[n_made].place, place, sizeof(made[n_made].place));
		n_made++;
		return true;
	}
	return pgr_work_failed("tablespace %s cannot be at \"%s\" on this node (%s): make that directory for the server's user, "
						   "or a link to another one at %s/%s", oid, place, strerror(errno), LINKS, oid);
}

/*
 * Fresh from initdb, so that the links are the operator's wish and nothing
 * behind them is this node's.  A control file that cannot be read says so, too.
 */
static bool
data_is_fresh(void)
{
	ControlFileData control;

	return !pgr_control_read(XLOG_CONTROL_FILE, &control) ||
		(control.checkPointCopy.ThisTimeLineID == 1 && control.checkPointCopy.nextOid <= FirstNormalObjectId);
}

static bool
make_beside_old(const char *directory, const char *name, void *argument)
{
	bool	   *good = argument;
	char		place[MAXPGPATH];

	if (follow(directory, name, place, sizeof(place)))
		*good = make_clone_directory(name, place);
	return *good;
}

/* Calls visit for each entry where the old data may have its links; what is absent has none. */
static bool
each_old_entry(PgrEntryVisit visit, void *argument)
{
	return (!pgr_file_exists(LINKS) || pgr_directory_each(LINKS, visit, argument)) &&
		(!pgr_file_exists(STAGED_LINKS) || pgr_directory_each(STAGED_LINKS, visit, argument));
}

/* A line of psql: OID, whether the source sees a directory that this node has just made, location. */
static void
take_tablespace(const char *line, void *argument)
{
	PgrTablespaces *found = argument;
	PgrTablespace *tablespace = &found->all[found->n];
	unsigned int oid;
	char		seen;
	int			prefix = 0;

	if (found->n >= PGR_TABLESPACES_MAX ||
		sscanf(line, "%u|%c|%n", &oid, &seen, &prefix) < 2 || prefix == 0 || line[prefix] != '/')
	{
		found->problem = true;
		return;
	}
	found->n++;
	snprintf(tablespace->oid, sizeof(tablespace->oid), "%u", oid);
	strlcpy(tablespace->location, line + prefix, sizeof(tablespace->location));
	if (seen == 't')
		strlcpy(found->shared, tablespace->oid, sizeof(found->shared));
}

/*
 * Asks in a WAL sender, which takes SQL as well: clients may hold all sessions
 * (max_connections), but not those (max_wal_senders).
 */
static bool
ask_source(const char *source, bool look_for_shared, PgrTablespaces *found)
{
	char		server[PGR_CONNINFO_SIZE + 32];
	char		name[2 * PGR_NAME_SIZE];
	char		seen[256] = "false";
	char		query[512];
	char	   *arguments[] = {"--no-psqlrc", "--no-password", "--tuples-only", "--no-align",
		"--command", query, "--dbname", server, NULL};
	PgrTool		tool = {"psql", arguments, true, take_tablespace, found, ""};

	if (!pgr_conninfo(server, PGR_CONNINFO_SIZE, pgr_node_number(source), PGR_DATABASE, "pg_replica_clone"))
		return pgr_work_failed("node \"%s\" is not in pg_replica.nodes", source);
	strlcat(server, " replication='database'", sizeof(server));
	clone_name(name, sizeof(name));
	if (look_for_shared)
		snprintf(seen, sizeof(seen), "exists (select from pg_ls_dir('" LINKS "/' || oid, true, false) "
				 "as name where name = '%s')", name);
	snprintf(query, sizeof(query), "select oid, %s, pg_tablespace_location(oid) from pg_tablespace "
			 "where pg_tablespace_location(oid) like '/%%'", seen);
	if (pgr_tool_run(&tool) && !found->problem)
		return true;

	/*
	 * A clone needs no more than a replication connection as long as there
	 * are no tablespaces, and pg_basebackup overwrites none.
	 */
	(void) pgr_work_failed("could not ask node \"%s\" for its tablespaces: %s", source, tool.last_line);
	found->n = 0;
	return !look_for_shared && !found->problem;
}

static bool
choose_place(PgrTablespace *tablespace)
{
	char		path[MAXPGPATH];
	int			i = 0;
	bool		linked;

	while (i < n_made && strcmp(made[i].oid, tablespace->oid) != 0)
		i++;
	linked = i < n_made;
	strlcpy(tablespace->place, linked ? made[i].place : tablespace->location, sizeof(tablespace->place));
	version_directory(path, sizeof(path), tablespace->place);
	if ((!linked || data_is_fresh()) && pgr_file_exists(path))
		return pgr_work_failed("\"%s\" belongs to no tablespace of this node: remove it if no server uses it, "
							   "or link another directory at %s/%s", path, LINKS, tablespace->oid);
	return linked || make_clone_directory(tablespace->oid, tablespace->place);
}

bool
pgr_tablespaces_forget(void)
{
	bool		removed = true;

	while (n_made > 0)
	{
		char		path[MAXPGPATH];

		clone_directory(path, sizeof(path), made[--n_made].place);
		if (!pgr_tree_remove(path))
			removed = pgr_work_failed_to("remove", path);
	}
	return removed;
}

static bool
find_places(const char *source, PgrTablespaces *found)
{
	bool		good = true;

	memset(found, 0, sizeof(*found));
	n_made = 0;
	if (!each_old_entry(make_beside_old, &good))
		return good ? pgr_work_failed_to("read", LINKS) : false;
	if (!ask_source(source, n_made > 0, found))
		return false;
	if (found->shared[0] != '\0')
		return pgr_work_failed("the directory of tablespace %s on node \"%s\" is linked in this node's %s, too: "
							   "link another directory there", found->shared, source, LINKS);
	for (int i = 0; i < found->n; i++)
		if (!choose_place(&found->all[i]))
			return false;
	return true;
}

bool
pgr_tablespaces_find(const char *source, PgrTablespaces *found)
{
	if (find_places(source, found))
		return true;
	/* A place that is not ours is left as it was. */
	(void) pgr_tablespaces_forget();
	return false;
}

bool
pgr_tablespaces_allow_rewind(const char *source)
{
	static PgrTablespaces found;

	bool		allowed = pgr_tablespaces_find(source, &found) && pgr_source_refusal != PGR_REFUSAL_LOST;

	return pgr_tablespaces_forget() && allowed;
}

/* An equals sign in a path is written with a backslash before it. */
static bool
append_path(char *out, size_t size, const char *path)
{
	size_t		used = strlen(out);

	for (; *path != '\0' && used + 3 < size; path++)
	{
		if (*path == '=')
			out[used++] = '\\';
		out[used++] = *path;
	}
	out[used] = '\0';
	return *path == '\0';
}

bool
pgr_tablespace_mapping(const PgrTablespace *tablespace, char *out, size_t size)
{
	char		copy[MAXPGPATH];

	clone_directory(copy, sizeof(copy), tablespace->place);
	strlcpy(out, "--tablespace-mapping=", size);
	return append_path(out, size, tablespace->location) && strlcat(out, "=", size) < size &&
		append_path(out, size, copy);
}

bool
pgr_tablespaces_fsync(const PgrTablespaces *found)
{
	for (int i = 0; i < found->n; i++)
	{
		char		path[MAXPGPATH];

		clone_directory(path, sizeof(path), found->all[i].place);
		if (!pgr_tree_fsync(path) || !pgr_fsync_parent(path))
			return pgr_work_failed_to("fsync", path);
		/* If the place itself is new; others may not be ours to open. */
		(void) pgr_fsync_parent(found->all[i].place);
	}
	return true;
}

static bool
remove_old(const char *directory, const char *name, void *argument)
{
	char		place[MAXPGPATH];
	char		path[MAXPGPATH];

	if (!follow(directory, name, place, sizeof(place)))
		return true;
	/* There is no copy of what the source does not have. */
	clone_directory(path, sizeof(path), place);
	(void) rmdir(path);
	version_directory(path, sizeof(path), place);
	if (data_is_fresh() || !pgr_file_exists(path))
		return true;
	if (!pgr_tree_remove(path) || !pgr_fsync_path(place))
		return pgr_work_failed_to("remove", path);
	return true;
}

bool
pgr_tablespaces_remove_old_data(void)
{
	return each_old_entry(remove_old, NULL);
}

/* Until the link is exchanged for one to the place itself, this is repeated. */
static bool
return_one(const char *directory, const char *name, void *argument)
{
	static const char *const new_link = PGR_CLONE_DIRECTORY "/tablespace";
	char		path[MAXPGPATH],
				copy[MAXPGPATH],
				place[MAXPGPATH],
				from[MAXPGPATH],
				to[MAXPGPATH],
				own[2 * PGR_NAME_SIZE];
	char	   *slash;

	clone_name(own, sizeof(own));
	if (!follow(directory, name, copy, sizeof(copy)))
		return true;
	strlcpy(place, copy, sizeof(place));
	slash = strrchr(place, '/');
	if (slash == place || strcmp(slash + 1, own) != 0)
		return true;
	*slash = '\0';
	version_directory(from, sizeof(from), copy);
	version_directory(to, sizeof(to), place);
	if (pgr_file_exists(from) && rename(from, to) != 0)
		return pgr_work_failed_to("move", from);
	if (!pgr_tree_remove(copy) || !pgr_fsync_path(place))
		return pgr_work_failed_to("remove", copy);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (!pgr_tree_remove(new_link) || symlink(place, new_link) != 0 || rename(new_link, path) != 0)
		return pgr_work_failed_to("link", path);
	return pgr_fsync_path(directory);
}

bool
pgr_tablespaces_return(const char *from)
{
	char		directory[MAXPGPATH];

	snprintf(directory, sizeof(directory), "%s/" LINKS, from);
	return !pgr_file_exists(directory) || pgr_directory_each(directory, return_one, NULL);
}
