/*
 * net_listen.c
 *		The port at which the other nodes find us.
 */
#include "postgres.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_internal.h"
#include "worker.h"

#define LISTENERS_MAX 16
#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 5000
#define LOG_EVERY_MS 60000
#define ACCEPTS_PER_TURN 64
#define BACKLOG 256

typedef struct Listener
{
	char		name[PGR_HOST_SIZE];
	bool		optional;		/* half of "*": the host may lack one family */
	PgrAddress	address;		/* length 0: not numeric */
	int			fd;				/* -1: not listening */
} Listener;

static Listener listeners[LISTENERS_MAX];
static int	n_listeners = -1;	/* -1: the setting was not looked at yet */
static int64 try_at_ms = 0;
static int64 pause_until_ms = 0;
static int64 logged_ms = 0;
static int	retry_ms = RETRY_MIN_MS;

static void
add(const char *name, const char *host, bool optional)
{
	struct addrinfo hints;
	struct addrinfo *found = NULL;
	Listener   *listener = &listeners[n_listeners];

	if (n_listeners == LISTENERS_MAX)
		return;
	n_listeners++;
	memset(listener, 0, sizeof(*listener));
	strlcpy(listener->name, name, sizeof(listener->name));
	listener->optional = optional;
	listener->fd = -1;

	/* Only numeric addresses: the voting process never resolves a name. */
	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(host, NULL, &hints, &found) == 0 && found != NULL)
	{
		listener->address.length = found->ai_addrlen;
		memcpy(&listener->address.address, found->ai_addr, found->ai_addrlen);
		pgr_net_with_port(&listener->address, pgr_config.listen_port);
	}
	if (found != NULL)
		freeaddrinfo(found);
}

static void
read_setting(void)
{
	char	   *copy = strdup(pgr_listen_addresses);
	char	   *rest = copy;
	char	   *name;

	n_listeners = 0;
	while (copy != NULL && (name = strsep(&rest, ", ")) != NULL)
	{
		if (name[0] == '\0')
			continue;
		if (strcmp(name, "*") == 0)
		{
			add(name, "0.0.0.0", true);
			add(name, "::", true);
		}
		else if (strcmp(name, "localhost") == 0)
		{
			add(name, "127.0.0.1", true);
			add(name, "::1", true);
		}
		else
			add(name, name, false);
	}
	free(copy);
}

/* 0 or an errno. */
static int
start_listening(Listener *listener)
{
	int			one = 1;
	int			error;
	int			fd;

	fd = socket(listener->address.address.ss_family,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener->address.address.ss_family == AF_INET6)
		(void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *) &listener->address.address, listener->address.length) == 0 &&
		listen(fd, BACKLOG) == 0)
	{
		listener->fd = fd;
		return 0;
	}
	error = errno;
	close(fd);
	return error;
}

static void
complain(int64 now, const char *name, int error)
{
	char		text[PGR_FINDING_SIZE];

	snprintf(text, sizeof(text), "cannot listen for other nodes on address \"%s\", port %d: %s",
			 name, pgr_config.listen_port,
			 error != 0 ? strerror(error) : "it is not a numeric address, \"*\" or \"localhost\"");
	pgr_finding_set(PGR_FINDING_LISTEN, text);
	if (logged_ms != 0 && now - logged_ms < LOG_EVERY_MS)
		return;
	logged_ms = now;
	ereport(LOG,
			(errmsg("pg_replica %s", text),
			 errhint("Free the port, or change pg_replica.listen_addresses or pg_replica.port and restart. Trying again.")));
}

/* Tries what does not listen yet, and says when to try again. */
void
pgr_listen_tick(int64 now)
{
	int			failed_error = 0;
	const char *failed_name = NULL;
	int			listening = 0;

	if (now < try_at_ms)
		return;
	if (n_listeners < 0)
		read_setting();
	for (int i = 0; i < n_listeners; i++)
	{
		Listener   *listener = &listeners[i];
		int			error = 0;

		if (listener->fd < 0)
		{
			if (listener->address.length == 0 || (error = start_listening(listener)) != 0)
			{
				/* A host without IPv6, say, is not a mistake of the operator. */
				if (listener->optional && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
					continue;
				failed_name = listener->name;
				failed_error = error;
				continue;
			}
		}
		listening++;
	}
	if (failed_name == NULL && listening > 0)
	{
		if (logged_ms != 0)
			ereport(LOG, (errmsg("pg_replica listens for other nodes on port %d now", pgr_config.listen_port)));
		logged_ms = 0;
		pgr_finding_set(PGR_FINDING_LISTEN, "");
		try_at_ms = PG_INT64_MAX;
		return;
	}
	complain(now, failed_name != NULL ? failed_name : pgr_listen_addresses, failed_error);
	try_at_ms = now + retry_ms;
	retry_ms = Min(retry_ms * 2, RETRY_MAX_MS);
}

int64
pgr_listen_next_tick(void)
{
	return pause_until_ms > 0 ? Min(try_at_ms, pause_until_ms) : try_at_ms;
}

int
pgr_listen_poll_set(struct pollfd *fds, int max)
{
	int			n = 0;

	if (pause_until_ms > 0 && pgr_now_ms() < pause_until_ms)
		return 0;
	pause_until_ms = 0;
	for (int i = 0; i < n_listeners && n < max; i++)
	{
		if (listeners[i].fd < 0)
			continue;
		fds[n].fd = listeners[i].fd;
		fds[n].events = POLLIN;
		fds[n++].revents = 0;
	}
	return n;
}

static bool
is_of_a_node(const PgrAddress *remote)
{
	for (int node = 0; node < pgr_config.n_nodes; node++)
		for (int i = 0; i < pgr_peers[node].n_addresses; i++)
			if (pgr_net_same_host(remote, &pgr_peers[node].addresses[i]))
				return true;
	return false;
}

/*
 * A place for a new connection.  When strangers hold them all, the one that
 * has said nothing for longest makes room, first among those from addresses
 * where no node lives: a flood from elsewhere cannot keep the nodes out.
 */
static PgrConnection *
place_for_stranger(void)
{
	PgrConnection *victim = NULL;
	bool		victim_is_node = true;

	for (int i = pgr_config.n_nodes; i < PGR_NET_CONNECTIONS; i++)
	{
		PgrConnection *c = &pgr_connections[i];
		bool		is_node;

		if (c->state == PGR_CONNECTION_UNUSED)
			return c;
		if (c->state == PGR_CONNECTION_ESTABLISHED)
			continue;
		is_node = is_of_a_node(&c->remote);
		if (victim == NULL || (victim_is_node && !is_node) ||
			(victim_is_node == is_node && c->since_ms < victim->since_ms))
		{
			victim = c;
			victim_is_node = is_node;
		}
	}
	if (victim != NULL)
		pgr_net_drop(victim);
	return victim;
}

static void
welcome(int fd, const PgrAddress *remote, int64 now)
{
	PgrConnection *c = place_for_stranger();

	if (c == NULL)
	{
		close(fd);
		return;
	}
	pgr_net_set_options(fd);
	pgr_net_used = Max(pgr_net_used, (int) (c - pgr_connections) + 1);
	c->state = PGR_CONNECTION_ACCEPTED;
	c->fd = fd;
	c->outgoing = false;
	c->node = -1;
	c->since_ms = now;
	c->deadline_ms = now + PGR_NET_HANDSHAKE_MS;
	c->remote = *remote;
}

bool
pgr_listen_handle(const struct pollfd *polled, int64 now)
{
	int			i;

	for (i = 0; i < n_listeners; i++)
		if (listeners[i].fd == polled->fd)
			break;
	if (i >= n_listeners)
		return false;
	for (int n = 0; n < ACCEPTS_PER_TURN; n++)
	{
		PgrAddress	remote;
		socklen_t	length = sizeof(remote.address);
		int			fd;

		memset(&remote, 0, sizeof(remote));
		fd = accept4(polled->fd, (struct sockaddr *) &remote.address, &length,
					 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
		{
			/* Without descriptors or memory, asking again at once helps nobody. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_until_ms = now + 100;
			break;
		}
		remote.length = length;
		welcome(fd, &remote, now);
	}
	return true;
}

void
pgr_listen_close(void)
{
	for (int i = 0; i < n_listeners; i++)
		if (listeners[i].fd >= 0)
			close(listeners[i].fd);
	n_listeners = -1;
	try_at_ms = 0;
}
