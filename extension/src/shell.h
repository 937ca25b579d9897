/*
 * shell.h
 *		A shell command that the assistant runs beside its other work.
 */
#ifndef PGR_SHELL_H
#define PGR_SHELL_H

typedef struct PgrShell
{
	pid_t		pid;			/* and its process group; 0: none runs */
	bool		killed;
	bool		kills_at_exit;
	int64		begun_ms;
} PgrShell;

/*
 * False, logged: it could not be started.  "as_client": PGHOST and PGPORT are
 * those of this server.  What it writes to standard error goes to the log.
 */
extern bool pgr_shell_begin(PgrShell *shell, const char *command, bool as_client);

/* None of these waits.  True once, when it has ended: with the status of wait(). */
extern bool pgr_shell_has_ended(PgrShell *shell, int *status);
extern void pgr_shell_kill(PgrShell *shell);

/* In words, of a status that is not 0. */
extern void pgr_shell_failure(int status, char *out, size_t size);

#endif							/* PGR_SHELL_H */
