/*
 * config_check.h
 *		Between config.c, config_check.c and config_nodes.c.
 */
#ifndef PGR_CONFIG_CHECK_H
#define PGR_CONFIG_CHECK_H

#include "config.h"

typedef struct PgrProblems
{
	PgrProblem *out;
	int			n;
	int			max;
} PgrProblems;

extern void pgr_problem_add(PgrProblems *problems, bool fatal, const char *setting,
							const char *value, const char *fix,
							const char *format,...) pg_attribute_printf(6, 7);

/* config_nodes.c: parse and check the list of nodes. */
extern void pgr_config_nodes(PgrProblems *problems, PgrConfig *config);

/*
 * Parse the settings into *config (n_nodes, nodes, self, listen_port) and list
 * what is wrong, what matters most first.  Returns how many.
 */
extern int	pgr_config_examine(PgrConfig *config, PgrProblem *out, int max);

/* A value that Postgres did not accept, so that the default is in force. */
extern void pgr_config_rejected(const char *name, const char *value, const char *fix);

/*
 * Every start is a standby's, and a standby does not start with less room
 * than the WAL of its data was written under.
 */
#define PGR_NEEDS 5

typedef struct PgrNeed
{
	const char *setting;
	int			least;
} PgrNeed;

/* False if the control file cannot be read. */
extern bool pgr_config_needs(PgrNeed *needs);

/* Remember what the operator set before pgr_config_force() takes it away. */
extern void pgr_config_note_overridden(void);

#endif							/* PGR_CONFIG_CHECK_H */
