/*
 * conninfo.c
 *		Connection strings to the other nodes' Postgres.
 */
#include "postgres.h"

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
	return append_setting(out, size, "host", pgr_config.nodes[node].host) &&
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
