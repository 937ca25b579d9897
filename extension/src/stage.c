/*
 * stage.c
 *		Moving Postgres's own part of a data directory out and in.
 *
 * A directory is renamed as a whole, except "global": its pg_control must be
 * readable in the data directory at every moment, or the postmaster could
 * not come as far as to go on with the work.  It is copied out and renamed in,
 * last of all.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog_internal.h"

#include "files.h"
#include "tablespace.h"
#include "work.h"

static const char *const data_directories[] = {
	"base", "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_multixact", "pg_notify",
	"pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans",
	"pg_tblspc", "pg_twophase", "pg_wal", "pg_xact"
};

/* Files at the top that belong to the data and not to the node. */
static const char *const data_files[] = {
	"backup_label", "backup_manifest", "tablespace_map", "backup_label.old", "tablespace_map.old"
};

static bool
is_symlink(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

/* An absent source has moved already. */
static bool
move(const char *from, const char *to)
{
	if (!pgr_file_exists(from))
		return true;
	if (rename(from, to) != 0)
		return pgr_work_failed_to("move", from);
	return true;
}

typedef struct Move
{
	const char *to;
	const char *except;
} Move;

static bool
move_entry(const char *directory, const char *name, void *argument)
{
	const Move *moving = argument;
	char		from[MAXPGPATH],
				to[MAXPGPATH];

	if (moving->except != NULL && strcmp(name, moving->except) == 0)
		return true;
	snprintf(from, sizeof(from), "%s/%s", directory, name);
	snprintf(to, sizeof(to), "%s/%s", moving->to, name);
	if (rename(from, to) != 0)
		return pgr_work_failed_to("move", from);
	return true;
}

static bool
move_entries(const char *from, const char *to, const char *except)
{
	Move		moving = {to, except};

	if (!pgr_directory_each(from, move_entry, &moving))
		return pgr_work_failed_to("move what is in", from);
	if (!pgr_fsync_path(to) || !pgr_fsync_path(from))
		return pgr_work_failed_to("fsync", from);
	return true;
}

static bool
make_directory(const char *path)
{
	struct stat status;

	/* pg_rewind and the server want the permissions of the data directory. */
	if (stat(".", &status) != 0)
		return pgr_work_failed_to("examine", ".");
	if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
		return pgr_work_failed_to("make directory", path);
	if (chmod(path, status.st_mode & 07777) != 0)
		return pgr_work_failed_to("set permissions of", path);
	return true;
}

/* A symbolic link stays; the other directory gets an absolute one. */
static bool
link_wal(const char *directory)
{
	char		target[PATH_MAX];
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s", directory, XLOGDIR);
	if (pgr_file_exists(path))
		return true;
	if (realpath(XLOGDIR, target) == NULL || symlink(target, path) != 0)
		return pgr_work_failed_to("link", path);
	return true;
}

static bool
copy_into(const char *directory, const char *name)
{
	char		temporary[MAXPGPATH],
				path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (!pgr_file_copy(name, temporary) || rename(temporary, path) != 0)
		return pgr_work_failed_to("copy", name);
	return true;
}

bool
pgr_stage_out_of_data_directory(const char *to)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/global", to);
	if (!make_directory(to) || !make_directory(path) ||
		!copy_into(to, "PG_VERSION") || !copy_into(to, XLOG_CONTROL_FILE) ||
		!move_entries("global", path, "pg_control"))
		return false;
	for (size_t i = 0; i < lengthof(data_directories); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", to, data_directories[i]);
		if (is_symlink(data_directories[i]) && strcmp(data_directories[i], XLOGDIR) == 0)
		{
			if (!link_wal(to))
				return false;
		}
		else if (!move(data_directories[i], path))
			return false;
	}
	for (size_t i = 0; i < lengthof(data_files); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", to, data_files[i]);
		if (!move(data_files[i], path))
			return false;
	}
	if (!pgr_fsync_path(to) || !pgr_fsync_path("."))
		return pgr_work_failed_to("fsync", to);
	return true;
}

/*
 * With pg_wal as a symbolic link here, the other side has a link to the same
 * directory (rewind), or to one inside of it (clone).
 */
static bool
return_wal(const char *from)
{
	char		path[MAXPGPATH];
	char		inner[PATH_MAX],
				outer[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", from, XLOGDIR);
	if (!is_symlink(XLOGDIR))
		return move(path, XLOGDIR);
	if (!is_symlink(path))
		return true;
	if (realpath(XLOGDIR, outer) == NULL)
		return pgr_work_failed_to("examine", XLOGDIR);
	if (realpath(path, inner) != NULL && strcmp(inner, outer) != 0)
	{
		if (!move_entries(inner, outer, NULL))
			return false;
		if (rmdir(inner) != 0 && errno != ENOENT)
			return pgr_work_failed_to("remove", inner);
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return pgr_work_failed_to("remove", path);
	return true;
}

bool
pgr_stage_into_data_directory(const char *from)
{
	char		path[MAXPGPATH];

	for (size_t i = 0; i < lengthof(data_directories); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", from, data_directories[i]);
		if (strcmp(data_directories[i], XLOGDIR) == 0)
		{
			if (!return_wal(from))
				return false;
		}
		else if (!move(path, data_directories[i]))
			return false;
	}
	for (size_t i = 0; i < lengthof(data_files); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", from, data_files[i]);
		if (!move(path, data_files[i]))
			return false;
	}
	snprintf(path, sizeof(path), "%s/global", from);
	if (pgr_file_exists(path) && !move_entries(path, "global", "pg_control"))
		return false;
	if (!pgr_fsync_path("."))
		return pgr_work_failed_to("fsync", ".");
	snprintf(path, sizeof(path), "%s/PG_VERSION", from);
	if (!move(path, "PG_VERSION"))
		return false;
	snprintf(path, sizeof(path), "%s/%s", from, XLOG_CONTROL_FILE);
	if (!move(path, XLOG_CONTROL_FILE))
		return false;
	if (!pgr_fsync_path("global") || !pgr_fsync_path("."))
		return pgr_work_failed_to("fsync", "global");
	return true;
}

static bool
remove_all_but_control(const char *directory, const char *name, void *argument)
{
	char		path[MAXPGPATH];
	const char *kept = argument;

	if (strcmp(name, kept) == 0)
		return true;
	/* Where a link points may be the top of a file system. */
	if (strcmp(name, "lost+found") == 0)
		return true;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (!pgr_tree_remove(path))
		return pgr_work_failed_to("remove", path);
	return true;
}

/* The new WAL waits in this directory, if pg_wal is a symbolic link. */
#define NEW_WAL PGR_CLONE_DIRECTORY

bool
pgr_stage_remove_old_data(void)
{
	/* The links say where there is some. */
	if (!pgr_tablespaces_remove_old_data())
		return false;
	for (size_t i = 0; i < lengthof(data_directories); i++)
	{
		if (is_symlink(data_directories[i]))
		{
			if (!pgr_directory_each(data_directories[i], remove_all_but_control, NEW_WAL))
				return pgr_work_failed_to("empty", data_directories[i]);
		}
		else if (!pgr_tree_remove(data_directories[i]))
			return pgr_work_failed_to("remove", data_directories[i]);
	}
	for (size_t i = 0; i < lengthof(data_files); i++)
		if (!pgr_tree_remove(data_files[i]))
			return pgr_work_failed_to("remove", data_files[i]);
	if (!pgr_directory_each("global", remove_all_but_control, "pg_control"))
		return pgr_work_failed_to("empty", "global");
	if (!pgr_tree_remove(PGR_REWIND_DIRECTORY))
		return pgr_work_failed_to("remove", PGR_REWIND_DIRECTORY);
	if (!pgr_fsync_path("."))
		return pgr_work_failed_to("fsync", ".");
	return true;
}
