/*
 * promote.h
 *		Promotion to exactly one timeline number (promise P5, rule A3), and the
 *		history files that decide the number.
 */
#ifndef PGR_PROMOTE_H
#define PGR_PROMOTE_H

#include "access/xlogdefs.h"

/* The first line of a placeholder history file. */
#define PGR_PLACEHOLDER_MARK	"# pg_replica placeholder"

typedef enum PgrHistory
{
	PGR_HISTORY_ABSENT,
	PGR_HISTORY_REAL,
	PGR_HISTORY_PLACEHOLDER
} PgrHistory;

/*
 * Makes sure Postgres will choose this timeline, and asks the postmaster to
 * promote.  Returns at once; that the server is promoted shows in
 * pgr_observe().  False, with a text, if it was not asked for.
 */
extern bool pgr_promote(TimeLineID timeline, char *error, size_t error_size);

/*
 * Reads the history file of a timeline in pg_wal.  Parent and fork are 0 for
 * the first timeline and for anything but a real history.
 */
extern PgrHistory pgr_history_read(TimeLineID timeline, TimeLineID *parent, XLogRecPtr *fork);

/*
 * Content of a placeholder for this number, and of the history that an
 * ancestor "timeline" must have had, given the history of a descendant (cut
 * from it; false if "timeline" is not among the ancestors).
 */
extern void pgr_placeholder_text(char *out, size_t size, TimeLineID timeline);
extern bool pgr_history_of_ancestor(const char *history, size_t length,
									TimeLineID timeline, size_t *cut);

/*
 * Removes the placeholders that nothing real comes after: Postgres would take
 * the last of them for the newest timeline and wait for it for ever.  Those
 * below a real history stay, because standbys ask this node for each number
 * in between.  Needs no shared memory.  Returns how many were removed, -1 if
 * pg_wal could not be read.
 */
extern int	pgr_placeholders_remove(void);

#endif							/* PGR_PROMOTE_H */
