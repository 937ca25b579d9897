/*
 * datalock.c
 *		The lock on the data directory.
 *
 * postmaster.pid does not protect a directory in which a rewind or clone
 * works: the postmaster that began it may be dead.  This lock is held by
 * whoever works there, through re-execution, too.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"

#include "restart.h"

#define POLL_MS 10
#define WAIT_LIMIT_MS 5000

int			pgr_data_lock_fd = -1;

/* The descriptor that the former image of this process left, or -1. */
static int
inherited_lock(void)
{
	const char *text = getenv(PGR_LOCK_VARIABLE);
	int			fd;
	unsigned long long device,
				inode;
	struct stat there,
				here;

	if (text == NULL || sscanf(text, "%d:%llu:%llu", &fd, &device, &inode) != 3)
		return -1;
	if (fd <= 2 || fstat(fd, &there) != 0 || stat(".", &here) != 0)
		return -1;
	if (there.st_dev != here.st_dev || there.st_ino != here.st_ino ||
		there.st_dev != device || there.st_ino != inode)
		return -1;
	return fd;
}

/*
 * A postmaster removes postmaster.pid while it still has this lock, and so have
 * its logging collector and what else outlives it for a moment.  Who restarts a
 * server by the rules shall not be refused for that.
 */
static bool
take(int fd)
{
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += POLL_MS)
	{
		if (waited >= WAIT_LIMIT_MS)
			return false;
		if (waited == 0)
			ereport(LOG,
					(errmsg("pg_replica waits up to %d s for another process to leave data directory \"%s\"",
							WAIT_LIMIT_MS / 1000, DataDir)));
		pg_usleep(POLL_MS * 1000L);
	}
	return true;
}

void
pgr_data_lock(void)
{
	int			fd = inherited_lock();

	if (fd < 0)
		fd = open(".", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not open data directory \"%s\": %m", DataDir)));
	/* Programs that Postgres runs, like archive_command, shall not keep it. */
	(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!take(fd))
		ereport(FATAL,
				(errcode(ERRCODE_LOCK_FILE_EXISTS),
				 errmsg("data directory \"%s\" is locked by another process", DataDir),
				 errdetail("A server, or the rewind or clone that an earlier one began, still works in it."),
				 errhint("Wait until it has ended, or end it.")));
	pgr_data_lock_fd = fd;
}
