/*
 * chores.c
 *		What can hang for a long time without an end: asking a name server, and
 *		writing to a disk.  Each is done by a child of the assistant with
 *		nothing of Postgres in it, so that nobody waits for it, not even a
 *		shutdown of the server.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "access/xlog_internal.h"

#include "assistant.h"
#include "config.h"
#include "shared.h"

#define RESOLVE_INTERVAL_MS 30000
#define RESOLVE_SOON_MS		1000
#define RESOLVE_FAILED_MS	2000
#define RESOLVE_LOOK_MS		1000
#define PROBE_INTERVAL_MS	1000
#define PROBE_ANEW_EVERY	15
#define PROBE_SIZE			(1024 * 1024)
#define PROBE_BLOCK			8192

static void
sleep_ms(int ms)
{
	struct timespec duration = {ms / 1000, (ms % 1000) * 1000000L};

	(void) nanosleep(&duration, NULL);
}

static void
take_addresses(PgrResolved *found, const struct addrinfo *list)
{
	for (const struct addrinfo *entry = list; entry != NULL && found->count < PGR_ADDRESSES_PER_NODE;
		 entry = entry->ai_next)
	{
		if (entry->ai_addrlen > sizeof(struct sockaddr_storage))
			continue;
		found->addresses[found->count].length = entry->ai_addrlen;
		memcpy(&found->addresses[found->count].address, entry->ai_addr, entry->ai_addrlen);
		found->count++;
	}
}

/* False: there is no answer now, and what is known stays. */
static bool
resolve(int node)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	struct addrinfo hints,
			   *list = NULL;
	PgrResolved found;

	memset(&hints, 0, sizeof(hints));
	memset(&found, 0, sizeof(found));
	hints.ai_socktype = SOCK_STREAM;
	found.error = getaddrinfo(pgr_config.nodes[node].host, NULL, &hints, &list);
	if (found.error == 0)
	{
		take_addresses(&found, list);
		freeaddrinfo(list);
	}
	SpinLockAcquire(&shared->mutex);
	if (found.count > 0)
		shared->resolved[node] = found;
	else
		shared->resolved[node].error = found.error;
	SpinLockRelease(&shared->mutex);
	return found.count > 0;
}

void
pgr_resolver_loop(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	for (;;)
	{
		bool		all = true;
		int64		begun = pgr_now_ms();
		int64		pause;

		pg_atomic_write_u32(&shared->resolve_asked, 0);
		for (int i = 0; i < pgr_config.n_nodes && i < PGR_ASSISTANT_NODES; i++)
			all = resolve(i) && all;
		pause = all ? RESOLVE_INTERVAL_MS : RESOLVE_FAILED_MS;
		while (pgr_now_ms() - begun < pause)
		{
			sleep_ms(RESOLVE_LOOK_MS);
			if (pg_atomic_read_u32(&shared->resolve_asked) != 0)
				pause = Min(pause, RESOLVE_SOON_MS);
		}
	}
}

static void
probe_path(char *path, size_t size, const char *directory)
{
	snprintf(path, size, "%s/.pg_replica_probe", directory);
}

/* The disk answers, if what is written gets there.  Returns an errno. */
static int
write_block(int fd)
{
	static const char block[PROBE_BLOCK];

	errno = 0;
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t) sizeof(block))
		return errno != 0 ? errno : ENOSPC;
	return fdatasync(fd) != 0 ? errno : 0;
}

/*
 * Needs free space as a commit may need it, and then leaves the first block
 * for the rounds that write in place.
 */
static int
probe_anew(const char *directory)
{
	char		path[MAXPGPATH];
	int			fd;
	int			result;

	probe_path(path, sizeof(path), directory);
	(void) unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return errno;
	result = posix_fallocate(fd, 0, PROBE_SIZE);
	if (result == EOPNOTSUPP || result == EINVAL)
		result = 0;
	if (result == 0)
		result = write_block(fd);
	if (ftruncate(fd, PROBE_BLOCK) != 0 && result == 0)
		result = errno;
	close(fd);
	if (result != 0)
		(void) unlink(path);
	return result;
}

/* Making and removing files costs many times more than writing to one that is there. */
static int
probe_in_place(const char *directory)
{
	char		path[MAXPGPATH];
	struct statvfs space;
	int			fd;
	int			result;

	if (statvfs(directory, &space) == 0 && space.f_bavail * space.f_frsize < PROBE_SIZE)
		return ENOSPC;
	probe_path(path, sizeof(path), directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? probe_anew(directory) : errno;
	result = write_block(fd);
	close(fd);
	return result;
}

static bool
are_on_one_disk(const char *a, const char *b)
{
	struct stat of_a;
	struct stat of_b;

	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev;
}

void
pgr_probe_loop(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	for (uint32 round = 0;; round++)
	{
		int			(*probe) (const char *) = round % PROBE_ANEW_EVERY == 0 ? probe_anew : probe_in_place;
		int			result;

		pg_atomic_write_u64(&shared->probe_begun_ms, pgr_now_ms());
		result = probe(XLOGDIR);
		if (result == 0 && !are_on_one_disk(XLOGDIR, pgr_state_dir))
			result = probe(pgr_state_dir);
		pg_atomic_write_u32(&shared->probe_errno, result);
		pg_atomic_write_u64(&shared->probe_done_ms, pgr_now_ms());
		pg_atomic_write_u64(&shared->probe_begun_ms, 0);
		pgr_sessions_probe();
		sleep_ms(PROBE_INTERVAL_MS);
	}
}

bool
pgr_assistant_disks_are_well(int64 limit_ms, char *why, size_t why_size)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;
	int64		begun = pg_atomic_read_u64(&shared->probe_begun_ms);
	uint32		failure = pg_atomic_read_u32(&shared->probe_errno);
	int64		running = begun == 0 ? 0 : pgr_now_ms() - begun;

	if (running > limit_ms)
	{
		snprintf(why, why_size, "a write to the disk of pg_wal or of the state directory has not ended for %lld ms",
				 (long long) running);
		return false;
	}
	if (failure != 0)
	{
		snprintf(why, why_size, "a write to the disk of pg_wal or of the state directory failed: %s",
				 strerror(failure));
		return false;
	}
	return true;
}
