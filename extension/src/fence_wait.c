/*
 * fence_wait.c
 *		The wait of a commit for its standbys is not given up (promise P3).
 *
 * When such a wait is cancelled, terminated, or out of time, Postgres makes
 * the commit visible although no standby has it.  Others read it, and build
 * on it, and the next failover takes it away.  So in a synchronous mode these
 * signals end the connection, and no more: the client learns at once that the
 * outcome is unknown, and the backend goes on waiting until the commit may be
 * seen.
 *
 * A fast shutdown waits with it for a while (restart.c), and is then an
 * immediate one: what waited is recovered at the next start, out of sight
 * until a quorum has it.
 *
 * A postmaster that is killed ends the wait as ever; then nobody can connect
 * to this server any more.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/socket.h>

#include "compat.h"

#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "storage/proc.h"

#include "shared.h"

typedef struct Deferred
{
	int			number;
	struct sigaction original;
	volatile sig_atomic_t arrived;
} Deferred;

static Deferred deferred[] = {{SIGINT}, {SIGTERM}};

/* Beyond the point where this transaction could still be rolled back. */
static volatile sig_atomic_t committing = 0;

/* Its client was told that nobody will answer. */
static volatile sig_atomic_t hung_up = 0;

static void
on_signal(int number)
{
	Deferred   *which = number == deferred[0].number ? &deferred[0] : &deferred[1];
	int			saved = errno;

	if (!committing)
		which->original.sa_handler(number);
	else
	{
		which->arrived = 1;
		if (MyProc->syncRepState == SYNC_REP_WAITING && MyProcPort != NULL)
		{
			(void) shutdown(MyProcPort->sock, SHUT_RDWR);
			hung_up = 1;
		}
	}
	errno = saved;
}

/* Once in each backend.  A handler that is not a function has nothing to defer. */
static void
install(void)
{
	static bool installed = false;

	for (int i = 0; !installed && i < lengthof(deferred); i++)
	{
		struct sigaction action;

		if (sigaction(deferred[i].number, NULL, &deferred[i].original) != 0 ||
			deferred[i].original.sa_handler == SIG_DFL ||
			deferred[i].original.sa_handler == SIG_IGN)
			continue;
		action = deferred[i].original;
		action.sa_handler = on_signal;
		(void) sigaction(deferred[i].number, &action, NULL);
	}
	installed = true;
}

/*
 * pgr_wait_begins
 *		Called where an ERROR still rolls back: what arrived earlier is
 *		answered that way.  Only sessions are protected; a worker of another
 *		extension may have a handler that does not come back.
 */
void
pgr_wait_begins(void)
{
	if (committing || MyBackendType != B_BACKEND)
		return;
	install();
	pg_atomic_fetch_add_u32(&pgr_shared->fence.commits, 1);
	committing = 1;
	CHECK_FOR_INTERRUPTS();
}

bool
pgr_wait_has_hung_up(void)
{
	return hung_up != 0;
}

/* What was deferred is served as if it arrived now. */
void
pgr_wait_ends(void)
{
	if (!committing)
		return;
	committing = 0;
	hung_up = 0;
	pg_atomic_fetch_sub_u32(&pgr_shared->fence.commits, 1);
	for (int i = 0; i < lengthof(deferred); i++)
	{
		if (!deferred[i].arrived)
			continue;
		deferred[i].arrived = 0;
		deferred[i].original.sa_handler(deferred[i].number);
	}
}

bool
pgr_commits_wait(void)
{
	return pg_atomic_read_u32(&pgr_shared->fence.commits) != 0;
}
