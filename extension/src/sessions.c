/*
 * sessions.c
 *		Does the postmaster let a new session in?
 *
 * A postmaster that is stopped or stuck disturbs nobody who is connected, and
 * replication goes on; only new clients wait for ever.  So it is asked what a
 * client may ask first, whether it wants TLS.  Whatever the answer, a process
 * was forked to give it.  Only silence counts: a socket that is not there, or
 * refuses, says nothing about the postmaster that this process belongs to.
 */
#include "postgres.h"
#include "compat.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpq/pqcomm.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "postmaster/postmaster.h"

#include "assistant.h"
#include "shared.h"

#define ASK_EVERY_MS	3000
#define ANSWER_WITHIN_MS 2000

bool
pgr_first_of(const char *list, char *out, size_t size)
{
	size_t		length;

	if (list == NULL)
		return false;
	list += strspn(list, " \t\"");
	length = strcspn(list, ",\"");
	while (length > 0 && (list[length - 1] == ' ' || list[length - 1] == '\t'))
		length--;
	if (length == 0 || length >= size)
		return false;
	memcpy(out, list, length);
	out[length] = '\0';
	return true;
}

static bool
unix_address(PgrAddress *to)
{
	struct sockaddr_un *address = (struct sockaddr_un *) &to->address;
	char		directory[MAXPGPATH];
	char		path[MAXPGPATH];

	if (!pgr_first_of(Unix_socket_directories, directory, sizeof(directory)))
		return false;
	UNIXSOCK_PATH(path, PostPortNumber, directory);
	if (strlen(path) >= sizeof(address->sun_path))
		return false;
	address->sun_family = AF_UNIX;
	strlcpy(address->sun_path, path, sizeof(address->sun_path));
	to->length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	/* An abstract name has a zero byte in front, and none at its end. */
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	else
		to->length++;
	return true;
}

/* Numbers only: a name server must not hold up the probe. */
static bool
tcp_address(PgrAddress *to)
{
	struct addrinfo hints,
			   *list = NULL;
	char		host[NI_MAXHOST];
	char		port[16];

	if (!pgr_first_of(ListenAddresses, host, sizeof(host)))
		return false;
	if (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "localhost") == 0)
		strlcpy(host, "127.0.0.1", sizeof(host));
	else if (strcmp(host, "::") == 0)
		strlcpy(host, "::1", sizeof(host));
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	snprintf(port, sizeof(port), "%d", PostPortNumber);
	if (getaddrinfo(host, port, &hints, &list) != 0)
		return false;
	to->length = list->ai_addrlen;
	memcpy(&to->address, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return true;
}

/* False: nothing came within the time. */
static bool
is_answered(int fd)
{
	struct
	{
		uint32		length;
		uint32		code;
	}			request = {pg_hton32(8), pg_hton32(NEGOTIATE_SSL_CODE)};
	struct pollfd wait = {.fd = fd,.events = POLLIN};
	char		answer;

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return true;			/* it hung up: that is no silence */
	if (poll(&wait, 1, ANSWER_WITHIN_MS) <= 0)
		return false;
	/* An error message instead says that no process could be forked. */
	return recv(fd, &answer, 1, MSG_DONTWAIT) != 1 || answer != 'E';
}

static bool
is_silent(void)
{
	PgrAddress	address;
	int			fd;
	bool		silent;

	memset(&address, 0, sizeof(address));
	if (!unix_address(&address) && !tcp_address(&address))
		return false;
	fd = socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *) &address.address, address.length) == 0)
		silent = !is_answered(fd);
	else if (errno == EINPROGRESS)
	{
		struct pollfd wait = {.fd = fd,.events = POLLOUT};

		silent = poll(&wait, 1, ANSWER_WITHIN_MS) <= 0 || !is_answered(fd);
	}
	else
		silent = errno == EAGAIN;	/* nobody empties the queue */
	close(fd);
	return silent;
}

/* Called by the process that tries the disks, between two rounds. */
void
pgr_sessions_probe(void)
{
	pg_atomic_uint64 *silent_since = &pgr_shared->assistant.sessions_silent_ms;
	static int64 asked_ms = 0;
	int64		now = pgr_now_ms();

	/* Each answer costs the server a process. */
	if (asked_ms != 0 && now - asked_ms < ASK_EVERY_MS && pg_atomic_read_u64(silent_since) == 0)
		return;
	asked_ms = now;
	if (!is_silent())
		pg_atomic_write_u64(silent_since, 0);
	else if (pg_atomic_read_u64(silent_since) == 0)
		pg_atomic_write_u64(silent_since, now);
}

bool
pgr_assistant_sessions_are_well(int64 limit_ms, char *why, size_t why_size)
{
	int64		since = pg_atomic_read_u64(&pgr_shared->assistant.sessions_silent_ms);

	if (since == 0 || pgr_now_ms() - since <= limit_ms)
		return true;
	snprintf(why, why_size, "the postmaster has answered no new connection for %lld ms",
			 (long long) (pgr_now_ms() - since));
	return false;
}
