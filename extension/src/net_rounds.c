/*
 * net_rounds.c
 *		Which connection has to be listened to at once, and which can wait for
 *		the next round of heartbeats.
 *
 * A leader's heartbeats are answered at once, and so are a candidate's
 * requests; what nodes tell each other of their state is not.  The host does
 * not know what messages mean, but it sees what the core does with them.
 */
#include "postgres.h"

#include "net_internal.h"

#define SLACK_MS 20
#define ASKS_FOR_ROUNDS 3

/* As Settings.heartbeatMillis of the core has it. */
static int64
round_ms(void)
{
	return pgr_election_timeout / 5;
}

/* A leader that says something between two heartbeats has something to say. */
void
pgr_net_note_read(PgrConnection *c, int64 now)
{
	c->out_of_round = now - c->read_ms > SLACK_MS && now - c->read_ms < round_ms() - SLACK_MS;
	c->read_ms = now;
}

void
pgr_net_note_taken(void)
{
	for (int node = 0; node < pgr_config.n_nodes; node++)
		pgr_connections[node].sent_before = pgr_connections[node].sent;
}

/* What is due by the clock, and only left with the message's answer, goes to all others alike. */
void
pgr_net_look_for_answer(int64 now)
{
	uint64		most_to_others = 0;
	uint64		to_sender = 0;

	if (pgr_net_lent == NULL)
		return;
	for (int node = 0; node < pgr_config.n_nodes; node++)
	{
		uint64		sent = pgr_connections[node].sent - pgr_connections[node].sent_before;

		if (node == pgr_net_lent->node)
			to_sender = sent;
		else
			most_to_others = Max(most_to_others, sent);
	}
	if (to_sender > most_to_others)
		pgr_net_lent->asked_ms = now;
}

bool
pgr_net_is_asked(int64 now)
{
	for (int i = pgr_config.n_nodes; i < pgr_net_used; i++)
		if (now - pgr_connections[i].asked_ms < round_ms() + SLACK_MS)
			return true;
	return false;
}

bool
pgr_net_can_wait(const PgrConnection *c, int64 now)
{
	return c->state == PGR_CONNECTION_ESTABLISHED && !c->outgoing &&
		now - c->asked_ms > ASKS_FOR_ROUNDS * round_ms();
}
