/*
 * net.h
 *		Talking to the other nodes: one authenticated connection for what we
 *		send to a node, one for what we receive from it.
 *
 * Nothing here waits, resolves a name, or needs Postgres's shared memory.
 * The voting loop polls the descriptors, hands them back, and then takes
 * events until there are none.
 */
#ifndef PGR_NET_H
#define PGR_NET_H

#include <poll.h>

#include "assistant.h"

#define PGR_NET_POLL_MAX 160
#define PGR_NET_QUEUE_MAX (256 * 1024)

typedef enum PgrNetEventKind
{
	PGR_NET_CONNECTED,			/* what we send arrives from now on */
	PGR_NET_LOST,				/* the connection ended */
	PGR_NET_GONE,				/* and neither the node nor its Postgres is there */
	PGR_NET_MESSAGE
} PgrNetEventKind;

typedef struct PgrNetEvent
{
	PgrNetEventKind kind;
	int			node;			/* index in pgr_config.nodes */
	const uint8 *payload;		/* valid until the next call of this module */
	int32		length;
	bool		out_of_round;	/* between two rounds of heartbeats */
} PgrNetEvent;

/* start_number: of this voting process, told to the other nodes. */
extern void pgr_net_init(int64 start_number);

/* Where a node can be reached, numeric, best first. */
extern void pgr_net_set_addresses(int node, const PgrAddress *addresses, int n);

/* What is due by the clock: dialling, time limits, probes, listening. */
extern void pgr_net_tick(int64 now);

/* When pgr_net_tick() has something to do next. */
extern int64 pgr_net_next_tick(void);

/*
 * Who is patient is not woken by those whose messages have called for no
 * answer in several rounds of heartbeats.  They are read whenever it wakes up.
 */
extern int	pgr_net_poll_set(struct pollfd *fds, int max, bool patient);
extern void pgr_net_handle(const struct pollfd *fds, int n, int64 now);
extern bool pgr_net_next(PgrNetEvent *event);

/* The message taken last was dealt with: was its sender answered at once? */
extern void pgr_net_look_for_answer(int64 now);

/* Did somebody ask for an answer, as a leader does, in this round of heartbeats? */
extern bool pgr_net_is_asked(int64 now);

/*
 * False: not connected, or too much is queued; the message is dropped.  What
 * was sent leaves with pgr_net_flush_all(): several messages to one node wake
 * it once.
 */
extern bool pgr_net_send(int node, const uint8 *payload, int32 length);
extern void pgr_net_flush_all(void);

extern void pgr_net_close(void);

#endif							/* PGR_NET_H */
