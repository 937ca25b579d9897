/*
 * net_internal.h
 *		What the parts of the network code share.
 */
#ifndef PGR_NET_INTERNAL_H
#define PGR_NET_INTERNAL_H

#include "auth.h"
#include "config.h"
#include "frame.h"
#include "net.h"

#define PGR_NET_INCOMING_MAX 48
#define PGR_NET_CONNECTIONS (PGR_MAX_NODES + PGR_NET_INCOMING_MAX)
/* An answer takes less than an election timeout, or nobody is ever elected; the handshake waits for two. */
#define PGR_NET_HANDSHAKE_MS Max(2000, 2 * pgr_election_timeout)
#define PGR_NET_DIAL_MS Max(1000, pgr_election_timeout)
#define PGR_NET_RETRY_MIN_MS 50
#define PGR_NET_RETRY_MAX_MS 1000

#define PGR_NET_HELLO_SIZE 176
#define PGR_NET_CHALLENGE_SIZE 48
#define PGR_NET_TRANSCRIPT_SIZE (PGR_NET_HELLO_SIZE + PGR_NET_CHALLENGE_SIZE)

typedef enum PgrConnectionState
{
	PGR_CONNECTION_UNUSED,
	PGR_CONNECTION_DIALLING,	/* connect() is under way */
	PGR_CONNECTION_GREETED,		/* we said hello, and expect a challenge */
	PGR_CONNECTION_PROVED,		/* we proved ourselves, and expect a proof */
	PGR_CONNECTION_ACCEPTED,	/* a stranger, who should say hello */
	PGR_CONNECTION_CHALLENGED,	/* a stranger, who should prove himself */
	PGR_CONNECTION_ESTABLISHED
} PgrConnectionState;

/* Of the protocol between two nodes; a test lets them differ. */
typedef struct PgrNetVersions
{
	uint16		oldest;
	uint16		newest;
} PgrNetVersions;

#define PGR_NET_NO_VERSION (-1)	/* none that both speak */

typedef struct PgrConnection
{
	PgrConnectionState state;
	int			fd;
	bool		outgoing;
	bool		ended;			/* nothing more will arrive or leave */
	int			node;			/* -1: a stranger */
	int64		since_ms;
	int64		deadline_ms;	/* of the handshake */
	PgrAddress	remote;
	int			version;		/* of what follows the challenge */
	uint8		transcript[PGR_NET_TRANSCRIPT_SIZE];
	uint8		key[PGR_MAC_SIZE];
	uint64		sequence;		/* of the next frame */
	int64		read_ms;		/* when something came last */
	int64		asked_ms;		/* when it last said what we answered at once */
	bool		out_of_round;	/* what came last did not come with a heartbeat */
	uint64		sent;			/* frames, on one that we dialled */
	uint64		sent_before;	/* of them, before the last message was taken */

	/* received and not yet used: [in_at, in_length) */
	uint8	   *in;
	int32		in_capacity;
	int32		in_at;
	int32		in_length;

	/* to be sent: [out_at, out_length) */
	uint8	   *out;
	int32		out_capacity;
	int32		out_at;
	int32		out_length;
} PgrConnection;

/* What we know of a node that outlives a connection to it. */
typedef struct PgrPeer
{
	PgrAddress	addresses[PGR_ADDRESSES_PER_NODE];
	int			n_addresses;
	int			next_address;
	PgrAddress	reached;		/* last address that answered; length 0: none */
	int64		dial_at_ms;
	int			retry_ms;
	int64		start_number;	/* highest seen */
	int64		complained_ms;
	int			complain_every_ms;
	int			complaints;		/* not logged since */
} PgrPeer;

/*
 * First our connections to the nodes, by their index, then those that others
 * made; pgr_net_used is behind the last one in use.
 */
extern PgrConnection pgr_connections[PGR_NET_CONNECTIONS];
extern int	pgr_net_used;
extern PgrPeer pgr_peers[PGR_MAX_NODES];
extern int64 pgr_net_start_number;
extern PgrConnection *pgr_net_lent; /* whose frame was taken last */

/* net.c */
extern void pgr_net_report(PgrNetEventKind kind, int node);
extern void pgr_net_drop(PgrConnection *c);
extern void pgr_net_complain(const PgrConnection *c, int64 now, const char *what);

/* net_socket.c */
extern void pgr_net_set_options(int fd);
extern void pgr_net_with_port(PgrAddress *address, int port);
extern bool pgr_net_same_host(const PgrAddress *a, const PgrAddress *b);

/* net_buffer.c */
extern bool pgr_net_room(PgrConnection *c, int32 size);
extern bool pgr_net_queue(PgrConnection *c, const uint8 *bytes, int32 length);
extern void pgr_net_flush(PgrConnection *c);
extern void pgr_net_read(PgrConnection *c);

/* net_rounds.c */
extern void pgr_net_note_read(PgrConnection *c, int64 now);
extern void pgr_net_note_taken(void);
extern bool pgr_net_can_wait(const PgrConnection *c, int64 now);

/* net_handshake.c */
extern PgrNetVersions pgr_net_versions;
extern bool pgr_handshake_begin(PgrConnection *c);

/* False: "problem" says why the connection must be closed. */
extern bool pgr_handshake_advance(PgrConnection *c, const char **problem);
extern PgrConnection *pgr_net_older_of(const PgrConnection *c);

/* net_listen.c */
extern void pgr_listen_tick(int64 now);
extern int64 pgr_listen_next_tick(void);
extern int	pgr_listen_poll_set(struct pollfd *fds, int max);
extern bool pgr_listen_handle(const struct pollfd *fd, int64 now);
extern void pgr_listen_close(void);

/* net_probe.c */
extern void pgr_probe_begin(int node, int64 now);
extern void pgr_probe_cancel(int node);
extern void pgr_probe_tick(int64 now);
extern int64 pgr_probe_next_tick(void);
extern int	pgr_probe_poll_set(struct pollfd *fds, int max);
extern bool pgr_probe_handle(const struct pollfd *fd, int64 now);

#endif							/* PGR_NET_INTERNAL_H */
