/*
 * pg_replica.c
 *		Where the server loads the extension, and in which order its parts
 *		begin.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "compat.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "config.h"
#include "failover_slots.h"
#include "prestart.h"
#include "shared.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

/*
 * Options of the postgres command that have an argument, which may follow in
 * the same word or be the next one.  (postgres.c, "getopt".)
 */
#define WITH_ARGUMENT "BCcDdfhkNprStW-"

/*
 * word_asks_for_value
 *		Looks at one word of the command line that begins with a single "-".
 *		Is there an option C in it, and is the next word an argument?
 */
static bool
word_asks_for_value(const char *word, bool *takes_next)
{
	*takes_next = false;
	for (const char *letter = word + 1; *letter != '\0'; letter++)
	{
		if (*letter == 'C')
			return true;
		if (strchr(WITH_ARGUMENT, *letter) != NULL)
		{
			*takes_next = letter[1] == '\0';
			return false;
		}
	}
	return false;
}

/*
 * only_prints_a_setting
 *		"postgres -C name" takes the lock on the data directory and runs
 *		_PG_init like a real start, but only prints a setting.
 */
static bool
only_prints_a_setting(void)
{
	static char words[64 * 1024];
	int			fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t		length = fd < 0 ? -1 : read(fd, words, sizeof(words) - 1);
	bool		skip = true;	/* the command itself */

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return false;
	words[length] = '\0';

	for (char *word = words; word < words + length; word += strlen(word) + 1)
	{
		if (skip)
			skip = false;
		else if (word[0] == '-' && word[1] != '-' && word_asks_for_value(word, &skip))
			return true;
	}
	return false;
}

/*
 * _PG_init
 *		In the postmaster, before shared memory and any other process exist.
 *
 * pg_upgrade, single-user mode (which pg_rewind runs) and "postgres -C" find
 * the settings defined and nothing else.
 */
void
_PG_init(void)
{
	/* LOAD, or the SQL functions: they find no shared memory and say so */
	if (!process_shared_preload_libraries_in_progress)
		return;

	pgr_config_define();
	if (IsUnderPostmaster || !IsPostmasterEnvironment || IsBinaryUpgrade ||
		only_prints_a_setting())
		return;

	pgr_config_load();
	if (!pgr_config.configured)
		return;

	pgr_collation_look();
	pgr_shared_create();
	pgr_restart_init();
	pgr_config_force();

	pgr_gate_init();
	pgr_replay_init();
	pgr_fence_init();
	pgr_admission_init();

	pgr_mailbox_init();
	pgr_worker_init();
	pgr_worker_register();
	pgr_assistant_init();
	pgr_sync_init();
	pgr_failover_slots_init();

	/* may fork, take long, and re-execute the server */
	pgr_prestart_run();
}
