/*
 * net_probe.c
 *		Is a node that hung up gone, or only its worker, or only the network?
 *
 * A host that refuses connections to the Raft port and to the Postgres port
 * has neither process any more.  A connection that is accepted says nothing
 * (the kernel accepts for a frozen process, too), nor does silence.
 */
#include "postgres.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net_internal.h"

#define PROBE_FOR_MS PGR_NET_DIAL_MS
#define PROBE_EVERY_MS 20

/*
 * A small server that restarts in place after a crash listens again within this
 * time, and it alone may hold the newest commits.  Waiting costs nothing: a
 * new primary has to sit out the old one's lease, which is longer.
 */
#define REFUSED_FOR_MS 350

typedef enum Answer
{
	ANSWER_PENDING,
	ANSWER_REFUSED,
	ANSWER_OTHER
} Answer;

typedef struct Probe
{
	bool		active;
	int64		until_ms;
	int64		next_ms;		/* of the next round */
	int64		refused_since_ms;	/* both ports, without a break; 0: no */
	int			fd[2];			/* to the Raft port, to the Postgres port */
	Answer		answer[2];
} Probe;

static Probe probes[PGR_MAX_NODES];

static void
close_fds(Probe *probe)
{
	for (int i = 0; i < 2; i++)
	{
		if (probe->fd[i] >= 0)
			close(probe->fd[i]);
		probe->fd[i] = -1;
	}
}

void
pgr_probe_cancel(int node)
{
	if (probes[node].active)
		close_fds(&probes[node]);
	probes[node].active = false;
}

static void
ask(Probe *probe, int i, int node, int port)
{
	PgrAddress	address = pgr_peers[node].reached;
	int			fd;

	pgr_net_with_port(&address, port);
	probe->answer[i] = ANSWER_OTHER;
	fd = socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *) &address.address, address.length) == 0)
		close(fd);
	else if (errno == EINPROGRESS)
	{
		probe->fd[i] = fd;
		probe->answer[i] = ANSWER_PENDING;
	}
	else
	{
		if (errno == ECONNREFUSED)
			probe->answer[i] = ANSWER_REFUSED;
		close(fd);
	}
}

static void
conclude(int node, int64 now)
{
	Probe	   *probe = &probes[node];

	if (probe->answer[0] == ANSWER_OTHER || probe->answer[1] == ANSWER_OTHER)
		probe->refused_since_ms = 0;
	if (probe->answer[0] != ANSWER_REFUSED || probe->answer[1] != ANSWER_REFUSED)
		return;
	if (probe->refused_since_ms == 0)
		probe->refused_since_ms = now;
	if (now - probe->refused_since_ms < REFUSED_FOR_MS)
		return;
	pgr_probe_cancel(node);
	pgr_net_drop(&pgr_connections[node]);
	pgr_net_report(PGR_NET_GONE, node);
}

static void
ask_both(int node, int64 now)
{
	Probe	   *probe = &probes[node];

	close_fds(probe);
	probe->next_ms = now + PROBE_EVERY_MS;
	ask(probe, 0, node, pgr_config.nodes[node].raft_port);
	ask(probe, 1, node, pgr_config.nodes[node].port);
	conclude(node, now);
}

void
pgr_probe_begin(int node, int64 now)
{
	Probe	   *probe = &probes[node];

	if (probe->active || pgr_peers[node].reached.length == 0)
		return;
	probe->active = true;
	probe->until_ms = now + PROBE_FOR_MS;
	probe->refused_since_ms = 0;
	probe->fd[0] = probe->fd[1] = -1;
	ask_both(node, now);
}

void
pgr_probe_tick(int64 now)
{
	for (int node = 0; node < PGR_MAX_NODES; node++)
	{
		Probe	   *probe = &probes[node];

		if (!probe->active)
			continue;
		if (now >= probe->until_ms)
			pgr_probe_cancel(node);
		else if (now >= probe->next_ms &&
				 probe->answer[0] != ANSWER_PENDING && probe->answer[1] != ANSWER_PENDING)
			ask_both(node, now);
	}
}

int64
pgr_probe_next_tick(void)
{
	int64		next = PG_INT64_MAX;

	for (int node = 0; node < PGR_MAX_NODES; node++)
	{
		const Probe *probe = &probes[node];

		if (!probe->active)
			continue;
		if (probe->answer[0] == ANSWER_PENDING || probe->answer[1] == ANSWER_PENDING)
			next = Min(next, probe->until_ms);
		else
			next = Min(next, probe->next_ms);
	}
	return next;
}

int
pgr_probe_poll_set(struct pollfd *fds, int max)
{
	int			n = 0;

	for (int node = 0; node < PGR_MAX_NODES; node++)
	{
		if (!probes[node].active)
			continue;
		for (int i = 0; i < 2 && n < max; i++)
		{
			if (probes[node].fd[i] < 0)
				continue;
			fds[n].fd = probes[node].fd[i];
			fds[n].events = POLLOUT;
			fds[n++].revents = 0;
		}
	}
	return n;
}

bool
pgr_probe_handle(const struct pollfd *fd, int64 now)
{
	for (int node = 0; node < PGR_MAX_NODES; node++)
	{
		Probe	   *probe = &probes[node];

		for (int i = 0; probe->active && i < 2; i++)
		{
			int			error = 0;
			socklen_t	length = sizeof(error);

			if (probe->fd[i] != fd->fd)
				continue;
			if (getsockopt(fd->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
				error = errno;
			close(fd->fd);
			probe->fd[i] = -1;
			probe->answer[i] = error == ECONNREFUSED ? ANSWER_REFUSED : ANSWER_OTHER;
			conclude(node, now);
			return true;
		}
	}
	return false;
}
