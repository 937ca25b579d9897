/*
 * disk_test.c
 *		What the trial writes say of a disk that fails, each time another way.
 *
 * A plain program: it has chores.c inside, plays the system to it, and needs
 * no server.  See run.sh beside it.
 */
#include "../src/chores.c"

#include <setjmp.h>

#include "check.h"

#define LIMIT_MS 2000

/* What the rest of the host and the server would bring along. */
static PgrShared shared;
PgrShared  *pgr_shared = &shared;
PgrConfig	pgr_config;
char	   *pgr_state_dir = "state";

int			s_lock(volatile slock_t *lock, const char *file, int line, const char *func) { abort(); }
void		pgr_sessions_probe(void) {}

/* run.sh puts these in the place of libc's. */
extern int	__real_open(const char *path, int flags,...);
extern ssize_t __real_pwrite(int fd, const void *content, size_t size, off_t offset);
extern int	__real_fdatasync(int fd);

/* Which call fails, and how. */
static const char *failing = "";
static int	error = 0;
static int	round_number = 0;
static sigjmp_buf done;

static bool
fails(const char *call)
{
	if (strcmp(call, failing) != 0)
		return false;
	errno = error;
	return true;
}

int
__wrap_open(const char *path, int flags, int mode)
{
	return fails("open") ? -1 : __real_open(path, flags, mode);
}

ssize_t
__wrap_pwrite(int fd, const void *content, size_t size, off_t offset)
{
	return fails("pwrite") ? -1 : __real_pwrite(fd, content, size, offset);
}

int
__wrap_fdatasync(int fd)
{
	return fails("fdatasync") ? -1 : __real_fdatasync(fd);
}

/* What fails in one round, and what is then said. */
static const struct
{
	const char *call;
	int			error;
	const char *said;			/* NULL: the disk is well */
}			rounds[] = {
	{"", 0, NULL},
	{"open", EROFS, "failed: Read-only file system"},
	{"", 0, NULL},
	{"pwrite", ENOSPC, "failed: No space left on device"},
	{"fdatasync", EIO, "failed: Input/output error"},
	{"open", ENOENT, "failed: No such file or directory"},
	{"", 0, NULL},
};

/* After each round. */
int
__wrap_nanosleep(const struct timespec *duration, struct timespec *rest)
{
	char		why[256] = "";
	bool		well = pgr_assistant_disks_are_well(LIMIT_MS, why, sizeof(why));
	const char *said = rounds[round_number % lengthof(rounds)].said;

	CHECK_OR_SAY(well == (said == NULL), " in round %d: %s", round_number, why);
	CHECK_OR_SAY(well || strstr(why, said) != NULL, " in round %d: %s", round_number, why);
	/* Each of them in a round that makes the file anew, too. */
	StaticAssertStmt(PROBE_ANEW_EVERY % lengthof(rounds) == 1, "they do not meet");
	if (++round_number > PROBE_ANEW_EVERY * (int) lengthof(rounds))
		siglongjmp(done, 1);
	failing = rounds[round_number % lengthof(rounds)].call;
	error = rounds[round_number % lengthof(rounds)].error;
	return 0;
}

/* A write that has begun and not ended tells by the time it takes. */
static void
hangs(void)
{
	char		why[256];

	pg_atomic_write_u64(&shared.assistant.probe_begun_ms, pgr_now_ms());
	CHECK_OR_SAY(pgr_assistant_disks_are_well(LIMIT_MS, why, sizeof(why)), " at once: %s", why);
	pg_atomic_write_u64(&shared.assistant.probe_begun_ms, pgr_now_ms() - LIMIT_MS - 1);
	CHECK_OR_SAY(!pgr_assistant_disks_are_well(LIMIT_MS, why, sizeof(why)), " after the limit");
}

int
main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) != 0 || mkdir("disk", S_IRWXU) != 0 || chdir("disk") != 0 ||
		mkdir(XLOGDIR, S_IRWXU) != 0 || mkdir("state", S_IRWXU) != 0)
		return 2;
	if (sigsetjmp(done, 0) == 0)
		pgr_probe_loop();
	hangs();
	return verdict("disk_test");
}
