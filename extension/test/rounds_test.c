/*
 * rounds_test.c
 *		Who is listened to at once while nothing goes on, and who waits for the
 *		next round of heartbeats.
 *
 * A plain program: it has net_rounds.c inside, plays three nodes to it, and
 * needs no server.  See run.sh beside it.
 */
#include "../src/net_rounds.c"

#include "check.h"

#define ROUND_MS 200

/* What the rest of the host would bring along. */
PgrConnection pgr_connections[PGR_NET_CONNECTIONS];
int			pgr_net_used;
PgrConnection *pgr_net_lent;
PgrConfig	pgr_config;
int			pgr_election_timeout = 5 * ROUND_MS;

static int64 now = 1000000;

/* We are node 0, and are connected with both others in both directions. */
static void
begin(void)
{
	memset(pgr_connections, 0, sizeof(pgr_connections));
	pgr_config.n_nodes = 3;
	pgr_net_used = 5;
	for (int i = 1; i < pgr_net_used; i++)
	{
		pgr_connections[i].state = PGR_CONNECTION_ESTABLISHED;
		pgr_connections[i].outgoing = i < 3;
		pgr_connections[i].node = i < 3 ? i : i - 2;
	}
}

static PgrConnection *
from(int node)
{
	return &pgr_connections[node + 2];
}

/* What the core sends when it is told a message of "node". */
static void
hear(int node, int to_node_1, int to_node_2)
{
	pgr_net_lent = from(node);
	pgr_net_note_taken();
	pgr_connections[1].sent += to_node_1;
	pgr_connections[2].sent += to_node_2;
	pgr_net_look_for_answer(now);
}

/* Whoever has missed one heartbeat is patient no more, long before it may vote for another. */
static void
a_leader_asks_until_it_misses_a_round(void)
{
	begin();
	CHECK_OR_SAY(!pgr_net_is_asked(now), " before anybody asked");
	hear(1, 1, 0);
	CHECK_OR_SAY(pgr_net_is_asked(now + ROUND_MS), " in the round");
	CHECK_OR_SAY(!pgr_net_is_asked(now + ROUND_MS + SLACK_MS), " after a round without a word");
}

static void
whom_we_answer_is_listened_to_at_once(void)
{
	begin();
	hear(1, 2, 1);				/* the answer, and our status to both */
	CHECK_OR_SAY(!pgr_net_can_wait(from(1), now + ASKS_FOR_ROUNDS * ROUND_MS), " the leader");
	CHECK_OR_SAY(pgr_net_can_wait(from(2), now), " the other follower");
	CHECK_OR_SAY(pgr_net_can_wait(from(1), now + ASKS_FOR_ROUNDS * ROUND_MS + 1), " a leader that is none any more");
}

/* A leader's own heartbeats may leave with any message, and answer none. */
static void
what_goes_to_all_answers_nobody(void)
{
	begin();
	hear(1, 1, 1);
	hear(1, 0, 1);
	hear(1, 0, 0);
	CHECK_OR_SAY(!pgr_net_is_asked(now), " by what went to all, to another, or to nobody");
	CHECK_OR_SAY(pgr_net_can_wait(from(1), now), " who got no answer");
}

static void
only_an_established_stream_of_messages_can_wait(void)
{
	begin();
	CHECK_OR_SAY(!pgr_net_can_wait(&pgr_connections[1], now), " we dialled it: nothing comes but its end");
	from(2)->state = PGR_CONNECTION_CHALLENGED;
	CHECK_OR_SAY(!pgr_net_can_wait(from(2), now), " in the handshake");
}

static void
a_word_between_two_heartbeats_is_out_of_round(void)
{
	const struct
	{
		int64		after;
		bool		out;
	}			words[] = {{SLACK_MS, false}, {SLACK_MS + 1, true}, {ROUND_MS / 2, true},
	{ROUND_MS - SLACK_MS - 1, true}, {ROUND_MS - SLACK_MS, false}, {ROUND_MS, false}, {5 * ROUND_MS, false}};

	begin();
	for (size_t i = 0; i < lengthof(words); i++)
	{
		pgr_net_note_read(from(1), now);
		pgr_net_note_read(from(1), now + words[i].after);
		CHECK_OR_SAY(from(1)->out_of_round == words[i].out, " %d ms after the one before", (int) words[i].after);
	}
}

int
main(void)
{
	a_leader_asks_until_it_misses_a_round();
	whom_we_answer_is_listened_to_at_once();
	what_goes_to_all_answers_nobody();
	only_an_established_stream_of_messages_can_wait();
	a_word_between_two_heartbeats_is_out_of_round();
	return verdict("rounds_test");
}
