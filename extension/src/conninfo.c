/*
 * conninfo.c
 *		Connection strings to the other nodes' Postgres.
 */
#include "postgres.h"

#include "assistant.h"
#include "config.h"
#include "gate.h"

/*
 * The planner takes pg_rewind's list of the source's files for a huge query,
 * and compiling that takes a hundred times longer than running it.
 */
#define NO_JIT "-c jit=off"

/* Appends " name='value'", quoted as libpq wants it. */
static bool
append_setting(char *out, size_t size, const char *name, const char *value)
{
	size_t		used = strlen(out);

	if (value == NULL || value[0] == '\0')
		return true;
	used += snprintf(out + used, size - used, "%s%s='", used > 0 ? " " : "", name);
	if (used >= size)
		return false;
	for (; *value != '\0'; value++)
	{
		if (used + 4 > size)
			return false;
		if (*value == '\'' || *value == '\\')
			out[used++] = '\\';
		out[used++] = *value;
	}
	if (used + 2 > size)
		return false;
	out[used++] = '\'';
	out[used] = '\0';
	return true;
}

/* With a password and TLS up to eight answers are waited for, and a quarter of the election timeout is long for one. */
int
pgr_connect_limit_ms(void)
{
	return Max(5000, 2 * pgr_election_timeout);
}

/* Appends one more to a list with commas. */
static bool
append_listed(char *list, size_t size, const char *text)
{
	if (list[0] != '\0')
		(void) strlcat(list, ",", size);
	return strlcat(list, text, size) < size;
}

/*
 * With the addresses that are known libpq asks no name server, which may be
 * silent just when the primary is gone (lesson 13).  Each of them comes with
 * the name, which is what passwords and certificates are for.
 */
static bool
append_host(char *out, size_t size, int node)
{
	const char *host = pgr_config.nodes[node].host;
	PgrAddress	addresses[PGR_ADDRESSES_PER_NODE];
	char		hosts[PGR_ADDRESSES_PER_NODE * (PGR_HOST_SIZE + 1)] = "";
	char		numbers[PGR_ADDRESSES_PER_NODE * (PGR_ADDRESS_TEXT_SIZE + 1)] = "";
	int			n = pgr_assistant_addresses(node, addresses, PGR_ADDRESSES_PER_NODE);

	for (int i = 0; i < n; i++)
	{
		char		text[PGR_ADDRESS_TEXT_SIZE];

		if (!pgr_address_text(&addresses[i], text, sizeof(text)) ||
			!append_listed(hosts, sizeof(hosts), host) ||
			!append_listed(numbers, sizeof(numbers), text))
			return false;
	}
	return append_setting(out, size, "host", n > 0 ? hosts : host) &&
		append_setting(out, size, "hostaddr", numbers);
}

bool
pgr_conninfo(char *out, size_t size, int node, const char *dbname,
			 const char *application_name)
{
	char		port[16];
	char		limit[16];

	out[0] = '\0';
	if (node < 0 || node >= pgr_config.n_nodes)
		return false;
	snprintf(port, sizeof(port), "%d", pgr_config.nodes[node].port);
	snprintf(limit, sizeof(limit), "%d", pgr_connect_limit_ms() / 1000);
	return append_host(out, size, node) &&
		append_setting(out, size, "port", port) &&
		append_setting(out, size, "user", pgr_replication_user) &&
		append_setting(out, size, "passfile", pgr_passfile) &&
		append_setting(out, size, "dbname", dbname) &&
		append_setting(out, size, "application_name", application_name) &&
		append_setting(out, size, "connect_timeout", limit) &&
		append_setting(out, size, "keepalives_idle", "5") &&
		append_setting(out, size, "keepalives_interval", "2") &&
		append_setting(out, size, "keepalives_count", "3") &&
		append_setting(out, size, "options", dbname != NULL ? NO_JIT : NULL);
}
