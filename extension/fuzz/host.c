/*
 * host.c
 *		What the tried files ask of the rest of the host and of the server.
 */
#include "host.h"

#include "border.h"
#include "config.h"
#include "utils/resowner.h"

ResourceOwner CurrentResourceOwner = NULL;

ResourceOwner
ResourceOwnerCreate(ResourceOwner parent, const char *name)
{
	return NULL;
}

/* Nothing is said: a fuzzer has no log that anybody reads. */
bool
errstart(int elevel, const char *domain)
{
	return false;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return false;
}

int
errmsg(const char *fmt,...)
{
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
}

PgrConfig	pgr_config = {
	.configured = true,
	.valid = true,
	.n_nodes = 3,
	.nodes = {{"n1", "127.0.0.1", 5431, 6431}, {"n2", "127.0.0.1", 5432, 6432}, {"n3", "127.0.0.1", 5433, 6433}},
	.self = 0
};
int			pgr_election_timeout = 1000;
int			pgr_priority = 100;
int			pgr_crash_restart_grace = 5000;
int			pgr_sync_mode = 0;
int			pgr_sync_standbys = 0;
bool		pgr_witness = false;
bool		pgr_allow_collation_mismatch = false;

const char *
pgr_collation_versions(void)
{
	return "libc 2.36, icu 153.120";
}

void		(*host_files) (PgrStoreVisit visit, void *argument) = NULL;

int64
pgr_max_failover_lag_bytes(void)
{
	return -1;
}

bool
pgr_store_each(PgrStoreVisit visit, void *argument, char *problem, size_t size)
{
	if (host_files != NULL)
		host_files(visit, argument);
	return true;
}
