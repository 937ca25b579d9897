/*
 * admission.c
 *		Which replication connections may log in (rule B18).
 *
 * The WAL receivers of the cluster's nodes name themselves after node,
 * incarnation and timeline (n3_i7_t2).  Such a name is let in only while the
 * node worker admits exactly it, so no node of ours receives WAL from a
 * server that the cluster has not appointed.  Any other name is somebody
 * else's: a backup, pg_receivewal, a server outside the cluster.  The cluster
 * never counts it, and whether it may log in is a setting.
 */
#include "postgres.h"

#include "compat.h"

#include "libpq/auth.h"
#include "replication/walsender.h"

#include "shared.h"

#define REWIND_NAME "pg_replica_rewind"
#define CLONE_NAME "pg_replica_clone"

static ClientAuthentication_hook_type previous_authentication = NULL;

/*
 * pgr_admit
 *		For the node worker: from now on only these names.
 */
void
pgr_admit(const char **names, int n)
{
	PgrFenceShared *fence = &pgr_shared->fence;
	bool		same;

	n = Min(n, PGR_MAX_ADMITTED);
	same = fence->n_admitted == (uint32) n &&
		(pg_atomic_read_u32(&fence->admitted_version) & 1) == 0;
	for (int i = 0; same && i < n; i++)
		same = strcmp(fence->admitted[i], names[i]) == 0;
	if (same)
		return;

	pgr_text_begin(&fence->admitted_version);
	fence->n_admitted = (uint32) n;
	for (int i = 0; i < n; i++)
		strlcpy(fence->admitted[i], names[i], NAMEDATALEN);
	pgr_text_end(&fence->admitted_version);
}

static bool
is_admitted(const char *name)
{
	PgrFenceShared *fence = &pgr_shared->fence;
	char		admitted[PGR_MAX_ADMITTED][NAMEDATALEN];
	uint32		version;
	uint32		n;

	/* the count and the names must be of one version */
	version = pg_atomic_read_u32(&fence->admitted_version);
	if (!pgr_text_copy(&fence->admitted_version, &n, &fence->n_admitted, sizeof(n)) ||
		!pgr_text_copy(&fence->admitted_version, admitted, fence->admitted, sizeof(admitted)) ||
		pg_atomic_read_u32(&fence->admitted_version) != version)
		return false;			/* it is tried again in a moment */

	if (strcmp(name, REWIND_NAME) == 0 || strcmp(name, CLONE_NAME) == 0)
		return n > 0;
	for (uint32 i = 0; i < Min(n, PGR_MAX_ADMITTED); i++)
		if (strcmp(admitted[i], name) == 0)
			return true;
	return false;
}

/*
 * is_of_a_node
 *		Does the name say it comes from a node, of this cluster or another: is
 *		it <node>_i... or ..._i<letters and digits>_t<digits>?
 */
static bool
is_of_a_node(const char *name)
{
	const char *end = name + strlen(name);
	const char *at = end;

	for (int i = 0; i < pgr_config.n_nodes; i++)
	{
		size_t		length = strlen(pgr_config.nodes[i].name);

		if (strncmp(name, pgr_config.nodes[i].name, length) == 0 &&
			strncmp(name + length, "_i", 2) == 0)
			return true;
	}

	while (at > name && isdigit((unsigned char) at[-1]))
		at--;
	if (at == end || at - name < 2 || at[-1] != 't' || at[-2] != '_')
		return false;
	at -= 2;
	end = at;
	while (at > name && isalnum((unsigned char) at[-1]))
		at--;
	return at < end && *at == 'i' && at > name && at[-1] == '_';
}

/*
 * A subscriber would be sent, and keep, what can still be lost here.  It comes
 * again.
 */
static void
refuse_subscriber(const char *name)
{
	ereport(FATAL,
			(errcode(ERRCODE_CANNOT_CONNECT_NOW),
			 errmsg("pg_replica node \"%s\" does not admit logical replication connection \"%s\" yet",
					pgr_node_name, name),
			 errdetail("The cluster has not confirmed what this node holds.")));
}

static void
refuse(const char *name)
{
	char		why[PGR_REASON_SIZE];

	pgr_fence_reason(why, sizeof(why));
	ereport(FATAL,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("pg_replica node \"%s\" does not admit replication connection \"%s\"",
					pgr_node_name, name),
			 pgr_fence_is_open() ?
			 errdetail("The cluster has not admitted this name to this node's timeline.") :
			 errdetail("This node is not serving as the primary: %s.", why),
			 errhint("pg_replica.members() shows the primary and what each node waits for.")));
}

static void
authentication(Port *port, int status)
{
	const char *name = port->application_name ? port->application_name : "";
	bool		physical = am_walsender && !am_db_walsender;
	bool		ours = strcmp(name, REWIND_NAME) == 0 || strcmp(name, CLONE_NAME) == 0 ||
		(physical && is_of_a_node(name));

	if (previous_authentication)
		previous_authentication(port, status);

	/* who failed to authenticate is told that, and nothing else */
	if (status != STATUS_OK)
		return;

	if (ours && !is_admitted(name))
		refuse(name);
	if (physical && !ours && !pgr_allow_other_replication)
		ereport(FATAL,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("pg_replica does not admit replication connection \"%s\"", name),
				 errdetail("It is not of a node of the cluster, and pg_replica.allow_other_replication is off.")));
	/* Ours asks for tablespaces, so that a clone can join the quorum that reads wait for. */
	if (am_db_walsender && !ours && !pgr_reads_are_allowed())
		refuse_subscriber(name);
	if (am_walsender)
		pgr_sync_enter(name);
}

/* Called in the postmaster; every child inherits the hook. */
void
pgr_admission_init(void)
{
	previous_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = authentication;
}
