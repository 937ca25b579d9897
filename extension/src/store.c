/*
 * store.c
 *		The state directory: what this node must not forget.
 *
 * Plain system calls on a directory descriptor, because the pre-start child
 * runs before Postgres's file layer is of use, and fsync() whatever the
 * setting "fsync" says: a vote that can be forgotten can be given twice (P9).
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

#define TEMPORARY_PREFIX ".new."

static int	directory_fd = -1;
static int	lock_fd = -1;
static char directory_path[MAXPGPATH];

static bool
failed(char *problem, size_t size, const char *what, const char *name)
{
	int			saved = errno;

	snprintf(problem, size, "could not %s \"%s%s%s\": %s", what, directory_path,
			 name[0] ? "/" : "", name, strerror(saved));
	errno = saved;
	return false;
}

bool
pgr_store_name_is_valid(const char *name)
{
	size_t		length = strlen(name);

	if (length == 0 || length >= PGR_STORE_NAME_MAX || name[0] == '.')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

static bool
is_of_host(const char *name)
{
	return strcmp(name, PGR_STORE_LOCK) == 0 ||
		strcmp(name, PGR_STORE_START_NUMBER) == 0 ||
		strcmp(name, PGR_STORE_WORK) == 0 ||
		strcmp(name, PGR_STORE_ADDRESSES) == 0;
}

static bool
refuse_name(const char *name, char *problem, size_t size)
{
	if (pgr_store_name_is_valid(name))
		return false;
	snprintf(problem, size, "\"%.64s\" is not a valid name of a state file", name);
	return true;
}

/* A new directory exists after a power loss only if its parent says so. */
static bool
make_directory(const char *directory, char *problem, size_t size)
{
	char		parent[MAXPGPATH];
	char	   *slash;
	int			fd;
	bool		done;

	if (mkdir(directory, S_IRWXU) != 0 && errno != EEXIST)
		return failed(problem, size, "make directory", "");
	strlcpy(parent, directory, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash == NULL)
		strlcpy(parent, ".", sizeof(parent));
	else if (slash == parent)
		slash[1] = '\0';
	else
		*slash = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	done = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return done ? true : failed(problem, size, "sync the parent of", "");
}

bool
pgr_store_open(const char *directory, char *problem, size_t size)
{
	struct stat status;
	int			fd;

	strlcpy(directory_path, directory, sizeof(directory_path));
	if (directory_fd >= 0)
		close(directory_fd);
	directory_fd = -1;

	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
	{
		if (!make_directory(directory, problem, size))
			return false;
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &status) != 0)
	{
		failed(problem, size, "open directory", "");
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (status.st_uid != geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
	{
		snprintf(problem, size,
				 "directory \"%s\" must belong to the server's user and have mode 0700, but has owner %u and mode %04o",
				 directory, (unsigned) status.st_uid, (unsigned) (status.st_mode & 07777));
		close(fd);
		return false;
	}
	directory_fd = fd;
	return true;
}

/* What a process left that died between writing a file and renaming it. */
static void
remove_leftovers(void)
{
	int			fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (listing == NULL)
	{
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(listing)) != NULL)
	{
		if (strncmp(entry->d_name, TEMPORARY_PREFIX PGR_STORE_WORK,
					strlen(TEMPORARY_PREFIX PGR_STORE_WORK)) == 0)
			continue;			/* written by others than the voter */
		if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0)
			(void) unlinkat(directory_fd, entry->d_name, 0);
	}
	closedir(listing);
}

bool
pgr_store_lock(char *problem, size_t size)
{
	int			fd;

	if (lock_fd >= 0)
		return true;
	fd = openat(directory_fd, PGR_STORE_LOCK,
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return failed(problem, size, "open", PGR_STORE_LOCK);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
	{
		if (errno == EWOULDBLOCK)
			snprintf(problem, size,
					 "another process votes with the state directory \"%s\"", directory_path);
		else
			failed(problem, size, "lock", PGR_STORE_LOCK);
		close(fd);
		return false;
	}
	lock_fd = fd;
	remove_leftovers();
	return true;
}

static bool
write_all(int fd, const void *content, int32 length, int64 offset)
{
	int32		written = 0;

	while (written < length)
	{
		ssize_t		n = pwrite(fd, (const char *) content + written,
							   length - written, offset + written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (n == 0)
				errno = ENOSPC;
			return false;
		}
		written += n;
	}
	return true;
}

bool
pgr_store_replace(const char *name, const void *content, int32 length,
				  char *problem, size_t size)
{
	char		temporary[PGR_STORE_NAME_MAX + 8];
	int			fd;

	if (refuse_name(name, problem, size))
		return false;
	snprintf(temporary, sizeof(temporary), TEMPORARY_PREFIX "%s", name);
	fd = openat(directory_fd, temporary,
				O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return failed(problem, size, "create", temporary);
	if (!write_all(fd, content, length, 0) || fsync(fd) != 0)
	{
		failed(problem, size, "write", temporary);
		close(fd);
		(void) unlinkat(directory_fd, temporary, 0);
		return false;
	}
	close(fd);
	if (renameat(directory_fd, temporary, directory_fd, name) != 0)
	{
		failed(problem, size, "rename to", name);
		(void) unlinkat(directory_fd, temporary, 0);
		return false;
	}
	if (fsync(directory_fd) != 0)
		return failed(problem, size, "sync directory", "");
	return true;
}

bool
pgr_store_append(const char *name, int64 offset, const void *content,
				 int32 length, char *problem, size_t size)
{
	struct stat status;
	bool		made = false;
	bool		done;
	int			fd;

	if (refuse_name(name, problem, size))
		return false;
	fd = openat(directory_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
	{
		made = true;
		fd = openat(directory_fd, name,
					O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	}
	if (fd < 0 || fstat(fd, &status) != 0)
	{
		failed(problem, size, "open", name);
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (offset < 0 || offset > status.st_size || offset + length > PGR_STORE_FILE_MAX)
	{
		snprintf(problem, size,
				 "\"%s/%s\" has %lld bytes, %d bytes at offset %lld do not fit",
				 directory_path, name, (long long) status.st_size, (int) length, (long long) offset);
		close(fd);
		return false;
	}

	/*
	 * Cut before writing: after a crash the file is then a beginning of the
	 * new content, never the new content followed by a piece of the old.
	 */
	done = (offset == status.st_size || ftruncate(fd, offset) == 0) &&
		write_all(fd, content, length, offset) && fsync(fd) == 0 &&
		(!made || fsync(directory_fd) == 0);
	if (!done)
	{
		failed(problem, size, "write", name);
		/* Or the next process reads, and believes, what no fsync() confirmed. */
		if (ftruncate(fd, offset) != 0)
			strlcat(problem, ", nor cut it off again", size);
	}
	close(fd);
	return done;
}

bool
pgr_store_remove(const char *name, char *problem, size_t size)
{
	if (refuse_name(name, problem, size))
		return false;
	if (unlinkat(directory_fd, name, 0) != 0 && errno != ENOENT)
		return failed(problem, size, "remove", name);
	if (fsync(directory_fd) != 0)
		return failed(problem, size, "sync directory", "");
	return true;
}

static bool
read_all(int fd, uint8 *content, int32 length)
{
	int32		at = 0;

	while (at < length)
	{
		ssize_t		n = read(fd, content + at, length - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (n == 0)
				errno = EIO;
			return false;
		}
		at += n;
	}
	return true;
}

uint8 *
pgr_store_read(const char *name, int32 *length, bool *missing,
			   char *problem, size_t size)
{
	struct stat status;
	uint8	   *content = NULL;
	int			fd;

	*missing = false;
	*length = 0;
	if (refuse_name(name, problem, size))
		return NULL;
	fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
	{
		*missing = errno == ENOENT;
		failed(problem, size, "open", name);
		return NULL;
	}
	if (fstat(fd, &status) != 0)
		failed(problem, size, "examine", name);
	else if (!S_ISREG(status.st_mode) || status.st_size > PGR_STORE_FILE_MAX)
		snprintf(problem, size,
				 "\"%s/%s\" is not a file of at most %d bytes, so it is not one of ours",
				 directory_path, name, PGR_STORE_FILE_MAX);
	else if ((content = malloc(status.st_size + 1)) == NULL)
		failed(problem, size, "find memory for", name);
	else if (!read_all(fd, content, (int32) status.st_size))
	{
		failed(problem, size, "read", name);
		free(content);
		content = NULL;
	}
	else
	{
		content[status.st_size] = '\0';
		*length = (int32) status.st_size;
	}
	close(fd);
	return content;
}

int64
pgr_store_next_start(char *problem, size_t size)
{
	char		text[32];
	int64		number = 0;
	int32		length;
	bool		missing;
	uint8	   *content;

	content = pgr_store_read(PGR_STORE_START_NUMBER, &length, &missing, problem, size);
	if (content == NULL && !missing)
		return 0;
	if (content != NULL)
	{
		char	   *end;

		errno = 0;
		number = strtoll((char *) content, &end, 10);
		if (length == 0 || errno != 0 || number < 1 || *end != '\n')
		{
			snprintf(problem, size,
					 "\"%s/%s\" is damaged; without it this node cannot prove that it is not an old copy of itself",
					 directory_path, PGR_STORE_START_NUMBER);
			free(content);
			return 0;
		}
		free(content);
	}
	number++;
	length = snprintf(text, sizeof(text), "%lld\n", (long long) number);
	if (!pgr_store_replace(PGR_STORE_START_NUMBER, text, length, problem, size))
		return 0;
	return number;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp((const char *) a, (const char *) b);
}

/* Fills "names" with the core's files; the number of them, or -1. */
static int
list_names(char names[][PGR_STORE_NAME_MAX], char *problem, size_t size)
{
	int			fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int			count = 0;

	if (listing == NULL)
	{
		failed(problem, size, "list directory", "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (errno = 0, (entry = readdir(listing)) != NULL)
	{
		if (!pgr_store_name_is_valid(entry->d_name) || is_of_host(entry->d_name))
			continue;
		if (entry->d_type == DT_DIR)
			continue;
		if (count == PGR_STORE_FILES_MAX)
		{
			snprintf(problem, size, "\"%s\" holds more than %d files, so it is not ours alone",
					 directory_path, PGR_STORE_FILES_MAX);
			count = -1;
			break;
		}
		strlcpy(names[count++], entry->d_name, PGR_STORE_NAME_MAX);
	}
	if (count >= 0 && errno != 0)
	{
		failed(problem, size, "list directory", "");
		count = -1;
	}
	closedir(listing);
	return count;
}

/*
 * A process that was killed between write() and fsync() leaves what others
 * read and a loss of power takes away.  (Its renames are durable with the
 * start number, which syncs the directory.)
 */
static bool
sync_file(const char *name, char *problem, size_t size)
{
	int			fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool		done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		failed(problem, size, "sync", name);
	if (fd >= 0)
		close(fd);
	return done;
}

bool
pgr_store_each(PgrStoreVisit visit, void *argument, char *problem, size_t size)
{
	char		names[PGR_STORE_FILES_MAX][PGR_STORE_NAME_MAX];
	int			count = list_names(names, problem, size);

	if (count < 0)
		return false;
	qsort(names, count, PGR_STORE_NAME_MAX, compare_names);
	for (int i = 0; i < count; i++)
	{
		int32		length;
		bool		missing;
		bool		go_on;
		uint8	   *content;

		if (!sync_file(names[i], problem, size))
			return false;
		content = pgr_store_read(names[i], &length, &missing, problem, size);
		if (content == NULL)
			return false;
		go_on = visit(names[i], content, length, argument);
		free(content);
		if (!go_on)
		{
			snprintf(problem, size, "the files in \"%s\" are larger than %d bytes together",
					 directory_path, PGR_STORE_FILE_MAX);
			return false;
		}
	}
	return true;
}
