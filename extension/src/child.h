/*
 * child.h
 *		What a process begins with that was forked beside Postgres's own.
 */
#ifndef PGR_CHILD_H
#define PGR_CHILD_H

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Nothing of its parent's signals is left, and it ends with its parent, by this one. */
static inline void
pgr_child_begins(pid_t parent, int death_signal)
{
	sigset_t	none;

	(void) prctl(PR_SET_PDEATHSIG, death_signal);
	for (int i = 1; i < 32; i++)
		(void) signal(i, SIG_DFL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

#endif							/* PGR_CHILD_H */
