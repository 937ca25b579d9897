/*
 * compat.h
 *		Everything that differs between PostgreSQL 15, 16, 17 and 18.
 *
 * Include it directly after postgres.h.
 */
#ifndef PGR_COMPAT_H
#define PGR_COMPAT_H

#include "pg_config.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc_tables.h"

#if PG_VERSION_NUM < 150000
#error "pg_replica needs PostgreSQL 15 or newer"
#endif

/*
 * struct Port has the same offsets with and without GSSAPI, on purpose (see
 * libpq-be.h).  Without this line, building would need the Kerberos headers,
 * which the server's development packages do not bring along.
 */
#undef ENABLE_GSS
#include "libpq/libpq-be.h"

#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif

/* 18 says pg_noreturn in front of a declaration; this goes behind it. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* Wait events of our own have names since 17; before, all share one. */
#include "utils/wait_event.h"
#if PG_VERSION_NUM < 170000
#define WaitEventExtensionNew(name) ((uint32) PG_WAIT_EXTENSION)
#endif

/* The first argument of CreateWaitEventSet became the resource owner in 17. */
#if PG_VERSION_NUM >= 170000
#define PgrCreateWaitEventSet(n) CreateWaitEventSet(NULL, (n))
#else
#define PgrCreateWaitEventSet(n) CreateWaitEventSet(TopMemoryContext, (n))
#endif

/* The class of waits for a buffer's pin. */
#if PG_VERSION_NUM >= 170000
#define PGR_WAIT_BUFFER_PIN PG_WAIT_BUFFERPIN
#else
#define PGR_WAIT_BUFFER_PIN PG_WAIT_BUFFER_PIN
#endif

/* Which process am I?  The Am...Process() macros came with 17. */
#if PG_VERSION_NUM >= 170000
#define PgrAmAutovacuum() (AmAutoVacuumWorkerProcess())
#define PgrAmWalReceiver() (AmWalReceiverProcess())
#define PgrAmStartup() (AmStartupProcess())
#define PgrAmSlotSync() (AmLogicalSlotSyncWorkerProcess())
#else
#define PgrAmAutovacuum() (MyBackendType == B_AUTOVAC_WORKER)
#define PgrAmWalReceiver() (MyBackendType == B_WAL_RECEIVER)
#define PgrAmStartup() (MyBackendType == B_STARTUP)
#define PgrAmSlotSync() (false)
#endif

/* The table of settings: exported in another form since 16. */
static inline struct config_generic *
pgr_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, DEBUG5);
#else
	struct config_generic **all = get_guc_variables();
	int			n = GetNumConfigOptions();

	for (int i = 0; i < n; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
#endif
}

/* What walreceiver.h says of the functions of libpqwalreceiver. */
#if PG_VERSION_NUM >= 170000
#define PGR_WALRCV_CONNECT_ARGUMENTS \
	const char *conninfo, bool replication, bool logical, bool must_use_password, \
	const char *appname, char **err
#define PGR_WALRCV_CONNECT_VALUES(conninfo) \
	(conninfo), replication, logical, must_use_password, appname, err
#define PGR_WALRCV_IS_PHYSICAL (replication && !logical)
#elif PG_VERSION_NUM >= 160000
#define PGR_WALRCV_CONNECT_ARGUMENTS \
	const char *conninfo, bool logical, bool must_use_password, \
	const char *appname, char **err
#define PGR_WALRCV_CONNECT_VALUES(conninfo) \
	(conninfo), logical, must_use_password, appname, err
#define PGR_WALRCV_IS_PHYSICAL (!logical)
#else
#define PGR_WALRCV_CONNECT_ARGUMENTS \
	const char *conninfo, bool logical, const char *appname, char **err
#define PGR_WALRCV_CONNECT_VALUES(conninfo) \
	(conninfo), logical, appname, err
#define PGR_WALRCV_IS_PHYSICAL (!logical)
#endif

/* In the WAL receiver: leave if somebody asked for it. */
#if PG_VERSION_NUM >= 180000
#define PgrWalReceiverInterrupts() CHECK_FOR_INTERRUPTS()
#else
#define PgrWalReceiverInterrupts() ProcessWalRcvInterrupts()
#endif

/* Has the slot lost WAL that its user needs?  ("lost" in pg_replication_slots) */
#if PG_VERSION_NUM >= 160000
#define PgrSlotIsLost(slot) ((slot)->data.invalidated != RS_INVAL_NONE)
#else
#define PgrSlotIsLost(slot) \
	(XLogRecPtrIsInvalid((slot)->data.restart_lsn) && \
	 !XLogRecPtrIsInvalid((slot)->data.invalidated_at))
#endif

/* Is it a copy of one on the primary, kept up to date for a failover? */
#if PG_VERSION_NUM >= 170000
#define PgrSlotIsSynced(slot) ((slot)->data.synced)
#else
#define PgrSlotIsSynced(slot) (false)
#endif

/* Entry of the local copy of all backends' states, counted from 1. */
#if PG_VERSION_NUM >= 160000
#define PgrLocalBackendStatus(i) pgstat_get_local_beentry_by_index(i)
#else
#define PgrLocalBackendStatus(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* The next OID that will be given out; needs access/transam.h. */
#if PG_VERSION_NUM >= 170000
#define PgrNextOid() (TransamVariables->nextOid)
#else
#define PgrNextOid() (ShmemVariableCache->nextOid)
#endif

/* A physical slot for good; and the caller's, for a moment. */
#if PG_VERSION_NUM >= 170000
#define PgrCreatePhysicalSlot(name) \
	ReplicationSlotCreate((name), false, RS_PERSISTENT, false, false, false)
#else
#define PgrCreatePhysicalSlot(name) \
	ReplicationSlotCreate((name), false, RS_PERSISTENT, false)
#endif
#if PG_VERSION_NUM >= 180000
#define PgrAcquireSlot(name) ReplicationSlotAcquire((name), true, false)
#else
#define PgrAcquireSlot(name) ReplicationSlotAcquire((name), true)
#endif

/*
 * The same in all versions.  utils/pg_locale.h, where it is declared, includes
 * headers of ICU since 16, which the server's development packages do not
 * bring along.
 */
extern char *get_collation_actual_version(char collprovider, const char *collcollate);

#endif							/* PGR_COMPAT_H */
