/*
 * sync_readers.c
 *		What each process has read of synchronous_standby_names.
 *
 * A change of the setting reaches a process when it reads the file again, and
 * only walsenders and the checkpointer act on it.  So those, and the
 * postmaster, tell in shared memory what they have read: the file carries a
 * generation number beside the text, and the assign hooks of both publish it.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "compat.h"

#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "storage/ipc.h"

#include "shared.h"
#include "sync.h"

/* One for each walsender there can be; made once, in the postmaster. */
static PgrSyncReader *readers = NULL;
static int	n_readers = 0;

/* In a walsender: its own. */
static PgrSyncReader *mine = NULL;

static GucStringAssignHook original_assign = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;

uint64
pgr_sync_stamp(uint32 generation, const char *text)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, text, strlen(text));
	FIN_CRC32C(crc);
	return (uint64) generation << 32 | crc;
}

static PgrSyncReader *
my_reader(void)
{
	if (pgr_shared == NULL)
		return NULL;
	if (!IsUnderPostmaster)
		return &pgr_shared->sync.postmaster;
	if (MyBackendType == B_CHECKPOINTER)
		return &pgr_shared->sync.checkpointer;
	return mine;
}

/*
 * publish
 *		The rounds are back at zero before the stamp is new, so whoever finds
 *		the same stamp before and after them has read rounds of that stamp.
 */
static void
publish(PgrSyncReader *reader, uint64 stamp, bool counts)
{
	if (pg_atomic_read_u64(&reader->stamp) != stamp)
	{
		pg_atomic_write_u32(&reader->rounds, 0);
		pg_write_barrier();
		pg_atomic_write_u64(&reader->stamp, stamp);
		pg_write_barrier();
	}
	if (counts)
		pg_atomic_fetch_add_u32(&reader->rounds, 1);
}

const char *
pgr_sync_names(void)
{
	return SyncRepStandbyNames != NULL ? SyncRepStandbyNames : "";
}

/*
 * Postgres calls an assign hook at each reading of the file, also when the
 * value stays.  The two settings come in the file's order, which an ALTER
 * SYSTEM may turn around, so both publish; one of them counts.
 */
void
pgr_sync_assign_generation(int value, void *extra)
{
	PgrSyncReader *reader = my_reader();

	if (reader != NULL)
		publish(reader, pgr_sync_stamp((uint32) value, pgr_sync_names()), true);
}

static void
assign_names(const char *value, void *extra)
{
	PgrSyncReader *reader = my_reader();

	original_assign(value, extra);
	if (reader != NULL)
		publish(reader, pgr_sync_stamp((uint32) pgr_sync_generation, value != NULL ? value : ""), false);
}

static void
leave_place(int code, Datum argument)
{
	PgrSyncReader *reader = mine;

	mine = NULL;
	pg_atomic_write_u64(&reader->stamp, 0);
	pg_write_barrier();
	pg_atomic_write_u32(&reader->pid, 0);
}

/*
 * pgr_sync_enter
 *		A new process has what the postmaster had when it was forked, and no
 *		assign hook will say so.
 */
void
pgr_sync_enter(const char *application_name)
{
	for (int i = 0; i < n_readers && mine == NULL; i++)
	{
		uint32		nobody = 0;

		if (pg_atomic_compare_exchange_u32(&readers[i].pid, &nobody, (uint32) MyProcPid))
			mine = &readers[i];
	}
	/* cannot be: there are as many places as walsenders; then it is not verified */
	if (mine == NULL)
		return;
	strlcpy(mine->name, application_name, sizeof(mine->name));
	publish(mine, pgr_sync_stamp((uint32) pgr_sync_generation, pgr_sync_names()), false);
	on_shmem_exit(leave_place, (Datum) 0);
}

PgrSyncReader *
pgr_sync_reader_of(pid_t pid)
{
	for (int i = 0; i < n_readers; i++)
		if (pg_atomic_read_u32(&readers[i].pid) == (uint32) pid)
			return &readers[i];
	return NULL;
}

/* ---- at the start of the server ---- */

static void
reader_init(PgrSyncReader *reader)
{
	pg_atomic_init_u32(&reader->pid, 0);
	pg_atomic_init_u64(&reader->stamp, 0);
	pg_atomic_init_u32(&reader->rounds, 0);
}

/*
 * After a crash restart inside the postmaster all others are new, and what is
 * in force is unknown until it is asked for, and read, again.
 */
static void
shmem_startup(void)
{
	PgrSyncShared *sync = &pgr_shared->sync;

	if (previous_shmem_startup)
		previous_shmem_startup();
	if (IsUnderPostmaster)
		return;
	if (readers == NULL)
	{
		readers = mmap(NULL, max_wal_senders * sizeof(PgrSyncReader), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (readers == MAP_FAILED)
			ereport(FATAL,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("pg_replica could not map memory for %d walsenders: %m", max_wal_senders)));
		n_readers = max_wal_senders;
	}
	for (int i = 0; i < n_readers; i++)
		reader_init(&readers[i]);
	reader_init(&sync->postmaster);
	reader_init(&sync->checkpointer);

	/* The process that was ended may have held it. */
	SpinLockInit(&sync->mutex);
	sync->wanted[0] = '\0';
	sync->asked = 0;
	sync->written = 0;
	sync->failed = 0;
	sync->defined = PGR_SYNC_DEFINED_UNKNOWN;
}

void
pgr_sync_init(void)
{
	struct config_string *setting =
		(struct config_string *) pgr_find_setting("synchronous_standby_names");

	if (setting == NULL || setting->gen.vartype != PGC_STRING || setting->assign_hook == NULL)
		elog(FATAL, "pg_replica does not know this server's setting \"%s\"",
			 "synchronous_standby_names");
	original_assign = setting->assign_hook;
	setting->assign_hook = assign_names;

	SpinLockInit(&pgr_shared->sync.mutex);
	reader_init(&pgr_shared->sync.postmaster);
	reader_init(&pgr_shared->sync.checkpointer);
	previous_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}
