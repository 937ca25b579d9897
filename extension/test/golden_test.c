/*
 * golden_test.c
 *		What a released version of the host wrote is read for ever: its files by
 *		a node that was upgraded, its frames by nodes that are upgraded later.
 *
 * A plain program that needs no server; see run.sh and golden.h beside it.
 */
#include "postgres.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "config.h"
#include "files.h"
#include "frame.h"
#include "check.h"
#include "golden.h"
#include "identity.h"
#include "store.h"
#include "utils/resowner.h"
#include "work.h"

#define INODE 4711

/* What the server and the rest of the host would bring along. */
ResourceOwner CurrentResourceOwner = NULL;
char	   *DataDir = "data";
char	   *pgr_node_name = "n1";
char	   *pgr_state_dir = "state";

static bool is_fatal = false;
static sigjmp_buf after_fatal;
static char problem[512];

ResourceOwner
ResourceOwnerCreate(ResourceOwner parent, const char *name)
{
	return NULL;
}

bool
errstart(int elevel, const char *domain)
{
	is_fatal = is_fatal || elevel >= FATAL;
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errmsg(const char *fmt,...)
{
	va_list		values;

	va_start(values, fmt);
	vsnprintf(problem, sizeof(problem), fmt, values);
	va_end(values);
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (is_fatal)
		siglongjmp(after_fatal, 1);
}

/* A data directory is known by its inode, and the kept one must be, too. */
int
stat(const char *path, struct stat *status)
{
	int			result = fstatat(AT_FDCWD, path, status, 0);

	if (strcmp(path, ".") == 0)
		status->st_ino = INODE;
	return result;
}

#define CHECK(condition) CHECK_OR_SAY(condition, " (%s)", problem)

static void
test_frame(void)
{
	static const char payload[] = "what the core says";
	uint8		key[PGR_MAC_SIZE];
	uint8		written[PGR_FRAME_SIZE(sizeof(payload))];
	uint8		golden[1024];
	const uint8 *found;
	const char *why;
	int32		size;
	int32		length;

	memset(key, 7, sizeof(key));
	CHECK(pgr_frame_encode(written, key, 42, (const uint8 *) payload, sizeof(payload)));
	CHECK(golden_kept("frame", written, sizeof(written), golden, sizeof(golden)) == sizeof(written));
	CHECK(memcmp(golden, written, sizeof(written)) == 0);
	CHECK(pgr_frame_decode(golden, sizeof(written), key, 42, &size, &found,
						   &length, &why) == PGR_FRAME_COMPLETE);
	CHECK(length == sizeof(payload) && memcmp(found, payload, length) == 0);
}

static void
test_identity(void)
{
	static const uint8 content[] = {1, 0, 0xfe, 0xff};
	uint8		read[PGR_IDENTITY_MAX];
	char		golden[4096];
	size_t		length;
	char	   *written;

	CHECK(pgr_identity_write(content, sizeof(content), problem, sizeof(problem)));
	written = pgr_file_read(PGR_IDENTITY_FILE, 4096, &length);
	CHECK(golden_kept("identity", written, length, golden, sizeof(golden)) == length);
	CHECK(memcmp(golden, written, length) == 0);
	CHECK(pgr_file_write(PGR_IDENTITY_FILE, golden, length));
	CHECK(pgr_identity_read(read, sizeof(read)) == sizeof(content));
	CHECK(memcmp(read, content, sizeof(content)) == 0);

	/* "pg_replica identity 1", and what a later release may write */
	golden[20] = '2';
	CHECK(pgr_file_write(PGR_IDENTITY_FILE, golden, length));
	if (sigsetjmp(after_fatal, 0) == 0)
		(void) pgr_identity_read(read, sizeof(read));
	CHECK(is_fatal && strstr(problem, "has format 2, this release of pg_replica reads 1") != NULL);

	/* of another node, and brought here by a copy: no identity of ours */
	is_fatal = false;
	pgr_node_name = "n2";
	CHECK(pgr_identity_read(read, sizeof(read)) == 0 && !is_fatal);
	pgr_node_name = "n1";
	free(written);
}

static void
test_marker(void)
{
	PgrMarker	marker;
	PgrMarker	read;
	char		golden[4096];
	bool		missing;
	bool		found;
	int32		length;
	uint8	   *written;

	memset(&marker, 0, sizeof(marker));
	strlcpy(marker.node, "n1", sizeof(marker.node));
	strlcpy(marker.source, "n2", sizeof(marker.source));
	strlcpy(marker.why, "its WAL went past the fork", sizeof(marker.why));
	marker.work = PGR_WORK_REWIND;
	marker.step = PGR_STEP_STAGED;
	marker.failures = 2;
	marker.identity_length = 3;
	memcpy(marker.identity, "\1\2\377", 3);
	CHECK(pgr_marker_write(&marker, problem, sizeof(problem)));
	written = pgr_store_read(PGR_STORE_WORK, &length, &missing, problem, sizeof(problem));
	CHECK(golden_kept("work", written, length, golden, sizeof(golden)) == length);
	CHECK(memcmp(golden, written, length) == 0);
	CHECK(pgr_store_replace(PGR_STORE_WORK, golden, length, problem, sizeof(problem)));
	CHECK(pgr_marker_read(&read, &found, problem, sizeof(problem)) && found);
	CHECK(memcmp(&read, &marker, sizeof(marker)) == 0);

	/* "pg_replica work 1", and what a later release may write */
	golden[16] = '2';
	CHECK(pgr_store_replace(PGR_STORE_WORK, golden, length, problem, sizeof(problem)));
	CHECK(!pgr_marker_read(&read, &found, problem, sizeof(problem)) && found);
	CHECK(strstr(problem, "has format 2, this release of pg_replica reads 1") != NULL);
	free(written);
}

static void
test_start_number(void)
{
	char		golden[64];
	bool		missing;
	int32		length;
	uint8	   *written;

	CHECK(pgr_store_replace(PGR_STORE_START_NUMBER, "41\n", 3, problem, sizeof(problem)));
	CHECK(pgr_store_next_start(problem, sizeof(problem)) == 42);
	written = pgr_store_read(PGR_STORE_START_NUMBER, &length, &missing, problem, sizeof(problem));
	CHECK(golden_kept("startnumber", written, length, golden, sizeof(golden)) == length);
	CHECK(memcmp(golden, written, length) == 0);
	CHECK(pgr_store_replace(PGR_STORE_START_NUMBER, golden, length, problem, sizeof(problem)));
	CHECK(pgr_store_next_start(problem, sizeof(problem)) == 43);
	free(written);
}

int
main(int argc, char **argv)
{
	if (argc != 3 || chdir(argv[1]) != 0)
		return 2;
	golden_folder = argv[2];
	if (!pgr_store_open("golden-state", problem, sizeof(problem)))
		return 2;
	test_frame();
	test_identity();
	test_marker();
	test_start_number();
	return verdict("golden_test");
}
