/*
 * config.h
 *		Settings of pg_replica, the parsed list of nodes, and what is wrong
 *		with them.
 */
#ifndef PGR_CONFIG_H
#define PGR_CONFIG_H

#include <time.h>

#include "compat.h"

#define PGR_MAX_NODES 16
#define PGR_NAME_SIZE		64
#define PGR_HOST_SIZE 256
#define PGR_MAX_PROBLEMS 48

typedef struct PgrNode
{
	char		name[PGR_NAME_SIZE];
	char		host[PGR_HOST_SIZE];	/* IPv6 without its brackets */
	int			port;			/* Postgres */
	int			raft_port;
} PgrNode;

typedef struct PgrConfig
{
	bool		configured;		/* node_name or nodes is set */
	bool		valid;			/* and at start nothing was wrong with it */
	int			n_nodes;
	PgrNode		nodes[PGR_MAX_NODES];
	int			self;			/* index of this node, or -1 */
	int			listen_port;	/* where to listen for other nodes */
} PgrConfig;

/*
 * One mistake, in words for the operator.  "fatal": the node does not vote
 * and is never primary until it is mended and the server restarted.
 */
typedef struct PgrProblem
{
	bool		fatal;
	char		setting[64];
	char		value[192];
	char		problem[320];
	char		fix[320];
} PgrProblem;

typedef enum PgrSyncMode
{
	PGR_SYNC_OFF,
	PGR_SYNC_QUORUM,
	PGR_SYNC_QUORUM_AVAILABLE
} PgrSyncMode;

/* Filled by the postmaster before any child is forked, constant afterwards. */
extern PgrConfig pgr_config;

/* The settings.  Strings are never NULL.  Times are milliseconds. */
extern char *pgr_node_name;
extern char *pgr_nodes;
extern char *pgr_listen_addresses;
extern int	pgr_port;
extern char *pgr_secret_file;
extern char *pgr_state_dir;
extern char *pgr_replication_user;
extern char *pgr_passfile;
extern int	pgr_sync_mode;
extern int	pgr_sync_standbys;	/* 0: as many as a minority of the nodes */
extern int	pgr_sync_generation;	/* of the settings file, see sync.h */
extern bool pgr_witness;
extern bool pgr_allow_weaker_commit;
extern bool pgr_allow_collation_mismatch;
extern int	pgr_election_timeout;
extern int	pgr_priority;
extern int	pgr_max_failover_lag;	/* kB, -1: no limit */
extern int	pgr_crash_restart_grace;
extern bool pgr_allow_other_replication;
extern char *pgr_health_check_command;	/* empty: none */
extern int	pgr_health_check_grace;
extern char *pgr_trace_file;
extern int	pgr_trace_size;	/* MB */

extern void pgr_config_define(void);	/* in _PG_init: the settings */
extern void pgr_config_load(void);	/* in _PG_init: fill pgr_config, log */
extern void pgr_config_force(void); /* in _PG_init: settings of the server */

/*
 * Look at everything again and list what is wrong, most important first.
 * Returns how many; never throws, callable from any process.
 */
extern int	pgr_config_problems(PgrProblem *out, int max);

extern const char *pgr_sync_mode_name(void);

/* In pgr_config.nodes; -1: none of this name. */
extern int	pgr_node_number(const char *name);

/* collation.c: the libraries that this server sorts text by, in one text. */
extern void pgr_collation_look(void);	/* in _PG_init */
extern const char *pgr_collation_versions(void);

/* Largest tolerated loss in bytes, -1: no limit. */
extern int64 pgr_max_failover_lag_bytes(void);

/* CLOCK_BOOTTIME: it goes on while the machine is suspended. */
static inline int64
pgr_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64) now.tv_sec * INT64CONST(1000000000) + now.tv_nsec;
}

static inline int64
pgr_now_ms(void)
{
	return pgr_now_ns() / 1000000;
}

#endif							/* PGR_CONFIG_H */
