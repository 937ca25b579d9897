/*
 * config_nodes.c
 *		pg_replica.nodes: the list of the cluster's servers, and this one's
 *		place in it.
 */
#include "postgres.h"

#include <ctype.h>

#include "compat.h"

#include "miscadmin.h"
#include "postmaster/postmaster.h"

#include "config_check.h"

#define NAME_MAX_LENGTH 24		/* leaves room for _i<incarnation>_t<timeline> */

static bool
is_node_name(const char *name)
{
	size_t		length = strlen(name);

	if (length == 0 || length > NAME_MAX_LENGTH)
		return false;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
		return false;
	return name[0] >= 'a' && name[0] <= 'z';
}

#define NAME_RULE "A name begins with a lower-case letter and has at most 24 lower-case letters, digits and underscores."
#define NODE_RULE "Write each node as name=host:port/raftport, an IPv6 address in brackets: n1=10.0.0.1:5432/7432,n2=[fd00::2]:5432/7432."

/* A port number at *text; moves *text behind it.  0 if there is none. */
static int
port_at(const char **text)
{
	char	   *end;
	long		port;

	if (!isdigit((unsigned char) **text))
		return 0;
	port = strtol(*text, &end, 10);
	*text = end;
	return port >= 1 && port <= 65535 ? (int) port : 0;
}

/*
 * host_at
 *		Copies the host at *text, without brackets, and moves *text to the
 *		colon behind it.  False if it is not one.
 */
static bool
host_at(const char **text, char *host, size_t size)
{
	const char *begin = *text;
	size_t		length;

	if (*begin == '[')
	{
		begin++;
		length = strspn(begin, "0123456789abcdefABCDEF:.%abcdefghijklmnopqrstuvwxyz");
		if (begin[length] != ']' || memchr(begin, ':', length) == NULL)
			return false;
		*text = begin + length + 1;
	}
	else
	{
		length = strspn(begin, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
		*text = begin + length;
	}
	if (length == 0 || length >= size || **text != ':')
		return false;
	memcpy(host, begin, length);
	host[length] = '\0';
	return true;
}

static bool
parse_node(const char *text, PgrNode *node)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || (size_t) (equals - text) >= sizeof(node->name))
		return false;
	memset(node, 0, sizeof(*node));
	memcpy(node->name, text, equals - text);

	text = equals + 1;
	if (!host_at(&text, node->host, sizeof(node->host)))
		return false;
	text++;
	node->port = port_at(&text);
	if (node->port == 0 || *text++ != '/')
		return false;
	node->raft_port = port_at(&text);
	return node->raft_port != 0 && *text == '\0';
}

static void
parse_nodes(PgrProblems *problems, PgrConfig *config)
{
	const char *at = pgr_nodes;

	config->n_nodes = 0;
	while (*at != '\0')
	{
		char		item[PGR_NAME_SIZE + PGR_HOST_SIZE + 32];
		size_t		length = strcspn(at, ",");
		const char *begin = at;
		PgrNode		node;

		at += length + (at[length] == ',' ? 1 : 0);
		while (length > 0 && isspace((unsigned char) *begin))
			begin++, length--;
		while (length > 0 && isspace((unsigned char) begin[length - 1]))
			length--;
		strlcpy(item, begin, Min(sizeof(item), length + 1));

		if (length >= sizeof(item) || !parse_node(item, &node))
			pgr_problem_add(problems, true, "pg_replica.nodes", item, NODE_RULE,
							"an entry cannot be understood");
		else if (!is_node_name(node.name))
			pgr_problem_add(problems, true, "pg_replica.nodes", item, NAME_RULE,
							"\"%s\" is not a node name", node.name);
		else if (config->n_nodes == PGR_MAX_NODES)
			pgr_problem_add(problems, true, "pg_replica.nodes", item,
							"Remove nodes from the list; clusters have 3 or 5.",
							"there are more than %d nodes", PGR_MAX_NODES);
		else
			config->nodes[config->n_nodes++] = node;
	}
}

static void
check_pair(PgrProblems *problems, const PgrNode *one, const PgrNode *other)
{
	if (strcmp(one->name, other->name) == 0)
		pgr_problem_add(problems, true, "pg_replica.nodes", one->name,
						"Give each node a name of its own.", "two nodes have the same name");
	if (strcmp(one->host, other->host) != 0)
		return;
	if (one->raft_port == other->raft_port ||
		one->raft_port == other->port || one->port == other->raft_port ||
		one->port == other->port)
		pgr_problem_add(problems, true, "pg_replica.nodes", one->host,
						"Give each node on one host a Postgres port and a Raft port of its own.",
						"nodes \"%s\" and \"%s\" share a port of one host", one->name, other->name);
}

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
		strcmp(host, "::1") == 0;
}

static void
check_nodes(PgrProblems *problems, PgrConfig *config)
{
	config->self = -1;
	config->listen_port = pgr_port;
	for (int i = 0; i < config->n_nodes; i++)
	{
		PgrNode    *node = &config->nodes[i];

		if (node->port == node->raft_port)
			pgr_problem_add(problems, true, "pg_replica.nodes", node->name,
							"Use another port for Raft, such as the Postgres port plus 2000.",
							"the node's Postgres port and Raft port are the same");
		for (int j = 0; j < i; j++)
			check_pair(problems, &config->nodes[j], node);
		if (strcmp(node->name, pgr_node_name) == 0 && config->self < 0)
			config->self = i;
	}

	if (pgr_nodes[0] == '\0')
		pgr_problem_add(problems, true, "pg_replica.nodes", "", NODE_RULE, "it is not set");
	if (pgr_node_name[0] == '\0')
		pgr_problem_add(problems, true, "pg_replica.node_name", "",
						"Set it to the name that this server has in pg_replica.nodes.", "it is not set");
	else if (!is_node_name(pgr_node_name))
		pgr_problem_add(problems, true, "pg_replica.node_name", pgr_node_name, NAME_RULE,
						"it is not a node name");
	else if (config->self < 0 && pgr_nodes[0] != '\0')
		pgr_problem_add(problems, true, "pg_replica.node_name", pgr_node_name,
						"Use one of the names there, or add this server to the list on every node.",
						"pg_replica.nodes has no node of this name");

	if (config->n_nodes == 2)
		pgr_problem_add(problems, false, "pg_replica.nodes", pgr_nodes,
						"Add a third node: of two, neither is a majority when the other is lost.",
						"with two nodes there is no automatic failover");
}

/* How the list names this server, against what the server is. */
static void
check_self(PgrProblems *problems, PgrConfig *config)
{
	PgrNode    *self = &config->nodes[config->self];
	bool		remote = false;

	for (int i = 0; i < config->n_nodes; i++)
		if (!is_loopback(config->nodes[i].host))
			remote = true;

	if (config->listen_port == 0)
		config->listen_port = self->raft_port;
	if (self->port != PostPortNumber)
		pgr_problem_add(problems, false, "pg_replica.nodes", self->name,
						"Ignore this if the port is translated on the way; otherwise correct the list or \"port\".",
						"the list says Postgres port %d, this server listens on %d",
						self->port, PostPortNumber);
	if (remote && ListenAddresses != NULL &&
		(strcmp(ListenAddresses, "localhost") == 0 || ListenAddresses[0] == '\0'))
		pgr_problem_add(problems, false, "listen_addresses", ListenAddresses,
						"Set listen_addresses to '*' or to this host's addresses.",
						"other nodes cannot connect to this server, but pg_replica.nodes names other hosts");
}

void
pgr_config_nodes(PgrProblems *problems, PgrConfig *config)
{
	parse_nodes(problems, config);
	check_nodes(problems, config);
	if (config->self >= 0)
		check_self(problems, config);
}

int
pgr_node_number(const char *name)
{
	for (int i = 0; i < pgr_config.n_nodes; i++)
		if (strcmp(pgr_config.nodes[i].name, name) == 0)
			return i;
	return -1;
}
