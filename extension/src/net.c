/*
 * net.c
 *		Connections to the other nodes: dialling, reading, queues, time limits.
 */
#include "postgres.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_internal.h"
#include "worker.h"

#define EVENTS_MAX 128
#define COMPLAIN_MIN_MS 10000
#define COMPLAIN_MAX_MS 600000

PgrConnection pgr_connections[PGR_NET_CONNECTIONS];
int			pgr_net_used;
PgrConnection *pgr_net_lent = NULL;
PgrPeer		pgr_peers[PGR_MAX_NODES];
int64		pgr_net_start_number;

static PgrNetEvent events[EVENTS_MAX];
static int	n_events = 0;
static int	next_event = 0;
static int	next_connection = 0;	/* whose frame is taken next */
static int32 lent_size = 0;

/* Complaints about strangers share one limit. */
static PgrPeer strangers;

/* The node whose version is in the finding; -1: none. */
static int	of_other_version = -1;

void
pgr_net_init(int64 start_number)
{
	pgr_net_start_number = start_number;
	pgr_net_used = pgr_config.n_nodes;
	for (int i = 0; i < PGR_NET_CONNECTIONS; i++)
	{
		pgr_connections[i].fd = -1;
		pgr_connections[i].node = -1;
	}
	for (int i = 0; i < PGR_MAX_NODES; i++)
		pgr_peers[i].retry_ms = PGR_NET_RETRY_MIN_MS;
}

void
pgr_net_report(PgrNetEventKind kind, int node)
{
	if (next_event == n_events)
		next_event = n_events = 0;
	if (n_events == EVENTS_MAX)
		return;					/* the loop takes them all each turn */
	memset(&events[n_events], 0, sizeof(events[n_events]));
	events[n_events].kind = kind;
	events[n_events++].node = node;
}

/*
 * One line per node, and one for all strangers, every ten seconds at most, and
 * less and less often while nothing changes: whoever knocks, or stays away,
 * cannot fill the server log.
 */
void
pgr_net_complain(const PgrConnection *c, int64 now, const char *what)
{
	PgrPeer    *limit = c->outgoing ? &pgr_peers[c->node] : &strangers;
	char		host[64] = "unknown address";
	char		port[16] = "";
	char		more[64] = "";

	if (limit->complain_every_ms == 0 ||
		now - limit->complained_ms > 2 * (int64) limit->complain_every_ms)
		limit->complain_every_ms = COMPLAIN_MIN_MS;
	if (limit->complained_ms != 0 && now - limit->complained_ms < limit->complain_every_ms)
	{
		limit->complaints++;
		return;
	}
	(void) getnameinfo((const struct sockaddr *) &c->remote.address, c->remote.length,
					   host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	if (limit->complaints > 0)
		snprintf(more, sizeof(more), " (%d more since the last such line)", limit->complaints);
	if (limit->complained_ms != 0)
		limit->complain_every_ms = Min(2 * limit->complain_every_ms, COMPLAIN_MAX_MS);
	limit->complained_ms = now;
	limit->complaints = 0;
	if (c->outgoing)
		ereport(LOG,
				(errmsg("pg_replica cannot talk to node \"%s\" at %s port %s: %s%s",
						pgr_config.nodes[c->node].name, host, port, what, more)));
	else
		ereport(LOG,
				(errmsg("pg_replica closed a connection from %s port %s: %s%s",
						host, port, what, more)));
}

/* Closes and forgets; what that means for others is the caller's to say. */
void
pgr_net_drop(PgrConnection *c)
{
	if (c->state == PGR_CONNECTION_UNUSED)
		return;
	if (c == pgr_net_lent)
		pgr_net_lent = NULL;
	close(c->fd);
	free(c->in);
	free(c->out);
	explicit_bzero(c->key, sizeof(c->key));
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	c->node = -1;
	while (pgr_net_used > pgr_config.n_nodes &&
		   pgr_connections[pgr_net_used - 1].state == PGR_CONNECTION_UNUSED)
		pgr_net_used--;
}

/* The connection ended by itself: tell the core, and look what is left. */
static void
lose(PgrConnection *c, int64 now)
{
	bool		was_established = c->state == PGR_CONNECTION_ESTABLISHED;
	bool		outgoing = c->outgoing;
	int			node = c->node;

	pgr_net_drop(c);
	if (outgoing)
	{
		PgrPeer    *peer = &pgr_peers[node];

		peer->dial_at_ms = now + peer->retry_ms;
		peer->retry_ms = Min(peer->retry_ms * 2, PGR_NET_RETRY_MAX_MS);
		peer->next_address++;
		if (was_established)
			pgr_net_report(PGR_NET_LOST, node);
		else
			pgr_assistant_resolve_soon();
	}
	if (was_established)
		pgr_probe_begin(node, now);
}

bool
pgr_net_send(int node, const uint8 *payload, int32 length)
{
	PgrConnection *c = &pgr_connections[node];

	if (c->state != PGR_CONNECTION_ESTABLISHED || c->ended ||
		c->out_length - c->out_at > PGR_NET_QUEUE_MAX ||
		length < 1 || length > PGR_FRAME_PAYLOAD_MAX)
		return false;
	if (!pgr_net_room(c, PGR_FRAME_SIZE(length)) ||
		!pgr_frame_encode(c->out + c->out_length, c->key, c->sequence, payload, length))
		return false;
	c->sequence++;
	c->sent++;
	c->out_length += PGR_FRAME_SIZE(length);
	return true;
}

void
pgr_net_flush_all(void)
{
	for (int node = 0; node < pgr_config.n_nodes; node++)
		if (pgr_connections[node].out_at < pgr_connections[node].out_length)
			pgr_net_flush(&pgr_connections[node]);
}

void
pgr_net_set_addresses(int node, const PgrAddress *addresses, int n)
{
	PgrPeer    *peer = &pgr_peers[node];

	n = Min(n, PGR_ADDRESSES_PER_NODE);
	memcpy(peer->addresses, addresses, n * sizeof(PgrAddress));
	peer->n_addresses = n;
}

/* The outgoing connection's socket says connected or failed. */
static void
dialled(PgrConnection *c, int64 now)
{
	int			error = 0;
	socklen_t	length = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;
	if (error != 0)
	{
		pgr_net_complain(c, now, strerror(error));
		lose(c, now);
		return;
	}
	pgr_peers[c->node].reached = c->remote;
	c->deadline_ms = now + PGR_NET_HANDSHAKE_MS;
	if (!pgr_handshake_begin(c))
		lose(c, now);
}

static void
dial(int node, int64 now)
{
	PgrPeer    *peer = &pgr_peers[node];
	PgrConnection *c = &pgr_connections[node];

	if (c->state != PGR_CONNECTION_UNUSED || peer->n_addresses == 0 || now < peer->dial_at_ms)
		return;
	c->remote = peer->addresses[peer->next_address % peer->n_addresses];
	pgr_net_with_port(&c->remote, pgr_config.nodes[node].raft_port);
	c->fd = socket(c->remote.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
	{
		peer->dial_at_ms = now + PGR_NET_RETRY_MAX_MS;
		return;
	}
	pgr_net_set_options(c->fd);
	c->outgoing = true;
	c->node = node;
	c->state = PGR_CONNECTION_DIALLING;
	c->since_ms = now;
	c->deadline_ms = now + PGR_NET_DIAL_MS;
	if (connect(c->fd, (struct sockaddr *) &c->remote.address, c->remote.length) == 0)
		dialled(c, now);
	else if (errno != EINPROGRESS)
	{
		pgr_net_complain(c, now, strerror(errno));
		lose(c, now);
	}
}

void
pgr_net_tick(int64 now)
{
	pgr_listen_tick(now);
	pgr_probe_tick(now);
	for (int i = 0; i < pgr_net_used; i++)
	{
		PgrConnection *c = &pgr_connections[i];

		if (c->state == PGR_CONNECTION_UNUSED || c->state == PGR_CONNECTION_ESTABLISHED)
			continue;
		if (!c->ended && now < c->deadline_ms)
			continue;
		if (c->outgoing && !c->ended)
			pgr_net_complain(c, now, "no answer in time");
		lose(c, now);
	}
	for (int node = 0; node < pgr_config.n_nodes; node++)
		if (node != pgr_config.self)
			dial(node, now);
}

int64
pgr_net_next_tick(void)
{
	int64		next = Min(pgr_listen_next_tick(), pgr_probe_next_tick());

	for (int i = 0; i < pgr_net_used; i++)
	{
		const PgrConnection *c = &pgr_connections[i];

		if (c->ended)
			return 0;
		if (c->state != PGR_CONNECTION_UNUSED && c->state != PGR_CONNECTION_ESTABLISHED)
			next = Min(next, c->deadline_ms);
		if (i < pgr_config.n_nodes && i != pgr_config.self &&
			c->state == PGR_CONNECTION_UNUSED && pgr_peers[i].n_addresses > 0)
			next = Min(next, pgr_peers[i].dial_at_ms);
	}
	return next;
}

/* Is there a whole frame in the buffer (or something that can never be one)? */
static bool
holds_frame(const PgrConnection *c)
{
	const uint8 *at = c->in + c->in_at;
	int32		available = c->in_length - c->in_at;

	if (available < PGR_FRAME_HEAD)
		return false;
	return pgr_frame_size(at) < 0 || available >= pgr_frame_size(at);
}

int
pgr_net_poll_set(struct pollfd *fds, int max, bool patient)
{
	int64		now = pgr_now_ms();
	int			n = pgr_listen_poll_set(fds, max);

	n += pgr_probe_poll_set(fds + n, max - n);
	for (int i = 0; i < pgr_net_used && n < max; i++)
	{
		const PgrConnection *c = &pgr_connections[i];

		if (c->state == PGR_CONNECTION_UNUSED || c->ended)
			continue;
		fds[n].fd = c->fd;
		fds[n].revents = 0;
		fds[n].events = 0;
		if (c->state == PGR_CONNECTION_DIALLING)
			fds[n].events = POLLOUT;
		else if (patient && pgr_net_can_wait(c, now))
			fds[n].events = POLLRDHUP;
		else
		{
			if (c->state != PGR_CONNECTION_ESTABLISHED || !holds_frame(c))
				fds[n].events |= POLLIN;
			if (c->out_at < c->out_length)
				fds[n].events |= POLLOUT;
		}
		n++;
	}
	return n;
}

/* Shown until that node can be talked to. */
static void
note_other_version(int node, const char *problem)
{
	char		text[PGR_FINDING_SIZE];

	of_other_version = node;
	text[0] = '\0';
	if (node >= 0)
		snprintf(text, sizeof(text), "node \"%s\": %s", pgr_config.nodes[node].name, problem);
	pgr_finding_set(PGR_FINDING_VERSION, text);
}

static void
on_readable(PgrConnection *c, int64 now)
{
	PgrConnectionState before = c->state;
	const char *problem = "";

	pgr_net_read(c);
	if (before == PGR_CONNECTION_ESTABLISHED)
	{
		pgr_net_note_read(c, now);
		/* On the connection we dialled only we speak. */
		if (c->outgoing && c->in_length > 0)
			c->ended = true;
		return;
	}
	if (!pgr_handshake_advance(c, &problem))
	{
		pgr_net_complain(c, now, problem);
		if (c->outgoing && c->version == PGR_NET_NO_VERSION)
			note_other_version(c->node, problem);
		lose(c, now);
		return;
	}
	if (c->state == PGR_CONNECTION_ESTABLISHED && c->outgoing)
	{
		if (c->node == of_other_version)
			note_other_version(-1, "");
		pgr_peers[c->node].retry_ms = PGR_NET_RETRY_MIN_MS;
		pgr_peers[c->node].complain_every_ms = 0;
		pgr_probe_cancel(c->node);
		pgr_finding_set(PGR_FINDING_SECRET, "");
		ereport(DEBUG1,
				(errmsg_internal("pg_replica speaks version %u of the protocol with node \"%s\"",
								 c->version, pgr_config.nodes[c->node].name)));
		pgr_net_report(PGR_NET_CONNECTED, c->node);
	}
	else if (c->ended && before == PGR_CONNECTION_PROVED)
	{
		pgr_finding_set(PGR_FINDING_SECRET, "another node does not accept this node's secret");
		pgr_net_complain(c, now, "it closed the connection instead of accepting our proof; do both nodes have the same secret?");
	}
}

static void
handle_connection(PgrConnection *c, short revents, int64 now)
{
	if (c->state == PGR_CONNECTION_DIALLING)
	{
		dialled(c, now);
		return;
	}
	if ((revents & POLLOUT) != 0)
		pgr_net_flush(c);
	if ((revents & (POLLIN | POLLRDHUP | POLLHUP | POLLERR)) != 0)
		on_readable(c, now);
}

/* The frame taken last has been used: its place may be used again. */
static void
give_back(void)
{
	if (pgr_net_lent != NULL)
		pgr_net_lent->in_at += lent_size;
	pgr_net_lent = NULL;
}

void
pgr_net_handle(const struct pollfd *fds, int n, int64 now)
{
	give_back();
	for (int i = 0; i < n; i++)
	{
		/* Nobody said whether those that can wait have something. */
		short		revents = fds[i].events == POLLRDHUP ? POLLIN : fds[i].revents;

		if (revents == 0 || pgr_listen_handle(&fds[i], now) ||
			pgr_probe_handle(&fds[i], now))
			continue;
		for (int k = 0; k < pgr_net_used; k++)
		{
			PgrConnection *c = &pgr_connections[k];

			if (c->state != PGR_CONNECTION_UNUSED && c->fd == fds[i].fd)
			{
				handle_connection(c, revents, now);
				break;
			}
		}
	}
}

/* The next whole frame of one connection; a bad one ends the connection. */
static bool
take_frame(PgrConnection *c, PgrNetEvent *event)
{
	const char *problem;
	int32		size;

	if (c->state != PGR_CONNECTION_ESTABLISHED || c->outgoing)
		return false;
	switch (pgr_frame_decode(c->in + c->in_at, c->in_length - c->in_at, c->key, c->sequence,
							 &size, &event->payload, &event->length, &problem))
	{
		case PGR_FRAME_COMPLETE:
			event->kind = PGR_NET_MESSAGE;
			event->node = c->node;
			event->out_of_round = c->out_of_round;
			pgr_net_note_taken();
			c->sequence++;
			pgr_net_lent = c;
			lent_size = size;
			return true;
		case PGR_FRAME_BAD:
			pgr_net_complain(c, pgr_now_ms(), problem);
			c->ended = true;
			c->in_at = c->in_length;
			return false;
		case PGR_FRAME_INCOMPLETE:
			break;
	}
	return false;
}

bool
pgr_net_next(PgrNetEvent *event)
{
	give_back();
	if (next_event < n_events)
	{
		*event = events[next_event++];
		return true;
	}
	for (int i = 0; i < pgr_net_used; i++)
	{
		PgrConnection *c = &pgr_connections[next_connection % pgr_net_used];

		next_connection = (next_connection + 1) % pgr_net_used;
		if (take_frame(c, event))
			return true;
		/* What arrived before the end still counts; then the end does. */
		if (c->state != PGR_CONNECTION_UNUSED && c->ended)
			lose(c, pgr_now_ms());
	}
	if (next_event < n_events)
	{
		*event = events[next_event++];
		return true;
	}
	return false;
}

void
pgr_net_close(void)
{
	pgr_listen_close();
	for (int i = 0; i < PGR_MAX_NODES; i++)
		pgr_probe_cancel(i);
	for (int i = 0; i < PGR_NET_CONNECTIONS; i++)
		pgr_net_drop(&pgr_connections[i]);
}
