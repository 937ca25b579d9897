/*
 * net_handshake.c
 *		How two nodes come to believe each other.
 *
 *		dialler -> listener		hello: versions, both names, start number, nonce
 *		listener -> dialler		challenge: version, verdict, start number, nonce
 *		dialler -> listener		MAC of both under the secret
 *		listener -> dialler		MAC of both under the secret, with another label
 *
 * Both names are in what is signed, so neither proof is of use on any other
 * connection.  The dialler proves itself first: a stranger at our port learns
 * nothing that the secret was used for.  Everything has a fixed size.
 *
 * The hello names the oldest and the newest version of the protocol that the
 * dialler speaks; the listener chooses the newest that both do, and all that
 * follows is of that version.  Hello and challenge themselves never change,
 * so that nodes of any two releases can tell each other why they do not talk.
 */
#include "postgres.h"

#include "net_internal.h"

#include "bytes.h"

#define MAGIC_HELLO 0x50475231	/* "PGR1" */
#define MAGIC_CHALLENGE 0x50475232	/* "PGR2" */

PgrNetVersions pgr_net_versions = {.oldest = 1, .newest = 1};

#define LABEL_DIALLER "pg_replica dialler 1"
#define LABEL_LISTENER "pg_replica listener 1"
#define LABEL_SESSION "pg_replica session 1"

/* offsets in the hello */
#define HELLO_NEWEST 4
#define HELLO_OLDEST 6
#define HELLO_FROM 8
#define HELLO_TO (HELLO_FROM + PGR_NAME_SIZE)
#define HELLO_START (HELLO_TO + PGR_NAME_SIZE)
#define HELLO_NONCE (HELLO_START + 8)

/* offsets in the challenge */
#define CHALLENGE_VERSION 4
#define CHALLENGE_VERDICT 6
#define CHALLENGE_START 8
#define CHALLENGE_NONCE 16

StaticAssertDecl(HELLO_NONCE + PGR_NONCE_SIZE == PGR_NET_HELLO_SIZE, "hello");
StaticAssertDecl(CHALLENGE_NONCE + PGR_NONCE_SIZE == PGR_NET_CHALLENGE_SIZE, "challenge");

/* What a listener thinks of a hello; only good for a log line over there. */
typedef enum Verdict
{
	VERDICT_WELCOME,
	VERDICT_OTHER_VERSION,
	VERDICT_NOT_ME,
	VERDICT_UNKNOWN
} Verdict;

bool
pgr_handshake_begin(PgrConnection *c)
{
	uint8	   *hello = c->transcript;

	memset(hello, 0, PGR_NET_HELLO_SIZE);
	pgr_store_u32(hello, MAGIC_HELLO);
	pgr_store_u16(hello + HELLO_NEWEST, pgr_net_versions.newest);
	pgr_store_u16(hello + HELLO_OLDEST, pgr_net_versions.oldest);
	strlcpy((char *) hello + HELLO_FROM, pgr_config.nodes[pgr_config.self].name, PGR_NAME_SIZE);
	strlcpy((char *) hello + HELLO_TO, pgr_config.nodes[c->node].name, PGR_NAME_SIZE);
	pgr_store_u64(hello + HELLO_START, (uint64) pgr_net_start_number);
	if (!pgr_auth_nonce(hello + HELLO_NONCE))
		return false;
	c->state = PGR_CONNECTION_GREETED;
	return pgr_net_queue(c, hello, PGR_NET_HELLO_SIZE);
}

static int
node_of_name(const uint8 *name)
{
	for (int i = 0; i < pgr_config.n_nodes; i++)
		if (strncmp(pgr_config.nodes[i].name, (const char *) name, PGR_NAME_SIZE) == 0)
			return i;
	return -1;
}

static void
note_start_number(const PgrConnection *c, int64 number)
{
	PgrPeer    *peer = &pgr_peers[c->node];

	/*
	 * A node that comes back with a smaller number is an old copy of itself,
	 * or has lost its state directory.  Which of the two, and what follows,
	 * is for people and for the core.
	 */
	if (number < peer->start_number)
		ereport(WARNING,
				(errmsg("node \"%s\" came back with start number %lld, but had %lld before",
						pgr_config.nodes[c->node].name,
						(long long) number, (long long) peer->start_number),
				 errhint("Its state directory was lost or replaced by an older copy; never run two copies of one node.")));
	peer->start_number = number;
}

/* Who is older is the one to be upgraded, and is told so on both sides. */
static const char *
other_version(PgrConnection *c, uint16 theirs)
{
	static char text[256];

	c->version = PGR_NET_NO_VERSION;
	snprintf(text, sizeof(text),
			 "it speaks version %u of the protocol of pg_replica, this node %u to %u; install a newer release of pg_replica %s",
			 theirs, pgr_net_versions.oldest, pgr_net_versions.newest,
			 theirs < pgr_net_versions.oldest ? "there" : "here");
	return text;
}

static Verdict
judge_hello(PgrConnection *c, const char **problem)
{
	const uint8 *hello = c->transcript;
	uint16		newest = pgr_load_u16(hello + HELLO_NEWEST);
	uint16		oldest = pgr_load_u16(hello + HELLO_OLDEST);

	*problem = NULL;
	if (newest < pgr_net_versions.oldest || oldest > pgr_net_versions.newest || oldest > newest)
	{
		*problem = other_version(c, newest < pgr_net_versions.oldest ? newest : oldest);
		return VERDICT_OTHER_VERSION;
	}
	c->version = Min(newest, pgr_net_versions.newest);
	if (hello[HELLO_FROM + PGR_NAME_SIZE - 1] != 0 || hello[HELLO_TO + PGR_NAME_SIZE - 1] != 0 ||
		node_of_name(hello + HELLO_TO) != pgr_config.self)
	{
		*problem = "it looks for another node at this address";
		return VERDICT_NOT_ME;
	}
	c->node = node_of_name(hello + HELLO_FROM);
	if (c->node < 0 || c->node == pgr_config.self)
	{
		c->node = -1;
		*problem = "it calls itself by a name that is not another node of pg_replica.nodes";
		return VERDICT_UNKNOWN;
	}
	return VERDICT_WELCOME;
}

static bool
on_hello(PgrConnection *c, const uint8 *hello, const char **problem)
{
	uint8	   *challenge = c->transcript + PGR_NET_HELLO_SIZE;
	Verdict		verdict;

	if (pgr_load_u32(hello) != MAGIC_HELLO)
	{
		*problem = "it does not speak the protocol of pg_replica";
		return false;
	}
	memcpy(c->transcript, hello, PGR_NET_HELLO_SIZE);
	verdict = judge_hello(c, problem);

	memset(challenge, 0, PGR_NET_CHALLENGE_SIZE);
	pgr_store_u32(challenge, MAGIC_CHALLENGE);
	/* what was agreed on; to somebody who is refused, what he would have to speak */
	pgr_store_u16(challenge + CHALLENGE_VERSION,
				  verdict != VERDICT_OTHER_VERSION ? c->version :
				  pgr_load_u16(hello + HELLO_NEWEST) < pgr_net_versions.oldest ?
				  pgr_net_versions.oldest : pgr_net_versions.newest);
	challenge[CHALLENGE_VERDICT + 1] = (uint8) verdict;
	pgr_store_u64(challenge + CHALLENGE_START, (uint64) pgr_net_start_number);
	if (!pgr_auth_nonce(challenge + CHALLENGE_NONCE))
	{
		*problem = "no random number could be made";
		return false;
	}
	if (!pgr_net_queue(c, challenge, PGR_NET_CHALLENGE_SIZE))
		*problem = "the answer could not be sent";
	c->state = PGR_CONNECTION_CHALLENGED;
	return *problem == NULL;
}

static bool
make_proof(const PgrConnection *c, const char *label, uint8 proof[PGR_MAC_SIZE])
{
	return pgr_auth_secret_mac(label, c->transcript, PGR_NET_TRANSCRIPT_SIZE, proof);
}

static const char *
verdict_text(int verdict)
{
	switch (verdict)
	{
		case VERDICT_NOT_ME:
			return "another node answered at the address that pg_replica.nodes gives for it";
		case VERDICT_UNKNOWN:
			return "its pg_replica.nodes does not contain this node";
		default:
			return "it does not speak the protocol of pg_replica";
	}
}

static bool
on_challenge(PgrConnection *c, const uint8 *challenge, const char **problem)
{
	uint8		proof[PGR_MAC_SIZE];
	uint16		version = pgr_load_u16(challenge + CHALLENGE_VERSION);

	if (pgr_load_u32(challenge) != MAGIC_CHALLENGE)
		*problem = verdict_text(-1);
	else if (challenge[CHALLENGE_VERDICT + 1] == VERDICT_OTHER_VERSION ||
			 (challenge[CHALLENGE_VERDICT + 1] == VERDICT_WELCOME &&
			  (version < pgr_net_versions.oldest || version > pgr_net_versions.newest)))
		*problem = other_version(c, version);
	else if (challenge[CHALLENGE_VERDICT + 1] != VERDICT_WELCOME)
		*problem = verdict_text(challenge[CHALLENGE_VERDICT + 1]);
	else
	{
		c->version = version;
		memcpy(c->transcript + PGR_NET_HELLO_SIZE, challenge, PGR_NET_CHALLENGE_SIZE);
		c->state = PGR_CONNECTION_PROVED;
		if (make_proof(c, LABEL_DIALLER, proof) && pgr_net_queue(c, proof, PGR_MAC_SIZE))
			return true;
		*problem = "the proof could not be made or sent";
	}
	return false;
}

/* The newer of two connections from one node is the one it still uses. */
PgrConnection *
pgr_net_older_of(const PgrConnection *c)
{
	for (int i = pgr_config.n_nodes; i < pgr_net_used; i++)
	{
		PgrConnection *other = &pgr_connections[i];

		if (other != c && other->state == PGR_CONNECTION_ESTABLISHED && other->node == c->node)
			return other;
	}
	return NULL;
}

static bool
on_proof_of_dialler(PgrConnection *c, const uint8 *proof, const char **problem)
{
	uint8		expected[PGR_MAC_SIZE];
	PgrConnection *older;

	if (!make_proof(c, LABEL_DIALLER, expected) ||
		!pgr_auth_equal(proof, expected, PGR_MAC_SIZE))
	{
		*problem = "it does not know the secret";
		return false;
	}
	if (!make_proof(c, LABEL_LISTENER, expected) ||
		!make_proof(c, LABEL_SESSION, c->key) ||
		!pgr_net_queue(c, expected, PGR_MAC_SIZE))
	{
		*problem = "the proof could not be made or sent";
		return false;
	}
	if ((older = pgr_net_older_of(c)) != NULL)
		pgr_net_drop(older);
	c->state = PGR_CONNECTION_ESTABLISHED;
	c->sequence = 0;
	note_start_number(c, (int64) pgr_load_u64(c->transcript + HELLO_START));

	/* Whoever reaches us is there: no reason to wait before reaching back. */
	pgr_peers[c->node].retry_ms = PGR_NET_RETRY_MIN_MS;
	pgr_peers[c->node].dial_at_ms = 0;
	return true;
}

static bool
on_proof_of_listener(PgrConnection *c, const uint8 *proof, const char **problem)
{
	uint8		expected[PGR_MAC_SIZE];

	if (!make_proof(c, LABEL_LISTENER, expected) ||
		!make_proof(c, LABEL_SESSION, c->key) ||
		!pgr_auth_equal(proof, expected, PGR_MAC_SIZE))
	{
		*problem = "it does not know the secret";
		return false;
	}
	c->state = PGR_CONNECTION_ESTABLISHED;
	c->sequence = 0;
	note_start_number(c, (int64) pgr_load_u64(c->transcript + PGR_NET_HELLO_SIZE + CHALLENGE_START));
	return true;
}

static int32
expected_size(PgrConnectionState state)
{
	switch (state)
	{
		case PGR_CONNECTION_ACCEPTED:
			return PGR_NET_HELLO_SIZE;
		case PGR_CONNECTION_GREETED:
			return PGR_NET_CHALLENGE_SIZE;
		case PGR_CONNECTION_CHALLENGED:
		case PGR_CONNECTION_PROVED:
			return PGR_MAC_SIZE;
		case PGR_CONNECTION_UNUSED:
		case PGR_CONNECTION_DIALLING:
		case PGR_CONNECTION_ESTABLISHED:
			break;
	}
	return 0;
}

bool
pgr_handshake_advance(PgrConnection *c, const char **problem)
{
	int32		size;

	while ((size = expected_size(c->state)) > 0 && c->in_length - c->in_at >= size)
	{
		const uint8 *message = c->in + c->in_at;
		bool		good = false;

		c->in_at += size;
		if (c->state == PGR_CONNECTION_ACCEPTED)
			good = on_hello(c, message, problem);
		else if (c->state == PGR_CONNECTION_GREETED)
			good = on_challenge(c, message, problem);
		else if (c->state == PGR_CONNECTION_CHALLENGED)
			good = on_proof_of_dialler(c, message, problem);
		else
			good = on_proof_of_listener(c, message, problem);
		if (!good)
			return false;
	}
	return true;
}
