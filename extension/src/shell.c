/*
 * shell.c
 *		A shell command that the assistant runs beside its other work.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"

#include "assistant.h"
#include "child.h"
#include "config.h"
#include "shell.h"

static void
name_this_server(void)
{
	char		port[16];
	char		directory[MAXPGPATH];

	snprintf(port, sizeof(port), "%d", PostPortNumber);
	(void) setenv("PGPORT", port, 1);
	if (pgr_first_of(Unix_socket_directories, directory, sizeof(directory)))
		(void) setenv("PGHOST", directory, 1);
}

static void
become(const char *command, pid_t parent)
{
	int			null = open("/dev/null", O_RDWR);

	(void) setpgid(0, 0);
	pgr_child_begins(parent, SIGKILL);
	(void) dup2(null, STDIN_FILENO);
	(void) dup2(null, STDOUT_FILENO);
	(void) execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void
kill_at_exit(int code, Datum shell)
{
	pgr_shell_kill((PgrShell *) DatumGetPointer(shell));
}

bool
pgr_shell_begin(PgrShell *shell, const char *command, bool as_client)
{
	pid_t		parent = MyProcPid;

	if (!shell->kills_at_exit)
		before_shmem_exit(kill_at_exit, PointerGetDatum(shell));
	shell->kills_at_exit = true;
	shell->killed = false;
	shell->begun_ms = pgr_now_ms();
	fflush(NULL);
	shell->pid = fork();
	if (shell->pid == 0)
	{
		if (as_client)
			name_this_server();
		become(command, parent);
	}
	if (shell->pid < 0)
	{
		shell->pid = 0;
		ereport(LOG, (errmsg("pg_replica could not fork for the command \"%s\": %m", command)));
		return false;
	}
	(void) setpgid(shell->pid, shell->pid);
	return true;
}

bool
pgr_shell_has_ended(PgrShell *shell, int *status)
{
	if (shell->pid == 0 || waitpid(shell->pid, status, WNOHANG) != shell->pid)
		return false;
	shell->pid = 0;
	return true;
}

/* Not waited for: a process that waits for a disk does not end. */
void
pgr_shell_kill(PgrShell *shell)
{
	if (shell->pid == 0)
		return;
	(void) kill(-shell->pid, SIGKILL);
	shell->killed = true;
}

void
pgr_shell_failure(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "it was ended by signal %d", WTERMSIG(status));
	else
		snprintf(out, size, "its exit status was %d", WEXITSTATUS(status));
}
