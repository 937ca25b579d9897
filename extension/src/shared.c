/*
 * shared.c
 *		The memory that all processes of this server share with each other.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "compat.h"
#include "shared.h"

PgrShared  *pgr_shared = NULL;

/*
 * pgr_shared_create
 *		Map the memory, all zero, and put the fence's part in order.  The other
 *		parts are put in order by their own pgr_..._init().
 */
void
pgr_shared_create(void)
{
	void	   *memory;

	memory = mmap(NULL, sizeof(PgrShared), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		ereport(FATAL,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("pg_replica could not map %zu bytes of shared memory: %m",
						sizeof(PgrShared))));

	pgr_shared = memory;
	pgr_fence_shared_init(&pgr_shared->fence);
}
