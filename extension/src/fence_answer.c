/*
 * fence_answer.c
 *		The last look before a client is told that its transaction is durable.
 *
 * Between the check in the commit (fence.c) and the answer's way to the socket
 * lies the rest of the commit and of the query string, such as a pg_sleep()
 * behind the COMMIT.  A backend that was frozen there, while another node
 * became primary, would deliver its answer when it thaws.  So the function
 * that empties the send buffer looks once more.  What is left is the time
 * between two instructions.
 */
#include "postgres.h"

#include "compat.h"

#include "libpq/libpq.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"

#include "fence.h"

/* A transaction was committed, and its client was not told yet. */
static bool answer_waits = false;

static const PQcommMethods *original = NULL;
static PQcommMethods watched;

static void
look_again(void)
{
	if (!answer_waits)
		return;
	answer_waits = false;
	if (!pgr_fence_is_open())
		pgr_fence_suppress_answer("The lease of this node ran out before the answer was sent.");
}

static int
watched_flush(void)
{
	look_again();
	return original->flush();
}

static int
watched_flush_if_writable(void)
{
	look_again();
	return original->flush_if_writable();
}

void
pgr_fence_watch_answer(void)
{
	if (whereToSendOutput != DestRemote || MyProcPort == NULL)
		return;
	answer_waits = true;
	if (PqCommMethods == &watched)
		return;
	original = PqCommMethods;
	watched = *original;
	watched.flush = watched_flush;
	watched.flush_if_writable = watched_flush_if_writable;
	PqCommMethods = &watched;
}
