/*
 * idle_worker.c
 *		Background workers that do nothing, to set others beside: one sleeps for
 *		good, one wakes up ten times a second and sleeps again.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#if PG_VERSION_NUM >= 170000
#include "utils/wait_event.h"
#else
#include "pgstat.h"
#endif

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);
extern PGDLLEXPORT void idle_worker_main(Datum argument);

static void
start(const char *name, int wakes_every_ms)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_PostmasterStart;
	worker.bgw_restart_time = 1;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "%s", IDLE_WORKER_LIBRARY);
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "idle_worker_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s", name);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "%s", name);
	worker.bgw_main_arg = Int32GetDatum(wakes_every_ms);
	RegisterBackgroundWorker(&worker);
}

void
_PG_init(void)
{
	start("bench empty", 0);
	start("bench waking", 100);
}

void
idle_worker_main(Datum argument)
{
	int			wakes_every_ms = DatumGetInt32(argument);

	BackgroundWorkerUnblockSignals();
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (wakes_every_ms > 0 ? WL_TIMEOUT : 0),
						 wakes_every_ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
