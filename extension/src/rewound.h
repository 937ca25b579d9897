/*
 * rewound.h
 *		WAL that a rewind took away.
 */
#ifndef PGR_REWOUND_H
#define PGR_REWOUND_H

#include "access/xlogdefs.h"

/*
 * Copies the WAL behind the fork out of the directory "wal", in a set of its
 * own, and removes the oldest sets.
 */
extern void pgr_rewound_keep(const char *control_path, const char *wal,
							 TimeLineID timeline, XLogRecPtr fork);

/* Any process: where the sets are, and how many. */
extern void pgr_rewound_directory(char *path, size_t size);
extern int	pgr_rewound_count(uint64 *bytes);

#endif							/* PGR_REWOUND_H */
