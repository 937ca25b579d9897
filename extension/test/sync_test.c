/*
 * sync_test.c
 *		When is a synchronous_standby_names in force?  (decision 0013)
 *
 * A plain program that plays the postmaster, the checkpointer and the
 * walsenders of one server, one after the other.  See run.sh beside it.
 */
#include "../src/sync_readers.c"

#include <signal.h>

#include "replication/walsender_private.h"

#include "check.h"

/* What the server would bring along. */
WalSndCtlData *WalSndCtl;
int			max_wal_senders = 4;
int			MyProcPid = 1;
pid_t		PostmasterPid;
bool		IsUnderPostmaster = false;
BackendType MyBackendType = B_INVALID;
char	   *SyncRepStandbyNames = "";
shmem_startup_hook_type shmem_startup_hook = NULL;
PgrShared  *pgr_shared;
int			pgr_sync_generation = 0;
static bool in_recovery = false;
static struct config_string names_setting;

bool		RecoveryInProgress(void) { return in_recovery; }
void		on_shmem_exit(pg_on_exit_callback function, Datum arg) {}
void		pgr_assistant_wake(void) {}
int			s_lock(volatile slock_t *lock, const char *file, int line, const char *func) { abort(); }
bool		errstart(int elevel, const char *domain) { return false; }
bool		errstart_cold(int elevel, const char *domain) { return false; }
void		errfinish(const char *filename, int lineno, const char *funcname) {}
int			errmsg(const char *fmt,...) { return 0; }
int			errmsg_internal(const char *fmt,...) { return 0; }
int			errhint(const char *fmt,...) { return 0; }
int			errcode(int sqlerrcode) { return 0; }

#if PG_VERSION_NUM >= 160000
struct config_generic *
find_option(const char *name, bool create_placeholders, bool skip_errors, int elevel)
{
	return &names_setting.gen;
}
#else
static struct config_generic *all_settings[] = {&names_setting.gen};

struct config_generic **get_guc_variables(void) { return all_settings; }
int			GetNumConfigOptions(void) { return 1; }
#endif

static int	signals = 0;

#define CHECK(condition) CHECK_OR_SAY(condition, "%s", "")

static void
on_hangup(int number)
{
	signals++;
}

static void
server_assign(const char *value, void *extra)
{
}

/* ---- the actors ---- */

#define ONE "ANY 1 (\"n2_i5_t3\", \"n3_i7_t3\")"
#define OTHER "ANY 1 (\"n2_i5_t3\", \"n4_i9_t3\")"

/* One process reads a file that has the two settings in this order. */
static void
read_in_order(int generation, char *names, bool generation_first)
{
	if (generation_first)
		pgr_sync_assign_generation(generation, NULL);
	if (generation_first)
		pgr_sync_generation = generation;
	assign_names(names, NULL);
	SyncRepStandbyNames = names;
	if (!generation_first)
		pgr_sync_assign_generation(generation, NULL);
	pgr_sync_generation = generation;
}

static void
postmaster_reads(int generation, char *names)
{
	IsUnderPostmaster = false;
	read_in_order(generation, names, false);
}

static void
checkpointer_reads(int generation, char *names)
{
	IsUnderPostmaster = true;
	MyBackendType = B_CHECKPOINTER;
	read_in_order(generation, names, false);
}

static void
walsender_enters(int number, const char *name, int generation, char *names)
{
	IsUnderPostmaster = true;
	MyBackendType = B_WAL_SENDER;
	MyProcPid = 100 + number;
	mine = NULL;
	pgr_sync_generation = generation;
	SyncRepStandbyNames = names;
	pgr_sync_enter(name);
}

static void
walsender_is(int number, WalSndState state, int priority)
{
	WalSnd	   *sender = &WalSndCtl->walsnds[number];

	sender->pid = 100 + number;
	sender->state = state;
	sender->sync_standby_priority = priority;
}

static void
walsender_reads(int number, int generation, char *names)
{
	IsUnderPostmaster = true;
	MyBackendType = B_WAL_SENDER;
	mine = pgr_sync_reader_of(100 + number);
	read_in_order(generation, names, false);
}

static void
walsender_leaves(int number)
{
	WalSndCtl->walsnds[number].pid = 0;
	mine = pgr_sync_reader_of(100 + number);
	leave_place(0, (Datum) 0);
}

static void
assistant_wrote(int generation)
{
	PgrSyncShared *sync = &pgr_shared->sync;

	sync->written = sync->asked;
	sync->generation = generation;
	sync->written_ms = pgr_now_ms();
}

static const char *
observed(void)
{
	static char text[PGR_SYNC_TEXT_SIZE];

	IsUnderPostmaster = true;
	MyBackendType = B_BG_WORKER;
	pgr_sync_observe(text, sizeof(text));
	return text;
}

#define IS_UNKNOWN() (strcmp(observed(), PGR_SYNC_UNKNOWN) == 0)
#define IS_IN_FORCE(text) (strcmp(observed(), text) == 0)

static void
server_starts(void)
{
	IsUnderPostmaster = false;
	mine = NULL;
	SyncRepStandbyNames = "";
	pgr_sync_generation = 0;
	in_recovery = false;
	memset(WalSndCtl, 0, sizeof(WalSndCtlData) + max_wal_senders * sizeof(WalSnd));
	for (int i = 0; i < max_wal_senders; i++)
		SpinLockInit(&WalSndCtl->walsnds[i].mutex);
	memset(pgr_shared, 0, sizeof(PgrShared));
	names_setting.gen.name = "synchronous_standby_names";
	names_setting.gen.vartype = PGC_STRING;
	names_setting.assign_hook = server_assign;
	previous_shmem_startup = shmem_startup_hook = NULL;
	pgr_sync_init();
	shmem_startup();
	signals = 0;
}

/* A server on which ONE is in force as generation 1. */
static void
server_with_one(void)
{
	server_starts();
	pgr_sync_want(ONE);
	assistant_wrote(1);
	for (int i = 0; i < 2; i++)
	{
		postmaster_reads(1, ONE);
		checkpointer_reads(1, ONE);
	}
}

/* ---- the tests ---- */

static void
test_first_change(void)
{
	server_starts();
	CHECK(IS_UNKNOWN());
	pgr_sync_want(ONE);
	CHECK(IS_UNKNOWN());
	assistant_wrote(1);
	CHECK(IS_UNKNOWN());
	CHECK(signals == 0);

	postmaster_reads(1, ONE);
	CHECK(IS_UNKNOWN());
	CHECK(signals == 0);
	checkpointer_reads(1, ONE);
	CHECK(IS_UNKNOWN());
	CHECK(signals == 1);		/* the second reading is asked for, once */
	CHECK(IS_UNKNOWN());
	CHECK(signals == 1);

	postmaster_reads(1, ONE);
	CHECK(IS_UNKNOWN());		/* the checkpointer may not have acted on the first */
	checkpointer_reads(1, ONE);
	CHECK(IS_IN_FORCE(ONE));
}

static void
test_postmaster_may_not_have_signalled(void)
{
	server_with_one();
	pgr_sync_want(OTHER);
	CHECK(IS_UNKNOWN());
	assistant_wrote(2);
	postmaster_reads(2, OTHER);
	CHECK(IS_UNKNOWN());
	postmaster_reads(2, OTHER);
	CHECK(IS_IN_FORCE(OTHER));	/* that commits wait at all was known */
}

static void
test_waiting_begins_and_ends_with_the_checkpointer(void)
{
	server_with_one();
	CHECK(IS_IN_FORCE(ONE));
	pgr_sync_want("");
	assistant_wrote(2);
	postmaster_reads(2, "");
	postmaster_reads(2, "");
	CHECK(IS_UNKNOWN());

	/* never seen to be in force, and back again */
	pgr_sync_want(ONE);
	assistant_wrote(3);
	postmaster_reads(3, ONE);
	postmaster_reads(3, ONE);
	CHECK(IS_UNKNOWN());
	checkpointer_reads(3, ONE);
	CHECK(IS_UNKNOWN());
	checkpointer_reads(3, ONE);
	CHECK(IS_IN_FORCE(ONE));
}

static void
test_walsenders(void)
{
	server_with_one();
	walsender_enters(0, "n2_i5_t3", 1, ONE);
	walsender_is(0, WALSNDSTATE_STARTUP, 0);
	CHECK(IS_IN_FORCE(ONE));
	walsender_is(0, WALSNDSTATE_CATCHUP, 0);
	CHECK(IS_IN_FORCE(ONE));
	walsender_is(0, WALSNDSTATE_STREAMING, 0);
	CHECK(IS_UNKNOWN());		/* in the list, and nobody counts it */
	in_recovery = true;
	CHECK(IS_IN_FORCE(ONE));	/* on a standby nobody is counted */
	in_recovery = false;
	walsender_is(0, WALSNDSTATE_STREAMING, 1);
	CHECK(IS_IN_FORCE(ONE));

	/* a stranger, such as a backup, counts for nobody and need not read */
	walsender_enters(1, "pg_receivewal", 0, "");
	walsender_is(1, WALSNDSTATE_STREAMING, 0);
	CHECK(IS_IN_FORCE(ONE));

	walsender_enters(2, "n3_i7_t3", 1, ONE);
	walsender_is(2, WALSNDSTATE_STREAMING, 1);
	CHECK(IS_IN_FORCE(ONE));

	pgr_sync_want(OTHER);
	assistant_wrote(2);
	postmaster_reads(2, OTHER);
	postmaster_reads(2, OTHER);
	CHECK(IS_UNKNOWN());
	walsender_reads(0, 2, OTHER);
	CHECK(IS_UNKNOWN());		/* the one that leaves the list has not read yet */
	walsender_reads(2, 2, OTHER);
	CHECK(IS_UNKNOWN());		/* it has, and others may still count it */
	walsender_is(2, WALSNDSTATE_STREAMING, 0);
	CHECK(IS_IN_FORCE(OTHER));
}

static void
test_a_place_is_used_again(void)
{
	server_with_one();
	walsender_enters(0, "n2_i5_t3", 1, ONE);
	walsender_is(0, WALSNDSTATE_STREAMING, 1);
	walsender_leaves(0);
	CHECK(pg_atomic_read_u64(&readers[0].stamp) == 0);
	CHECK(IS_IN_FORCE(ONE));

	/* forked before the file was read, with the same pid */
	walsender_enters(0, "n2_i5_t3", 0, "");
	walsender_is(0, WALSNDSTATE_STREAMING, 1);
	CHECK(IS_UNKNOWN());
	walsender_reads(0, 1, ONE);
	CHECK(IS_IN_FORCE(ONE));

	/* more walsenders than places cannot be; one without a place is a no */
	for (int i = 1; i < max_wal_senders; i++)
		walsender_enters(i, "n3_i7_t3", 1, ONE);
	walsender_leaves(0);
	walsender_enters(3, "somebody", 1, ONE);
	walsender_is(0, WALSNDSTATE_STREAMING, 1);
	CHECK(IS_UNKNOWN());
}

static void
test_another_hand(void)
{
	server_with_one();
	CHECK(IS_IN_FORCE(ONE));
	/* ALTER SYSTEM puts its own behind ours */
	IsUnderPostmaster = false;
	read_in_order(1, "", true);
	checkpointer_reads(1, "");
	CHECK(IS_UNKNOWN());
	for (int i = 0; i < 3; i++)
		postmaster_reads(1, ONE);
	CHECK(IS_UNKNOWN());		/* the checkpointer has acted on theirs */
	checkpointer_reads(1, ONE);
	CHECK(IS_UNKNOWN());
	checkpointer_reads(1, ONE);
	CHECK(IS_IN_FORCE(ONE));
}

static void
test_starts(void)
{
	/* never ours and none wanted: an operator's own stays */
	server_starts();
	SyncRepStandbyNames = "by hand";
	pgr_sync_want("");
	CHECK(IS_IN_FORCE(""));
	CHECK(pgr_shared->sync.asked == pgr_shared->sync.written);
	pgr_sync_want(ONE);
	CHECK(pgr_shared->sync.asked != pgr_shared->sync.written);
	CHECK(IS_UNKNOWN());

	/* in the file already: read again, not written again */
	server_starts();
	SyncRepStandbyNames = ONE;
	pgr_sync_generation = 6;
	pgr_sync_want(ONE);
	CHECK(pgr_shared->sync.asked == pgr_shared->sync.written);
	CHECK(IS_UNKNOWN());
	CHECK(signals == 1);
	for (int i = 0; i < 2; i++)
	{
		postmaster_reads(6, ONE);
		checkpointer_reads(6, ONE);
	}
	CHECK(IS_IN_FORCE(ONE));

	/* the postmaster goes on, all others are new */
	IsUnderPostmaster = false;
	shmem_startup();
	CHECK(IS_UNKNOWN());
	pgr_sync_want(ONE);
	CHECK(IS_UNKNOWN());
	checkpointer_reads(6, ONE);
	checkpointer_reads(6, ONE);
	CHECK(IS_UNKNOWN());
	postmaster_reads(6, ONE);
	CHECK(IS_UNKNOWN());
	postmaster_reads(6, ONE);
	CHECK(IS_IN_FORCE(ONE));
}

static void
test_lists(void)
{
	CHECK(pgr_sync_lists(ONE, "n2_i5_t3"));
	CHECK(pgr_sync_lists(ONE, "n3_i7_t3"));
	CHECK(pgr_sync_lists(ONE, "N3_i7_t3"));		/* Postgres compares so */
	CHECK(!pgr_sync_lists(ONE, "n3_i7_t"));
	CHECK(!pgr_sync_lists(ONE, "n3_i7_t33"));
	CHECK(!pgr_sync_lists(ONE, "ANY"));
	CHECK(!pgr_sync_lists(ONE, "1"));
	CHECK(!pgr_sync_lists(ONE, ""));
	CHECK(!pgr_sync_lists("", "n2_i5_t3"));
	CHECK(pgr_sync_lists("ANY 2 (a,b , c)", "c"));
	CHECK(!pgr_sync_lists("ANY 2 ()", "c"));
}

static void
test_standbys(void)
{
	char		why[128];

	/* nodes, is this one a witness, standbys, wrong */
	static const int cases[][4] = {
		{3, 0, 0, 0}, {3, 0, 1, 0}, {3, 0, 2, 0}, {3, 0, 3, 1},
		{3, 1, 1, 0}, {3, 1, 2, 1},
		{5, 0, 0, 0}, {5, 0, 1, 1}, {5, 0, 2, 0}, {5, 0, 4, 0}, {5, 0, 5, 1}, {5, 1, 4, 1},
		{4, 0, 1, 0}, {7, 0, 2, 1}, {7, 0, 3, 0}, {0, 0, 3, 0}
	};

	for (int i = 0; i < lengthof(cases); i++)
		CHECK(pgr_sync_standbys_are_wrong(cases[i][0], cases[i][1] != 0, cases[i][2],
										  why, sizeof(why)) == (cases[i][3] != 0));
}

int
main(void)
{
	signal(SIGHUP, on_hangup);
	PostmasterPid = getpid();
	WalSndCtl = calloc(1, sizeof(WalSndCtlData) + max_wal_senders * sizeof(WalSnd));
	pgr_shared = calloc(1, sizeof(PgrShared));

	test_first_change();
	test_postmaster_may_not_have_signalled();
	test_waiting_begins_and_ends_with_the_checkpointer();
	test_walsenders();
	test_a_place_is_used_again();
	test_another_hand();
	test_starts();
	test_lists();
	test_standbys();
	return verdict("sync_test");
}
