/*
 * handshake_test.c
 *		Two nodes of the same and of different releases meet: they agree on a
 *		version of the protocol, or both can say why they do not.
 *
 * A plain program: it links net_handshake.c and auth.c, plays both sides, and
 * needs no server.  See run.sh beside it.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "check.h"
#include "golden.h"
#include "net_internal.h"

/* What the rest of the host would bring along; what the server would is in fuzz/host.c. */
PgrConnection pgr_connections[PGR_NET_CONNECTIONS];
int			pgr_net_used = 0;
PgrPeer		pgr_peers[PGR_MAX_NODES];
int64		pgr_net_start_number = 7;

/* What is said of a node that comes back. */
static int	warnings;
extern bool __real_errstart(int elevel, const char *domain);

bool
__wrap_errstart(int elevel, const char *domain)
{
	if (elevel == WARNING)
		warnings++;
	return __real_errstart(elevel, domain);
}

void
pgr_net_drop(PgrConnection *c)
{
}

/* So that a handshake is the same each time. */
bool
pg_strong_random(void *out, size_t length)
{
	memset(out, 0xa5, length);
	return true;
}

/* The two ends of one connection, and what each side thinks in the end. */
static PgrConnection dialler;
static PgrConnection listener;
static uint8 received[2][1024];
static char complaint[2][512];

bool
pgr_net_queue(PgrConnection *c, const uint8 *bytes, int32 length)
{
	PgrConnection *other = c == &dialler ? &listener : &dialler;

	memcpy(other->in + other->in_length, bytes, length);
	other->in_length += length;
	return true;
}

static void
advance(PgrConnection *c, PgrNetVersions versions, char *told)
{
	const char *problem = "";

	pgr_config.self = c == &dialler ? 0 : 1;
	pgr_net_versions = versions;
	if (told[0] == '\0' && !pgr_handshake_advance(c, &problem))
		strlcpy(told, problem, sizeof(complaint[0]));
}

static void
meet(PgrNetVersions dials, PgrNetVersions listens)
{
	memset(&dialler, 0, sizeof(dialler));
	memset(&listener, 0, sizeof(listener));
	memset(complaint, 0, sizeof(complaint));
	dialler.in = received[0];
	listener.in = received[1];
	dialler.outgoing = true;
	dialler.node = 1;
	listener.node = -1;
	listener.state = PGR_CONNECTION_ACCEPTED;

	pgr_config.self = 0;
	pgr_net_versions = dials;
	(void) pgr_handshake_begin(&dialler);
	for (int turn = 0; turn < 2; turn++)
	{
		advance(&listener, listens, complaint[1]);
		advance(&dialler, dials, complaint[0]);
	}
}


#define CHECK(condition) CHECK_OR_SAY(condition, " (\"%s\", \"%s\")", complaint[0], complaint[1])

/* Every byte of a handshake that is not drawn by lot, as a released version sends it. */
static void
test_golden(void)
{
	uint8		golden[1024];
	int			lengths[2] = {PGR_NET_CHALLENGE_SIZE + PGR_MAC_SIZE, PGR_NET_HELLO_SIZE + PGR_MAC_SIZE};

	meet((PgrNetVersions) {1, 1}, (PgrNetVersions) {1, 1});
	CHECK(dialler.in_length == lengths[0] && listener.in_length == lengths[1]);
	CHECK(golden_kept("handshake-listener", received[0], lengths[0], golden, sizeof(golden)) == lengths[0]);
	CHECK(memcmp(golden, received[0], lengths[0]) == 0);
	CHECK(golden_kept("handshake-dialler", received[1], lengths[1], golden, sizeof(golden)) == lengths[1]);
	CHECK(memcmp(golden, received[1], lengths[1]) == 0);
	CHECK(golden_kept("handshake-key", dialler.key, PGR_MAC_SIZE, golden, sizeof(golden)) == PGR_MAC_SIZE);
	CHECK(memcmp(golden, dialler.key, PGR_MAC_SIZE) == 0);
}

static void
agree(PgrNetVersions dials, PgrNetVersions listens, int version)
{
	meet(dials, listens);
	CHECK(dialler.state == PGR_CONNECTION_ESTABLISHED && listener.state == PGR_CONNECTION_ESTABLISHED);
	CHECK(dialler.version == version && listener.version == version);
	CHECK(memcmp(dialler.key, listener.key, PGR_MAC_SIZE) == 0);
}

static void
refuse(PgrNetVersions dials, PgrNetVersions listens, const char *by_dialler, const char *by_listener)
{
	meet(dials, listens);
	CHECK(dialler.state != PGR_CONNECTION_ESTABLISHED && listener.state != PGR_CONNECTION_ESTABLISHED);
	CHECK(dialler.version == PGR_NET_NO_VERSION && listener.version == PGR_NET_NO_VERSION);
	CHECK(strstr(complaint[0], by_dialler) != NULL);
	CHECK(strstr(complaint[1], by_listener) != NULL);
}

/* Nobody on the way can make two nodes speak an older version than they would. */
static void
test_changed_on_the_way(void)
{
	PgrNetVersions both = {1, 2};
	const char *problem = "";

	meet(both, both);
	CHECK(dialler.version == 2);

	memset(complaint, 0, sizeof(complaint));
	memset(&listener, 0, sizeof(listener));
	memset(&dialler, 0, sizeof(dialler));
	dialler.in = received[0];
	listener.in = received[1];
	dialler.node = 1;
	listener.state = PGR_CONNECTION_ACCEPTED;
	pgr_config.self = 0;
	(void) pgr_handshake_begin(&dialler);
	listener.in[5] = 1;			/* the newest that the dialler is said to speak */
	advance(&listener, both, complaint[1]);
	advance(&dialler, both, complaint[0]);
	pgr_config.self = 1;
	CHECK(!pgr_handshake_advance(&listener, &problem) && strstr(problem, "secret") != NULL);
}

/* B12: an older copy of a node knows less than the node did, and is not taken for it without a word. */
static void
test_older_copy(void)
{
	PgrNetVersions any = {1, 1};

	memset(pgr_peers, 0, sizeof(PgrPeer) * PGR_MAX_NODES);
	warnings = 0;
	meet(any, any);
	CHECK(warnings == 0 && pgr_peers[0].start_number == 7 && pgr_peers[1].start_number == 7);
	pgr_net_start_number = 8;
	meet(any, any);
	CHECK(warnings == 0 && pgr_peers[1].start_number == 8);
	pgr_net_start_number = 6;
	meet(any, any);
	CHECK(warnings == 2 && pgr_peers[1].start_number == 6);
	pgr_net_start_number = 7;
	meet(any, any);
	CHECK(warnings == 2);
}

int
main(int argc, char **argv)
{
	char		path[MAXPGPATH];
	char		problem[512];
	FILE	   *file;

	if (argc != 3)
		return 2;
	golden_folder = argv[2];
	snprintf(path, sizeof(path), "%s/handshake.secret", argv[1]);
	file = fopen(path, "w");
	fputs("0123456789abcdef\n", file);
	fclose(file);
	chmod(path, 0600);
	if (!pgr_auth_load(path, problem, sizeof(problem)))
		return 2;

	test_golden();
	agree((PgrNetVersions) {1, 1}, (PgrNetVersions) {1, 1}, 1);
	agree((PgrNetVersions) {1, 2}, (PgrNetVersions) {1, 1}, 1);
	agree((PgrNetVersions) {1, 1}, (PgrNetVersions) {1, 2}, 1);
	agree((PgrNetVersions) {1, 3}, (PgrNetVersions) {2, 4}, 3);
	agree((PgrNetVersions) {300, 300}, (PgrNetVersions) {1, 300}, 300);
	refuse((PgrNetVersions) {1, 1}, (PgrNetVersions) {2, 3},
		   "speaks version 2 of the protocol of pg_replica, this node 1 to 1; install a newer release of pg_replica here",
		   "speaks version 1 of the protocol of pg_replica, this node 2 to 3; install a newer release of pg_replica there");
	refuse((PgrNetVersions) {3, 4}, (PgrNetVersions) {1, 2},
		   "speaks version 2 of the protocol of pg_replica, this node 3 to 4; install a newer release of pg_replica there",
		   "speaks version 3 of the protocol of pg_replica, this node 1 to 2; install a newer release of pg_replica here");
	/* one that says what cannot be */
	refuse((PgrNetVersions) {2, 1}, (PgrNetVersions) {1, 1}, "install", "install");
	test_changed_on_the_way();
	test_older_copy();
	return verdict("handshake_test");
}
