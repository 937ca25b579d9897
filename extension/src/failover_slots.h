/*-------------------------------------------------------------------------
 *
 * failover_slots.h
 *		Logical slots that survive a failover, as PostgreSQL has them since 17.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_FAILOVER_SLOTS_H
#define PGR_FAILOVER_SLOTS_H

/* Not the name of a node's slot, whatever the node is called. */
#define PGR_CONFIRMED_SLOT "pgreplica_confirmed"

/* This server can have such slots: 17 and later, wal_level = logical. */
extern bool pgr_failover_slots_possible(void);

/* In _PG_init: registers the worker where they are possible. */
extern void pgr_failover_slots_init(void);
extern PGDLLEXPORT void pgr_failover_slots_main(Datum argument);

/*
 * In the slot sync worker: the connection string for the node that this one
 * follows.  False, with why, if there is none.  And when that node answered.
 */
extern bool pgr_slotsync_conninfo(char *conninfo, size_t size, char **why);
extern void pgr_slotsync_connected(void);

/* In the node worker, after the gate was closed. */
extern void pgr_slotsync_end(void);

#endif							/* PGR_FAILOVER_SLOTS_H */
