/*
 * addresses.c
 *		Where the nodes can be reached, without asking a name server.
 *
 * The assistant resolves names.  What it found last is kept in the state
 * directory, so that a node that starts while the name server is down still
 * finds the others: name resolution never decides who is primary.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "loop.h"

#include "config.h"
#include "net.h"
#include "store.h"
#include "worker.h"

#define SAVE_EVERY_MS 60000
#define TELL_EVERY_MS 60000

typedef struct Known
{
	PgrAddress	addresses[PGR_ADDRESSES_PER_NODE];
	int			n;
	bool		parsed;
	bool		numeric;		/* the host is an address, so there is nothing to refresh */
} Known;

static Known known[PGR_MAX_NODES];
static bool unsaved = false;
static int64 saved_ms = 0;

static bool
parse_numeric(const char *text, PgrAddress *address)
{
	struct addrinfo hints;
	struct addrinfo *found = NULL;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST;
	hints.ai_socktype = SOCK_STREAM;
	memset(address, 0, sizeof(*address));
	if (getaddrinfo(text, NULL, &hints, &found) != 0 || found == NULL)
		return false;
	address->length = found->ai_addrlen;
	memcpy(&address->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

bool
pgr_address_text(const PgrAddress *address, char *text, size_t size)
{
	return getnameinfo((const struct sockaddr *) &address->address, address->length,
					   text, size, NULL, 0, NI_NUMERICHOST) == 0;
}

/* One line of the file: node, its host as configured, one address. */
static void
recall_line(const char *line, PgrResolved *found)
{
	char		name[PGR_NAME_SIZE];
	char		host[PGR_HOST_SIZE];
	char		text[PGR_ADDRESS_TEXT_SIZE];

	if (sscanf(line, "%63s %255s %63s", name, host, text) != 3)
		return;
	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		if (strcmp(pgr_config.nodes[i].name, name) != 0 ||
			strcmp(pgr_config.nodes[i].host, host) != 0 ||
			found[i].count == PGR_ADDRESSES_PER_NODE)
			continue;
		if (parse_numeric(text, &found[i].addresses[found[i].count]))
			found[i].count++;
	}
}

void
pgr_addresses_recall(void)
{
	static PgrResolved found[PGR_MAX_NODES];
	char		problem[256];
	bool		missing;
	int32		length;
	char	   *rest;
	char	   *line;
	uint8	   *content = pgr_store_read(PGR_STORE_ADDRESSES, &length, &missing,
										 problem, sizeof(problem));

	/* Losing this file costs a look-up, so its damage is nobody's business. */
	if (content == NULL)
		return;
	memset(found, 0, sizeof(found));
	rest = (char *) content;
	while ((line = strsep(&rest, "\n")) != NULL)
		recall_line(line, found);
	free(content);
	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		pgr_assistant_remember(i, &found[i]);
		known[i].n = pgr_assistant_addresses(i, known[i].addresses, PGR_ADDRESSES_PER_NODE);
	}
}

static bool
save(char *problem, size_t size)
{
	static char content[PGR_MAX_NODES * PGR_ADDRESSES_PER_NODE *
						(PGR_NAME_SIZE + PGR_HOST_SIZE + 64)];
	size_t		length = 0;

	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		for (int k = 0; k < known[i].n; k++)
		{
			char		text[PGR_ADDRESS_TEXT_SIZE];

			if (pgr_address_text(&known[i].addresses[k], text, sizeof(text)))
				length += snprintf(content + length, sizeof(content) - length, "%s %s %s\n",
								   pgr_config.nodes[i].name, pgr_config.nodes[i].host, text);
		}
	}
	return pgr_store_replace(PGR_STORE_ADDRESSES, content, (int32) length, problem, size);
}

static bool
is_numeric(int node)
{
	PgrAddress	address;

	if (!known[node].parsed)
	{
		known[node].parsed = true;
		known[node].numeric = parse_numeric(pgr_config.nodes[node].host, &address);
		if (known[node].numeric)
		{
			known[node].addresses[0] = address;
			known[node].n = 1;
		}
	}
	return known[node].numeric;
}

static bool
same(const Known *a, const PgrAddress *b, int n)
{
	if (a->n != n)
		return false;
	for (int i = 0; i < n; i++)
		if (a->addresses[i].length != b[i].length ||
			memcmp(&a->addresses[i].address, &b[i].address, b[i].length) != 0)
			return false;
	return true;
}

/* The first node whose host could not be looked up, in words; empty: there is none. */
static void
describe_failure(char *text, size_t size)
{
	text[0] = '\0';
	for (int i = 0; i < pgr_config.n_nodes && text[0] == '\0'; i++)
	{
		int			error = i == pgr_config.self ? 0 : pgr_assistant_lookup_error(i);

		if (error != 0)
			snprintf(text, size, "host \"%s\" of node \"%s\" cannot be looked up: %s%s",
					 pgr_config.nodes[i].host, pgr_config.nodes[i].name, gai_strerror(error),
					 known[i].n > 0 ? "; the addresses found last are used" : "");
	}
}

/* The log has it once for each cause, and not more often than once a minute. */
static void
tell_of_failure(int64 now)
{
	static char told[PGR_FINDING_SIZE] = "";
	static int64 told_ms = 0;
	char		text[PGR_FINDING_SIZE];

	describe_failure(text, sizeof(text));
	pgr_finding_set(PGR_FINDING_NAMES, text);
	if (told_ms != 0 && now - told_ms < TELL_EVERY_MS)
		return;
	if (text[0] != '\0' && strcmp(text, told) != 0)
	{
		ereport(LOG, (errmsg("pg_replica: %s", text)));
		told_ms = now;
	}
	strlcpy(told, text, sizeof(told));
}

bool
pgr_addresses_refresh(int64 now, char *problem, size_t size)
{
	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		PgrAddress	found[PGR_ADDRESSES_PER_NODE];
		int			n;

		if (i == pgr_config.self)
			continue;
		memset(found, 0, sizeof(found));
		n = is_numeric(i) ? 0 : pgr_assistant_addresses(i, found, PGR_ADDRESSES_PER_NODE);
		if (n > 0 && !same(&known[i], found, n))
		{
			memcpy(known[i].addresses, found, sizeof(found));
			known[i].n = n;
			unsaved = true;
		}
		pgr_net_set_addresses(i, known[i].addresses, known[i].n);
	}
	tell_of_failure(now);
	if (!unsaved || (saved_ms != 0 && now - saved_ms < SAVE_EVERY_MS))
		return true;
	unsaved = false;
	saved_ms = now;
	return save(problem, size);
}
