/*
 * handshake.c
 *		Fuzz target: what a stranger says to our port, and what answers when we dial.
 *
 * Input: a byte whose lowest bit says who dialled, then the stream.  Nobody
 * here knows the secret, so no connection may ever be established.
 */
#include "host.h"

#include "config.h"
#include "net_internal.h"

PgrConnection pgr_connections[PGR_NET_CONNECTIONS];
int			pgr_net_used = 0;
PgrPeer		pgr_peers[PGR_MAX_NODES];
int64		pgr_net_start_number = 7;

static int64 queued;

void
pgr_net_drop(PgrConnection *c)
{
	PROMISE(false);
}

bool
pgr_net_queue(PgrConnection *c, const uint8 *bytes, int32 length)
{
	uint8	   *copy = exact_copy(bytes, length);

	queued += length;
	free(copy);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	PgrConnection *c = &pgr_connections[pgr_config.n_nodes];
	const char *problem = NULL;

	if (size < 1)
		return 0;
	memset(pgr_connections, 0, sizeof(pgr_connections));
	c->outgoing = data[0] & 1;
	c->node = c->outgoing ? 1 : -1;
	c->state = PGR_CONNECTION_ACCEPTED;
	if (c->outgoing)
		PROMISE(pgr_handshake_begin(c));
	c->in_length = (int32) size - 1;
	c->in = exact_copy(data + 1, size - 1);
	queued = 0;

	if (!pgr_handshake_advance(c, &problem))
		PROMISE(problem != NULL && problem[0] != '\0');
	PROMISE(c->state != PGR_CONNECTION_ESTABLISHED);
	PROMISE(c->node >= -1 && c->node < pgr_config.n_nodes && c->node != pgr_config.self);
	PROMISE(c->in_at <= c->in_length);
	PROMISE(queued <= PGR_NET_CHALLENGE_SIZE);
	free(c->in);
	return 0;
}
