/*
 * tool.c
 *		Runs pg_rewind, pg_basebackup or the server's single-user mode, from the
 *		directory of the running server's own program.
 */
#include "postgres.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"

#include "config.h"
#include "restart.h"
#include "shared.h"
#include "work.h"

#define STALL_LIMIT_MS (10 * 60 * 1000)
#define POLL_MS 200

/*
 * pg_basebackup and pg_rewind end by SIGTERM at once, the single-user server
 * when its recovery comes to an end.  What has not ended by then is stopped, or
 * has much to recover; for the data each of them works on, both ends are alike.
 */
#define TERM_LIMIT_MS 10000
#define ARGUMENTS_MAX 128

PgrRefusal	pgr_source_refusal = PGR_REFUSAL_NONE;

static uint32 order_taken = 0;

bool
pgr_order_is_new(void)
{
	PgrWorkShared *work = &pgr_shared->restart.work;
	uint32		number;

	SpinLockAcquire(&work->mutex);
	number = work->order_number;
	SpinLockRelease(&work->mutex);
	return number != order_taken;
}

void
pgr_order_taken(uint32 number)
{
	order_taken = number;
}

static void
program_path(const char *name, char *path, size_t size)
{
	char	   *slash;

	strlcpy(path, my_exec_path, size);
	slash = strrchr(path, '/');
	if (slash != NULL)
		slash[1] = '\0';
	strlcat(path, name, size);
}

static void
run_program(const PgrTool *tool, int output)
{
	char		path[MAXPGPATH];
	char	   *argv[ARGUMENTS_MAX + 2];
	int			n = 0;
	int			input = open("/dev/null", O_RDONLY);
	sigset_t	none;

	/* The helper's end takes its whole process group along; this is for the rest. */
	(void) prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (int i = 1; i < 32; i++)
		(void) signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void) dup2(input, STDIN_FILENO);
	(void) dup2(output, STDOUT_FILENO);
	(void) dup2(output, STDERR_FILENO);
	/* No server may start here while this program lives. */
	if (pgr_data_lock_fd >= 0)
		(void) fcntl(pgr_data_lock_fd, F_SETFD, 0);
	/* Progress and errors are read by a program. */
	(void) setenv("LC_ALL", "C", 1);
	(void) unsetenv("PGDATA");
	(void) unsetenv("PGAPPNAME");

	program_path(tool->name, path, sizeof(path));
	argv[n++] = path;
	for (int i = 0; tool->arguments[i] != NULL && n <= ARGUMENTS_MAX; i++)
		argv[n++] = tool->arguments[i];
	argv[n] = NULL;
	(void) execv(path, argv);
	dprintf(STDERR_FILENO, "could not execute \"%s\": %s\n", path, strerror(errno));
	_exit(127);
}

/* "  1234/5678 kB (21%) copied", as pg_rewind and pg_basebackup say it. */
static bool
is_progress(const char *line)
{
	PgrWorkShared *work = &pgr_shared->restart.work;
	unsigned long long done,
				total;

	if (sscanf(line, " %llu/%llu kB", &done, &total) != 2)
		return false;
	pg_atomic_write_u64(&work->done_bytes, done * 1024);
	pg_atomic_write_u64(&work->total_bytes, Max(done, total) * 1024);
	return true;
}

static void
take_line(PgrTool *tool, const char *line)
{
	if (line[0] == '\0' || is_progress(line))
		return;
	/* The first line of an error says more than what follows it. */
	if (strstr(tool->last_line, "error: ") == NULL && strstr(tool->last_line, "FATAL: ") == NULL)
		strlcpy(tool->last_line, line, sizeof(tool->last_line));
	if (tool->line != NULL)
		tool->line(line, tool->argument);
	if (!tool->silent)
		ereport(LOG, (errmsg("%s", line)));
}

/* Reads lines until the program closes its output; false: it was ended. */
static bool
read_output(PgrTool *tool, int fd, pid_t pid)
{
	char		line[1024];
	size_t		length = 0;
	int64		heard = pgr_now_ms();

	for (;;)
	{
		struct pollfd poller = {fd, POLLIN, 0};
		char		buffer[1024];
		ssize_t		got;

		if (pgr_order_is_new() || pgr_now_ms() - heard > STALL_LIMIT_MS)
		{
			strlcpy(tool->last_line, pgr_order_is_new() ? "ended for a newer order" :
					"ended because nothing was heard of it for 10 minutes",
					sizeof(tool->last_line));
			(void) kill(pid, SIGTERM);
			return false;
		}
		if (poll(&poller, 1, POLL_MS) <= 0)
			continue;
		got = read(fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		heard = pgr_now_ms();
		for (ssize_t i = 0; i < got; i++)
		{
			if (buffer[i] != '\n' && buffer[i] != '\r')
			{
				if (length < sizeof(line) - 1)
					line[length++] = buffer[i];
				continue;
			}
			line[length] = '\0';
			take_line(tool, line);
			length = 0;
		}
	}
	line[length] = '\0';
	take_line(tool, line);
	return true;
}

/* Its status; "asked": it was told to end, and is made to if it does not. */
static int
wait_for_end(const PgrTool *tool, pid_t pid, bool asked)
{
	int64		since = pgr_now_ms();
	int			status = 0;
	pid_t		ended;

	while ((ended = waitpid(pid, &status, asked ? WNOHANG : 0)) <= 0)
	{
		if (ended < 0 && errno != EINTR)
			break;
		if (asked && pgr_now_ms() - since > TERM_LIMIT_MS)
		{
			ereport(LOG, (errmsg("pg_replica kills %s, which did not end within %d s when it was told to",
								 tool->name, TERM_LIMIT_MS / 1000)));
			(void) kill(pid, SIGKILL);
			asked = false;
		}
		else if (asked)
			(void) poll(NULL, 0, POLL_MS);
	}
	return status;
}

/*
 * A wrong password or certificate is neither: it is for the operator to mend,
 * and no other source would take it, nor this one later.
 */
static PgrRefusal
refusal(const char *line)
{
	static const struct
	{
		const char *text;
		PgrRefusal	means;
	}			phrases[] = {
		{"does not admit replication connection", PGR_REFUSAL_LOST},
		{"the database system is", PGR_REFUSAL_LOST},
		{"Connection refused", PGR_REFUSAL_LOST},
		{"timeout expired", PGR_REFUSAL_LOST},
		{"Connection timed out", PGR_REFUSAL_LOST},
		{"Connection reset", PGR_REFUSAL_LOST},
		{"No route to host", PGR_REFUSAL_LOST},
		{"Network is unreachable", PGR_REFUSAL_LOST},
		{"closed the connection unexpectedly", PGR_REFUSAL_LOST},
		{"too many c", PGR_REFUSAL_FULL},	/* clients, connections for a role or a database */
		{"remaining connection slots are reserved", PGR_REFUSAL_FULL},
		/* 17 puts max_wal_senders into quotes */
		{"number of requested standby connections exceeds", PGR_REFUSAL_FULL}
	};

	if (strstr(line, "connection to server") == NULL)
		return PGR_REFUSAL_NONE;
	for (size_t i = 0; i < lengthof(phrases); i++)
		if (strstr(line, phrases[i].text) != NULL)
			return phrases[i].means;
	return PGR_REFUSAL_NONE;
}

bool
pgr_tool_run(PgrTool *tool)
{
	int			pipes[2];
	pid_t		pid;
	int			status;
	bool		heard_out;

	tool->last_line[0] = '\0';
	pgr_source_refusal = PGR_REFUSAL_NONE;
	if (pipe2(pipes, O_CLOEXEC) != 0)
	{
		snprintf(tool->last_line, sizeof(tool->last_line), "could not make a pipe: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_program(tool, pipes[1]);
	close(pipes[1]);
	if (pid < 0)
	{
		snprintf(tool->last_line, sizeof(tool->last_line), "could not fork: %s", strerror(errno));
		close(pipes[0]);
		return false;
	}
	heard_out = read_output(tool, pipes[0], pid);
	close(pipes[0]);
	status = wait_for_end(tool, pid, !heard_out);
	if (heard_out && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	pgr_source_refusal = refusal(tool->last_line);
	return false;
}
