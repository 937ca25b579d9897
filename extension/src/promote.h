/*-------------------------------------------------------------------------
 *
 * promote.h
 *		Promotion to exactly one timeline number (promise P5, rule A3).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_PROMOTE_H
#define PGR_PROMOTE_H

#include "access/xlogdefs.h"

/* The first line of a placeholder history file. */
#define PGR_PLACEHOLDER_MARK	"# pg_replica placeholder"

/*
 * Makes sure Postgres will choose this timeline, and asks the postmaster to
 * promote.  Returns at once; that the server is promoted shows in
 * pgr_observe().  False, with a text, if it was not asked for.
 */
extern bool pgr_promote(TimeLineID timeline, char *error, size_t error_size);

/*
 * Removes the placeholder history files from a pg_wal directory.  Needs no
 * shared memory.  Returns how many there were, -1 if the directory could not
 * be read.
 */
extern int	pgr_placeholders_remove(const char *wal_directory);

#endif							/* PGR_PROMOTE_H */
