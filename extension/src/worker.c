/*
 * worker.c
 *		The two processes that run the voting loop: the node worker, and the
 *		child that keeps this node's vote alive while Postgres is down.
 */
#include "postgres.h"

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "compat.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "utils/guc.h"

#include "config.h"
#include "core.h"
#include "fence.h"
#include "guard.h"
#include "loop.h"
#include "restart.h"
#include "shared.h"
#include "worker.h"

/* Failures after a longer life have nothing to do with each other. */
#define QUICK_FAILURE_MS 10000
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 30000
#define FAREWELL_MAX_S 1

int			pgr_wake_fd = -1;

static volatile sig_atomic_t leave = false;
static volatile sig_atomic_t reload = false;
static volatile sig_atomic_t crashed = false;
static pid_t parent = 0;

void
pgr_wake(void)
{
	const uint64 one = 1;
	int			saved = errno;

	/* A counter that is full has woken the loop already. */
	if (write(pgr_wake_fd, &one, sizeof(one)) < 0)
		(void) 0;
	errno = saved;
}

void
pgr_worker_wake(void)
{
	if (pgr_wake_fd >= 0)
		pgr_wake();
}

void
pgr_worker_init(void)
{
	PgrWorkerShared *worker = &pgr_shared->worker;

	pg_atomic_init_u32(&worker->pid, 0);
	pg_atomic_init_u64(&worker->heartbeat_ms, 0);
	pg_atomic_init_u32(&worker->storing, 0);
	pg_atomic_init_u32(&worker->leave_now, 0);
	pg_atomic_init_u32(&worker->starts, 0);
	pg_atomic_init_u32(&worker->failures, 0);
	SpinLockInit(&worker->lock);

	/* All children inherit it, so any of them can wake the loop. */
	pgr_wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pgr_wake_fd < 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("pg_replica could not create its wake-up descriptor: %m")));
}

/*
 * pgr_register_worker
 *		The library is named by the path it was loaded from: a plain name is
 *		looked up anew at each start of the worker, and with a library that was
 *		preloaded by its path it would not be found, again and again.
 */
void
pgr_register_worker(const char *name, const char *function, int restart_time)
{
	BackgroundWorker worker;
	Dl_info		library;
	const char *path = "pg_replica";

	if (dladdr((void *) pgr_register_worker, &library) != 0 &&
		library.dli_fname[0] == '/' &&
		strlen(library.dli_fname) < sizeof(worker.bgw_library_name))
		path = library.dli_fname;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_PostmasterStart;
	worker.bgw_restart_time = restart_time;
	strlcpy(worker.bgw_library_name, path, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, name, sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, name, sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}

void
pgr_worker_register(void)
{
	/* At once: a second of silence would cost a healthy primary its place. */
	pgr_register_worker("pg_replica node", "pgr_node_worker_main", 0);
	pgr_register_worker("pg_replica watchdog", "pgr_watchdog_main", 1);
}

void
pgr_finding_set(PgrFinding which, const char *text)
{
	PgrWorkerShared *worker = &pgr_shared->worker;

	SpinLockAcquire(&worker->lock);
	strlcpy(worker->finding[which], text, PGR_FINDING_SIZE);
	SpinLockRelease(&worker->lock);
}

void
pgr_finding_get(PgrFinding which, char *text, size_t size)
{
	PgrWorkerShared *worker = &pgr_shared->worker;

	SpinLockAcquire(&worker->lock);
	strlcpy(text, worker->finding[which], size);
	SpinLockRelease(&worker->lock);
}

/*
 * SIGTERM.  The watchdog's means that the loop does not turn any more, so
 * nobody would look at a flag: leave from here, in order, as Postgres's own
 * background workers do by default.
 */
static void
on_terminate(SIGNAL_ARGS)
{
	int			saved = errno;

	if (parent == 0 && pg_atomic_read_u32(&pgr_shared->worker.leave_now) != 0)
	{
		pgr_box_abandon();
		proc_exit(1);
	}
	leave = true;
	pgr_wake();
	errno = saved;
}

static void
on_hangup(SIGNAL_ARGS)
{
	reload = true;
	pgr_wake();
}

/*
 * SIGQUIT.  When another process of this server crashed, the others are told
 * before this one leaves, so that they wait for what only this server may have
 * (P4).  The postmaster must not wait for a loop that does not turn any more,
 * perhaps because the process that crashed held a lock.
 */
static void
on_quit(SIGNAL_ARGS)
{
	if (crashed || GetQuitSignalReason() != PMQUIT_FOR_CRASH)
		_exit(2);
	crashed = true;
	signal(SIGALRM, SIG_DFL);
	alarm(FAREWELL_MAX_S);
	pgr_wake();
}

static void
read_settings(void *argument)
{
	ProcessConfigFile(PGC_SIGHUP);
}

static bool
worker_goes_on(void)
{
	if (crashed)
	{
		pgr_loop_say_crashed();
		_exit(2);
	}
	CHECK_FOR_INTERRUPTS();
	if (reload)
	{
		char		error[256];

		reload = false;
		if (!pgr_guarded(read_settings, NULL, error, sizeof(error)))
			ereport(LOG, (errmsg("pg_replica could not read the settings again: %s", error)));
	}
	if (!leave)
		return true;

	/*
	 * During a restart that we asked for, the node goes on voting until all
	 * others have left, and sees to it that they do.
	 */
	return pgr_restart_is_under_way() && pgr_restart_watch();
}

/* Waits for so long, or until there is a reason to leave: false. */
static bool
wait_patiently(int64 for_ms)
{
	int64		until = pgr_now_ms() + for_ms;

	while (worker_goes_on())
	{
		struct pollfd fds[2] = {
			{.fd = pgr_wake_fd, .events = POLLIN},
			{.fd = postmaster_alive_fds[POSTMASTER_FD_WATCH], .events = POLLIN}
		};
		int64		now = pgr_now_ms();
		uint64		count;

		if (now >= until)
			return true;
		pgr_loop_heartbeat(now);
		(void) poll(fds, 2, (int) Min(until - now, pgr_config.valid ? 100 : 1000));
		if (fds[0].revents != 0 && read(pgr_wake_fd, &count, sizeof(count)) < 0)
			continue;
		if (fds[1].revents != 0)
			return false;
	}
	return false;
}

/*
 * The first restart after a failure is quick, those that follow it closely
 * less and less.  A worker that was told to leave has not failed.
 */
static int64
back_off(void)
{
	uint32		failures = pg_atomic_read_u32(&pgr_shared->worker.failures);
	int64		pause = BACK_OFF_MIN_MS;

	if (failures <= 1)
		return 0;
	for (uint32 i = 2; i < failures && pause < BACK_OFF_MAX_MS; i++)
		pause *= 2;
	return Min(pause, BACK_OFF_MAX_MS);
}

static void
count_failure(int64 started)
{
	PgrWorkerShared *worker = &pgr_shared->worker;

	if (pgr_now_ms() - started >= QUICK_FAILURE_MS)
		pg_atomic_write_u32(&worker->failures, 0);
	pg_atomic_fetch_add_u32(&worker->failures, 1);
}

static void
on_worker_exit(int code, Datum argument)
{
	pg_atomic_write_u32(&pgr_shared->worker.pid, 0);
}

static void
set_up_signals(void)
{
	pqsignal(SIGTERM, on_terminate);
	pqsignal(SIGHUP, on_hangup);
	pqsignal(SIGQUIT, on_quit);
	BackgroundWorkerUnblockSignals();
}

void
pgr_node_worker_main(Datum argument)
{
	char		problem[640];
	int64		started;

	set_up_signals();
	on_proc_exit(on_worker_exit, (Datum) 0);
	pg_atomic_write_u32(&pgr_shared->worker.leave_now, 0);
	pg_atomic_write_u32(&pgr_shared->worker.storing, 0);
	pg_atomic_write_u64(&pgr_shared->worker.heartbeat_ms, (uint64) pgr_now_ms());
	pg_atomic_write_u32(&pgr_shared->worker.pid, (uint32) MyProcPid);
	pg_atomic_fetch_add_u32(&pgr_shared->worker.starts, 1);

	/* What is wrong is in the log since the server's start, and in check(). */
	while (!pgr_config.valid)
		if (!wait_patiently(60000))
			proc_exit(1);

	if (!wait_patiently(back_off()))
		proc_exit(1);
	started = pgr_now_ms();
	if (!pgr_loop_run(false, worker_goes_on, problem, sizeof(problem)))
	{
		count_failure(started);
		ereport(LOG,
				(errmsg("pg_replica node worker leaves: %s", problem),
				 PostmasterIsAlive() ?
				 errdetail("It starts anew from what is on disk. Without it this node does not vote, and if it is the primary its lease runs out.") : 0));
	}

	/* 0 would mean: never start it again. */
	proc_exit(1);
}

/* ---- the pre-start child ---- */

static void
on_child_terminate(int signal_number)
{
	leave = true;
	pgr_wake();
}

static bool
child_goes_on(void)
{
	return !leave && getppid() == parent;
}

static void
set_up_child_signals(void)
{
	struct sigaction action;
	sigset_t	none;

	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_child_terminate;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
pgr_voter_child_main(void)
{
	char		problem[640];

	parent = getppid();
	MyProcPid = getpid();

	/* What the postmaster wants done at its end is not this child's to do. */
	on_exit_reset();
	set_up_child_signals();

	/* The parent may have died before this was in force: then getppid() tells. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (child_goes_on() && pgr_config.valid &&
		!pgr_loop_run(true, child_goes_on, problem, sizeof(problem)))
	{
		ereport(LOG,
				(errmsg("pg_replica's voter during the work on the data directory leaves: %s", problem)));
		_exit(1);
	}
	_exit(0);
}
