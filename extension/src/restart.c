/*
 * restart.c
 *		Restart in place.
 *
 * The callback runs in the postmaster's proc_exit(), when all children are
 * gone, shared memory is detached and the sockets are closed, but
 * postmaster.pid is still there: neither pg_ctl nor a second postmaster ever
 * sees the server as "not running".
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/guc.h"

#include "config.h"
#include "restart.h"
#include "shared.h"

#define ARGUMENTS_MAX (1024 * 1024)
#define FAST_LIMIT_MS 10000
#define CRASH_VARIABLE "PG_REPLICA_FAILED_STARTS"
#define FAILED_STARTS_MAX 3

static char **saved_argv = NULL;	/* with the additions of this start */
static char **saved_environ = NULL; /* n_environ entries, and room for two more */
static int	n_environ = 0;
static int	failed_starts = 0;	/* in a row, before this one */
static int	saved_stdout = -1;
static int	saved_stderr = -1;
static char *notify_socket = NULL;
static pid_t postmaster_pid = 0;
static volatile pid_t stop_sender = 0;
static struct sigaction old_term,
			old_int,
			old_quit;

/* A file of /proc with strings that end in zero bytes, as an array. */
static char **
read_strings(const char *path, int spare, int *count)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	char	   *text = malloc(ARGUMENTS_MAX + 1);
	size_t		length = 0;
	char	  **strings;
	int			n = 0;

	if (fd < 0 || text == NULL)
		return NULL;
	for (;;)
	{
		ssize_t		got = read(fd, text + length, ARGUMENTS_MAX - length);

		if (got <= 0)
			break;
		length += got;
	}
	close(fd);
	text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		n += text[i] == '\0';
	strings = malloc((n + spare + 1) * sizeof(char *));
	if (strings == NULL)
		return NULL;
	*count = 0;
	for (char *at = text; at < text + length; at += strlen(at) + 1)
		strings[(*count)++] = at;
	strings[*count] = NULL;
	return strings;
}

/* The value of the last "-D", or NULL. */
static const char *
data_directory_option(char **argv)
{
	const char *directory = NULL;

	for (int i = 1; argv[i] != NULL; i++)
	{
		const char *argument = argv[i];

		if (argument[0] != '-' || argument[1] == '-' || argument[1] == '\0')
			continue;
		if (argument[1] == 'D')
			directory = argument[2] != '\0' ? argument + 2 : argv[i + 1];
		/* the value of an option is not an option */
		if (strchr("BcCdDfhkNprSvWt", argument[1]) != NULL && argument[2] == '\0' &&
			argv[i + 1] != NULL)
			i++;
	}
	return directory;
}

/*
 * The working directory in which the server was started is lost, so a
 * relative data directory is followed by the absolute one; the last one
 * counts.  A second restart finds an absolute one.
 */
static void
save_arguments(void)
{
	int			count = 0;
	const char *directory;

	saved_argv = read_strings("/proc/self/cmdline", 4, &count);
	if (saved_argv == NULL || count == 0)
		ereport(FATAL,
				(errmsg("pg_replica could not read \"/proc/self/cmdline\": %m"),
				 errdetail("It is needed to restart the server in place.")));
	directory = data_directory_option(saved_argv);
	if (directory == NULL)
		directory = getenv("PGDATA");
	if (directory == NULL || is_absolute_path(directory))
		return;
	saved_argv[count++] = "-D";
	saved_argv[count++] = strdup(DataDir);
	saved_argv[count++] = "-c";
	saved_argv[count] = malloc(strlen(ConfigFileName) + 16);
	sprintf(saved_argv[count++], "config_file=%s", ConfigFileName);
	saved_argv[count] = NULL;
}

/* Postgres has changed its own environment by now: the locale is in it. */
static void
save_environment(void)
{
	int			count = 0;
	int			kept = 0;

	const char *failed = getenv(CRASH_VARIABLE);

	failed_starts = failed != NULL ? atoi(failed) : 0;
	saved_environ = read_strings("/proc/self/environ", 2, &count);
	if (saved_environ == NULL)
	{
		saved_environ = malloc(3 * sizeof(char *));
		count = 0;
	}
	for (int i = 0; i < count; i++)
		if (strncmp(saved_environ[i], PGR_LOCK_VARIABLE "=", strlen(PGR_LOCK_VARIABLE) + 1) != 0 &&
			strncmp(saved_environ[i], CRASH_VARIABLE "=", strlen(CRASH_VARIABLE) + 1) != 0)
			saved_environ[kept++] = saved_environ[i];
	n_environ = kept;
	saved_environ[kept] = NULL;
}

/* For the next image: which descriptor is the lock, and how starts went. */
static void
add_to_environment(void)
{
	static char lock[128],
				crashes[64];
	struct stat status;
	int			n = n_environ;

	if (pgr_data_lock_fd >= 0 && fstat(pgr_data_lock_fd, &status) == 0)
	{
		snprintf(lock, sizeof(lock), PGR_LOCK_VARIABLE "=%d:%llu:%llu", pgr_data_lock_fd,
				 (unsigned long long) status.st_dev, (unsigned long long) status.st_ino);
		(void) fcntl(pgr_data_lock_fd, F_SETFD, 0);
		saved_environ[n++] = lock;
	}
	if (failed_starts > 0)
	{
		snprintf(crashes, sizeof(crashes), CRASH_VARIABLE "=%d", failed_starts);
		saved_environ[n++] = crashes;
	}
	saved_environ[n] = NULL;
}

static void
on_operator_stop(int signal_number, siginfo_t *info, void *context)
{
	struct sigaction *old = signal_number == SIGTERM ? &old_term :
		signal_number == SIGINT ? &old_int : &old_quit;

	if (getpid() == postmaster_pid)
	{
		pg_atomic_write_u32(&pgr_shared->restart.operator_stop, signal_number);
		stop_sender = info->si_pid;
		if (signal_number == SIGINT)
			(void) alarm(FAST_LIMIT_MS / 1000);
	}
	if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
		old->sa_handler(signal_number);
}

/* systemd shall not take our restart for the end of the service. */
static void
hide_from_systemd(void)
{
	if (notify_socket != NULL && notify_socket[0] != '\0')
		notify_socket[0] = '!';
}

static void
shut_down(PgrRestartMode mode)
{
	pg_atomic_write_u32(&pgr_shared->restart.accepted, mode);
	hide_from_systemd();
	if (mode == PGR_RESTART_FAST)
	{
		(void) alarm(FAST_LIMIT_MS / 1000);
		old_int.sa_handler(SIGINT);
	}
	else
		old_quit.sa_handler(SIGQUIT);
}

/*
 * SIGUSR2 is unused in the postmaster.  A signal of our own cannot be merged
 * with an operator's.
 */
static void
on_restart_request(int signal_number, siginfo_t *info, void *context)
{
	PgrRestartShared *restart = &pgr_shared->restart;
	int			saved = errno;

	if (getpid() == postmaster_pid &&
		(uint32) info->si_pid == pg_atomic_read_u32(&restart->requester_pid) &&
		pg_atomic_read_u32(&restart->mode) != PGR_RESTART_NONE)
		shut_down(pg_atomic_read_u32(&restart->mode));
	errno = saved;
}

/*
 * A fast shutdown waits for ever for a process that is stopped or stuck.  An
 * operator's does so by his will, except for commits that no standby confirms:
 * those would have been made visible to let it go on.
 */
static void
on_fast_limit(int signal_number, siginfo_t *info, void *context)
{
	PgrRestartShared *restart = &pgr_shared->restart;
	int			saved = errno;

	if (getpid() == postmaster_pid && pgr_restart_is_under_way())
	{
		pg_atomic_write_u32(&restart->mode, PGR_RESTART_IMMEDIATE);
		shut_down(PGR_RESTART_IMMEDIATE);
	}
	else if (getpid() == postmaster_pid && pgr_commits_wait() &&
			 pg_atomic_read_u32(&restart->operator_stop) == SIGINT)
		old_quit.sa_handler(SIGQUIT);
	errno = saved;
}

static void
install(int signal_number, void (*handler) (int, siginfo_t *, void *), struct sigaction *old)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	/* Before 16 the postmaster works inside its handlers: none interrupts another. */
	action.sa_mask = BlockSig;
	action.sa_flags = SA_SIGINFO;
	if (sigaction(signal_number, &action, old) != 0)
		ereport(FATAL, (errmsg("pg_replica could not handle signal %d: %m", signal_number)));
}

/*
 * With restart_after_crash Postgres would recover inside the postmaster, and
 * starts no background worker before that has ended: a node that recovers
 * for a minute would be without a vote for a minute.  So that setting is off,
 * the postmaster exits with status 1, and this is a start like any other.
 *
 * A start that fails again and again is given up, as Postgres does it.
 */
static bool
has_crashed(int code)
{
	PgrRestartShared *restart = &pgr_shared->restart;

	if (code != 1 || pg_atomic_read_u32(&restart->operator_stop) != 0 ||
		!pg_atomic_read_u32(&restart->began))
		return false;
	failed_starts = pg_atomic_read_u32(&restart->was_ready) != 0 ? 0 : failed_starts + 1;
	return failed_starts < FAILED_STARTS_MAX;
}

static void
restart_at_exit(int code, Datum argument)
{
	sigset_t	stops;
	bool		crashed;

	if (getpid() != postmaster_pid)
		return;
	crashed = has_crashed(code);
	if (!crashed && pg_atomic_read_u32(&pgr_shared->restart.mode) == PGR_RESTART_NONE)
		return;
	/*
	 * What arrives before this is seen in operator_stop; what arrives later
	 * stays pending and is served by the new image.
	 */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGQUIT);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	if (pg_atomic_read_u32(&pgr_shared->restart.operator_stop) != 0)
	{
		ereport(LOG,
				(errmsg("pg_replica leaves the server stopped: process %d sent signal %u",
						(int) stop_sender, pg_atomic_read_u32(&pgr_shared->restart.operator_stop))));
		return;
	}
	if (crashed)
		ereport(LOG, (errmsg("pg_replica starts the server again after a crash")));
	else
		failed_starts = 0;
	pgr_restart_exec();
}

void
pgr_restart_note_ready(void)
{
	pg_atomic_write_u32(&pgr_shared->restart.was_ready, 1);
}

/* Shared memory is there: what fails from now on is not the configuration. */
void
pgr_restart_note_began(void)
{
	pg_atomic_write_u32(&pgr_shared->restart.began, 1);
}

void
pgr_restart_init(void)
{
	PgrRestartShared *restart = &pgr_shared->restart;

	pg_atomic_init_u32(&restart->mode, PGR_RESTART_NONE);
	pg_atomic_init_u32(&restart->requester_pid, 0);
	pg_atomic_init_u32(&restart->accepted, 0);
	pg_atomic_init_u32(&restart->operator_stop, 0);
	pg_atomic_init_u64(&restart->requested_ms, 0);
	pg_atomic_init_u32(&restart->was_ready, 0);
	pg_atomic_init_u32(&restart->began, 0);
	pgr_work_shared_init(&restart->work);
	SetConfigOption("restart_after_crash", "off", PGC_POSTMASTER, PGC_S_ARGV);

	postmaster_pid = getpid();
	save_arguments();
	save_environment();
	notify_socket = getenv("NOTIFY_SOCKET");

	/* The logging collector takes these two over later. */
	saved_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	install(SIGTERM, on_operator_stop, &old_term);
	install(SIGINT, on_operator_stop, &old_int);
	install(SIGQUIT, on_operator_stop, &old_quit);
	install(SIGUSR2, on_restart_request, NULL);
	install(SIGALRM, on_fast_limit, NULL);
	on_proc_exit(restart_at_exit, 0);
}

static void
close_descriptors(void)
{
	int			kept = pgr_data_lock_fd;

#ifdef SYS_close_range
	if (kept < 0 && syscall(SYS_close_range, 3, ~0U, 0) == 0)
		return;
	if (kept > 2 && (kept == 3 || syscall(SYS_close_range, 3, kept - 1, 0) == 0) &&
		syscall(SYS_close_range, kept + 1, ~0U, 0) == 0)
		return;
#endif
	for (int fd = 3; fd < 65536; fd++)
		if (fd != kept)
			close(fd);
}

void
pgr_restart_exec(void)
{
	sigset_t	kept;
	static const char failure[] = "pg_replica could not re-execute the server: the server stops\n";

	(void) alarm(0);
	add_to_environment();
	if (saved_stdout >= 0)
		(void) dup2(saved_stdout, STDOUT_FILENO);
	if (saved_stderr >= 0)
		(void) dup2(saved_stderr, STDERR_FILENO);
	close_descriptors();

	/*
	 * First no signal can arrive, then none has a handler any more: before 16
	 * a SIGCHLD that is still pending would enter the postmaster's state
	 * machine once more, which would end the process in earnest.
	 */
	sigfillset(&kept);
	sigprocmask(SIG_SETMASK, &kept, NULL);
	for (int i = 1; i < 32; i++)
		(void) signal(i, SIG_DFL);

	/* These stay pending until the new image can serve them. */
	sigemptyset(&kept);
	sigaddset(&kept, SIGTERM);
	sigaddset(&kept, SIGINT);
	sigaddset(&kept, SIGQUIT);
	sigaddset(&kept, SIGHUP);
	sigaddset(&kept, SIGUSR1);
	sigaddset(&kept, SIGUSR2);
	sigaddset(&kept, SIGALRM);
	sigprocmask(SIG_SETMASK, &kept, NULL);

	(void) execve(my_exec_path, saved_argv, saved_environ);
	(void) !write(STDERR_FILENO, failure, sizeof(failure) - 1);
}

bool
pgr_restart_request(PgrRestartMode mode)
{
	PgrRestartShared *restart = &pgr_shared->restart;

	/* There the server is down already: the work begins with a new order. */
	if (pgr_in_prestart)
		return true;
	if (pg_atomic_read_u32(&restart->operator_stop) != 0)
		return false;
	pg_atomic_write_u32(&restart->requester_pid, MyProcPid);
	if (mode > pg_atomic_read_u32(&restart->mode))
	{
		pg_atomic_write_u64(&restart->requested_ms, pgr_now_ms());
		pg_atomic_write_u32(&restart->mode, mode);
	}
	pg_memory_barrier();
	return kill(PostmasterPid, SIGUSR2) == 0;
}

bool
pgr_restart_is_under_way(void)
{
	return pg_atomic_read_u32(&pgr_shared->restart.mode) != PGR_RESTART_NONE &&
		pg_atomic_read_u32(&pgr_shared->restart.operator_stop) == 0;
}

bool
pgr_server_is_stopping(void)
{
	uint32		stop = pg_atomic_read_u32(&pgr_shared->restart.operator_stop);

	/* SIGTERM lets the clients go on for as long as they like. */
	return stop == SIGINT || stop == SIGQUIT ||
		pg_atomic_read_u32(&pgr_shared->restart.accepted) != 0;
}

/*
 * Sessions of clients, and whoever else works in a database.  Before 17 an
 * entry that nobody uses any more still shows its last process, so only those
 * in the proc array count.
 */
static bool
sessions_remain(void)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];

		if (proc->pid != 0 && proc->pid != MyProcPid && proc->databaseId != InvalidOid &&
			BackendPidGetProc(proc->pid) == proc)
			return true;
	}
	return false;
}

bool
pgr_restart_watch(void)
{
	PgrRestartShared *restart = &pgr_shared->restart;

	if (!pgr_restart_is_under_way() ||
		pg_atomic_read_u32(&restart->mode) == PGR_RESTART_IMMEDIATE)
		return false;
	if (pgr_now_ms() - (int64) pg_atomic_read_u64(&restart->requested_ms) > FAST_LIMIT_MS)
	{
		(void) pgr_restart_request(PGR_RESTART_IMMEDIATE);
		return false;
	}
	return sessions_remain();
}
