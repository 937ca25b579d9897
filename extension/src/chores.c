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
#include <unistd.h>

#include "access/xlog_internal.h"

#include "assistant.h"
#include "config.h"
#include "shared.h"

#define RESOLVE_INTERVAL_MS 30000
#define RESOLVE_SOON_MS		1000
#define RESOLVE_FAILED_MS	2000
#define PROBE_INTERVAL_MS	1000
#define PROBE_SIZE			(1024 * 1024)
#define PROBE_BLOCK			8192

static void
sleep_ms(int ms)
{
	struct timespec duration = {ms / 1000, (ms % 1000) * 1000000L};

	(void) nanosleep(&duration, NULL);
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
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(pgr_config.nodes[node].host, NULL, &hints, &list) != 0)
		return false;
	memset(&found, 0, sizeof(found));
	for (struct addrinfo *entry = list; entry != NULL && found.count < PGR_ADDRESSES_PER_NODE;
		 entry = entry->ai_next)
	{
		if (entry->ai_addrlen > sizeof(struct sockaddr_storage))
			continue;
		found.addresses[found.count].length = entry->ai_addrlen;
		memcpy(&found.addresses[found.count].address, entry->ai_addr, entry->ai_addrlen);
		found.count++;
	}
	freeaddrinfo(list);
	if (found.count == 0)
		return false;
	found.resolved_ms = pgr_now_ms();
	SpinLockAcquire(&shared->mutex);
	shared->resolved[node] = found;
	SpinLockRelease(&shared->mutex);
	return true;
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
			sleep_ms(200);
			if (pg_atomic_read_u32(&shared->resolve_asked) != 0)
				pause = Min(pause, RESOLVE_SOON_MS);
		}
	}
}

/*
 * Needs free space as a commit may need it, and a disk that answers.
 * Returns an errno.
 */
static int
write_probe(const char *directory)
{
	static char block[PROBE_BLOCK];
	char		path[MAXPGPATH];
	int			fd;
	int			result;

	snprintf(path, sizeof(path), "%s/.pg_replica_probe", directory);
	(void) unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return errno;
	result = posix_fallocate(fd, 0, PROBE_SIZE);
	if (result == EOPNOTSUPP || result == EINVAL)
		result = 0;
	if (result == 0 && pwrite(fd, block, sizeof(block), 0) != (ssize_t) sizeof(block))
		result = errno != 0 ? errno : ENOSPC;
	if (result == 0 && fdatasync(fd) != 0)
		result = errno;
	close(fd);
	(void) unlink(path);
	return result;
}

void
pgr_probe_loop(void)
{
	PgrAssistantShared *shared = &pgr_shared->assistant;

	for (;;)
	{
		int			result;

		errno = 0;
		pg_atomic_write_u64(&shared->probe_begun_ms, pgr_now_ms());
		result = write_probe(XLOGDIR);
		if (result == 0)
			result = write_probe(pgr_state_dir);
		pg_atomic_write_u32(&shared->probe_errno, result);
		pg_atomic_write_u64(&shared->probe_done_ms, pgr_now_ms());
		pg_atomic_write_u64(&shared->probe_begun_ms, 0);
		sleep_ms(PROBE_INTERVAL_MS);
	}
}
