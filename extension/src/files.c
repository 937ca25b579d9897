/*
 * files.c
 *		Durable changes to files and directories.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define COPY_BUFFER (256 * 1024)

/* Closes without touching the errno of what failed before. */
static bool
close_after_failure(int fd)
{
	int			saved = errno;

	close(fd);
	errno = saved;
	return false;
}

bool
pgr_fsync_path(const char *path)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (fsync(fd) != 0)
		return close_after_failure(fd);
	return close(fd) == 0;
}

bool
pgr_fsync_parent(const char *path)
{
	char		parent[MAXPGPATH];
	char	   *slash;

	strlcpy(parent, path, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash == NULL)
		strlcpy(parent, ".", sizeof(parent));
	else if (slash == parent)
		parent[1] = '\0';
	else
		*slash = '\0';
	return pgr_fsync_path(parent);
}

static bool
write_all(int fd, const char *content, size_t length)
{
	while (length > 0)
	{
		ssize_t		written = write(fd, content, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			if (written == 0)
				errno = ENOSPC;
			return false;
		}
		content += written;
		length -= written;
	}
	return true;
}

bool
pgr_file_write(const char *path, const void *content, size_t length)
{
	char		temporary[MAXPGPATH];
	int			fd;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return false;
	if (!write_all(fd, content, length) || fsync(fd) != 0)
		return close_after_failure(fd);
	if (close(fd) != 0 || rename(temporary, path) != 0)
		return false;
	return pgr_fsync_parent(path);
}

char *
pgr_file_read(const char *path, size_t limit, size_t *length)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char	   *content;
	size_t		got = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) != 0)
	{
		close_after_failure(fd);
		return NULL;
	}
	if (!S_ISREG(status.st_mode) || (uint64) status.st_size > limit)
	{
		close(fd);
		errno = EFBIG;
		return NULL;
	}
	content = malloc(status.st_size + 1);
	while (content != NULL && got < (size_t) status.st_size)
	{
		ssize_t		n = read(fd, content + got, status.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
		{
			close_after_failure(fd);
			free(content);
			return NULL;
		}
		if (n == 0)
			break;
		got += n;
	}
	close(fd);
	if (content != NULL)
	{
		content[got] = '\0';
		if (length != NULL)
			*length = got;
	}
	return content;
}

bool
pgr_file_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

bool
pgr_file_copy(const char *from, const char *to)
{
	int			source = open(from, O_RDONLY | O_CLOEXEC);
	int			target;
	char	   *buffer;
	bool		done = false;

	if (source < 0)
		return false;
	target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (target < 0)
		return close_after_failure(source);
	buffer = malloc(COPY_BUFFER);
	while (buffer != NULL)
	{
		ssize_t		n = read(source, buffer, COPY_BUFFER);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			done = (n == 0);
			break;
		}
		if (!write_all(target, buffer, n))
			break;
	}
	done = done && fsync(target) == 0;
	free(buffer);
	close_after_failure(source);
	if (!done)
		return close_after_failure(target);
	return close(target) == 0;
}

/*
 * The names are read before the first visit, so that visits may remove and
 * rename entries.
 */
bool
pgr_directory_each(const char *directory, PgrEntryVisit visit, void *argument)
{
	DIR		   *handle = opendir(directory);
	struct dirent *entry;
	char	  **names = NULL;
	int			n = 0,
				room = 0;
	bool		good = true;

	if (handle == NULL)
		return false;
	while ((errno = 0, entry = readdir(handle)) != NULL)
	{
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n == room)
		{
			char	  **grown;

			room = room ? room * 2 : 64;
			grown = realloc(names, room * sizeof(char *));
			if (grown == NULL)
				break;
			names = grown;
		}
		if ((names[n] = strdup(entry->d_name)) == NULL)
			break;
		n++;
	}
	good = (errno == 0 && entry == NULL);
	{
		int			saved = errno;

		closedir(handle);
		errno = saved;
	}
	for (int i = 0; i < n; i++)
	{
		good = good && visit(directory, names[i], argument);
		free(names[i]);
	}
	free(names);
	return good;
}

static bool
remove_entry(const char *directory, const char *name, void *argument)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return pgr_tree_remove(path);
}

bool
pgr_tree_remove(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return errno == ENOENT;
	if (!S_ISDIR(status.st_mode))
		return unlink(path) == 0 || errno == ENOENT;
	if (!pgr_directory_each(path, remove_entry, NULL))
		return false;
	return rmdir(path) == 0 || errno == ENOENT;
}

static bool
fsync_entry(const char *directory, const char *name, void *argument)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return pgr_tree_fsync(path);
}

bool
pgr_tree_fsync(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return false;
	if (S_ISDIR(status.st_mode) && !pgr_directory_each(path, fsync_entry, NULL))
		return false;
	if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
		return true;
	return pgr_fsync_path(path);
}

static bool
count_entry(const char *directory, const char *name, void *argument)
{
	char		path[MAXPGPATH];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (lstat(path, &status) != 0)
		return true;
	if (S_ISDIR(status.st_mode))
		*(uint64 *) argument += pgr_tree_size(path);
	else if (S_ISREG(status.st_mode))
		*(uint64 *) argument += status.st_size;
	return true;
}

uint64
pgr_tree_size(const char *path)
{
	uint64		size = 0;

	(void) pgr_directory_each(path, count_entry, &size);
	return size;
}
