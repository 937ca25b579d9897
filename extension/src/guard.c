/*
 * guard.c
 *		The boundary at which an ERROR of Postgres becomes an answer.
 *
 * The voting process has no transaction to abort, so the clean-up that
 * AbortTransaction() would do is done here for what such a process can hold.
 */
#include "postgres.h"

#include "guard.h"

#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

bool
pgr_guarded(PgrGuardedFunction function, void *argument, char *error, size_t size)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext own;
	volatile bool done = true;

	if (size > 0)
		error[0] = '\0';
	own = AllocSetContextCreate(TopMemoryContext, "pg_replica call",
								ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(own);

	PG_TRY();
	{
		function(argument);
	}
	PG_CATCH();
	{
		ErrorData  *data;

		/* The error lives in ErrorContext, which FlushErrorState() resets. */
		MemoryContextSwitchTo(own);
		data = CopyErrorData();
		FlushErrorState();
		LWLockReleaseAll();
		ConditionVariableCancelSleep();
		pgstat_report_wait_end();
		AtEOXact_Files(false);
		if (size > 0)
			strlcpy(error, data->message ? data->message : "unknown error", size);
		done = false;
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
	return done;
}
