/*
 * net_buffer.c
 *		The bytes between a socket and its frames, in both directions.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "net_internal.h"

#define IN_MIN 1024
#define READ_PER_TURN (64 * 1024)
#define OUT_MAX (PGR_NET_QUEUE_MAX + PGR_FRAME_SIZE(PGR_FRAME_PAYLOAD_MAX))

/* Makes room for "more" bytes behind the used part, at most "limit" in all. */
static bool
reserve(uint8 **buffer, int32 *capacity, int32 *at, int32 *length, int32 more, int32 limit)
{
	int32		used = *length - *at;
	int32		wanted = Max(*capacity, IN_MIN);
	uint8	   *grown;

	if (*at > 0)
	{
		memmove(*buffer, *buffer + *at, used);
		*at = 0;
		*length = used;
	}
	if (*capacity - used >= more)
		return true;
	if (more > limit - used)
		return false;
	while (wanted - used < more)
		wanted *= 2;
	wanted = Min(wanted, limit);
	grown = realloc(*buffer, wanted);
	if (grown == NULL)
		return false;
	*buffer = grown;
	*capacity = wanted;
	return true;
}

void
pgr_net_flush(PgrConnection *c)
{
	while (c->out_at < c->out_length && !c->ended)
	{
		ssize_t		n = send(c->fd, c->out + c->out_at, c->out_length - c->out_at,
							 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			c->out_at += n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else
			c->ended = true;
	}
	if (c->out_at == c->out_length)
		c->out_at = c->out_length = 0;
}

/* Room for one frame behind what is queued. */
bool
pgr_net_room(PgrConnection *c, int32 size)
{
	return reserve(&c->out, &c->out_capacity, &c->out_at, &c->out_length, size, OUT_MAX);
}

bool
pgr_net_queue(PgrConnection *c, const uint8 *bytes, int32 length)
{
	if (!pgr_net_room(c, length))
		return false;
	memcpy(c->out + c->out_length, bytes, length);
	c->out_length += length;
	pgr_net_flush(c);
	return true;
}

void
pgr_net_read(PgrConnection *c)
{
	int32		limit = PGR_FRAME_SIZE(PGR_FRAME_PAYLOAD_MAX);
	int32		wanted = IN_MIN;

	/* Memory is given only to whom we believe, and only as frames need it. */
	if (c->state != PGR_CONNECTION_ESTABLISHED)
		limit = IN_MIN;
	else if (c->in_length - c->in_at >= PGR_FRAME_HEAD)
		wanted = Max(pgr_frame_size(c->in + c->in_at) - (c->in_length - c->in_at), 1);
	wanted = Min(wanted, limit - (c->in_length - c->in_at));
	if (wanted <= 0 || !reserve(&c->in, &c->in_capacity, &c->in_at, &c->in_length, wanted, limit))
	{
		c->ended = true;
		return;
	}
	for (;;)
	{
		ssize_t		n = recv(c->fd, c->in + c->in_length,
							 Min(c->in_capacity - c->in_length, READ_PER_TURN), MSG_DONTWAIT);

		if (n > 0)
			c->in_length += n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			c->ended = true;
		return;
	}
}
