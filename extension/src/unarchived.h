/*
 * unarchived.h
 *		A former primary's WAL that its archiver had not come to.
 */
#ifndef PGR_UNARCHIVED_H
#define PGR_UNARCHIVED_H

#include "access/xlogdefs.h"

/* Before the WAL in "wal" is taken away: copies what of it before "fork" is still to be archived. */
extern void pgr_unarchived_keep(const char *wal, XLogRecPtr fork, int segment_size);

/* After a rewind: what is to be archived of the WAL that came with it is the source's work. */
extern void pgr_unarchived_leave_to_source(const char *wal);

/* For the assistant: never waits. */
extern void pgr_unarchived_tend(void);

/* In a backend: where the copies are, and how many files are left, copies or not. */
extern void pgr_unarchived_directory(char *path, size_t size);
extern int	pgr_unarchived_count(void);

#endif							/* PGR_UNARCHIVED_H */
