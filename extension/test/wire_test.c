/*
 * wire_test.c
 *		What strangers and disks can do to frames and to the state directory.
 *
 * A plain program: it links frame.c, auth.c and store.c with the server's
 * libpgcommon and libpgport, and needs no server.  See run.sh beside it.
 */
#include "postgres.h"

#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "bytes.h"
#include "frame.h"
#include "store.h"
#include "utils/resowner.h"

/* What the server would bring along. */
ResourceOwner CurrentResourceOwner = NULL;

ResourceOwner
ResourceOwnerCreate(ResourceOwner parent, const char *name)
{
	return NULL;
}

static char problem[512];

#define CHECK(condition) CHECK_OR_SAY(condition, " (%s)", problem)

static char directory[MAXPGPATH];

static const char *
path_of(const char *name)
{
	static char path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void
write_file(const char *path, const char *content, int mode)
{
	FILE	   *file = fopen(path, "w");

	fputs(content, file);
	fclose(file);
	chmod(path, mode);
}

static void
test_secret(void)
{
	const char *path = path_of("secret");

	write_file(path, "0123456789abcdef\n", 0600);
	CHECK(pgr_auth_load(path, problem, sizeof(problem)));
	write_file(path, "0123456789abcdef\n", 0644);
	CHECK(!pgr_auth_load(path, problem, sizeof(problem)));
	write_file(path, "too short\n", 0600);
	CHECK(!pgr_auth_load(path, problem, sizeof(problem)));
	CHECK(!pgr_auth_load(path_of("absent"), problem, sizeof(problem)));
	write_file(path, "0123456789abcdef", 0600);
	CHECK(pgr_auth_load(path, problem, sizeof(problem)));
}

static void
test_frame(int32 length)
{
	uint8		key[PGR_MAC_SIZE];
	uint8	   *payload = malloc(length);
	uint8	   *wire = malloc(PGR_FRAME_SIZE(length));
	const uint8 *found;
	const char *why;
	int32		size;
	int32		found_length;

	memset(key, 7, sizeof(key));
	memset(payload, 'x', length);
	CHECK(pgr_frame_encode(wire, key, 42, payload, length));
	CHECK(pgr_frame_decode(wire, PGR_FRAME_SIZE(length), key, 42, &size, &found,
						   &found_length, &why) == PGR_FRAME_COMPLETE);
	CHECK(size == PGR_FRAME_SIZE(length) && found_length == length);
	CHECK(memcmp(found, payload, length) == 0);
	CHECK(pgr_frame_decode(wire, PGR_FRAME_SIZE(length), key, 43, &size, &found,
						   &found_length, &why) == PGR_FRAME_BAD);
	CHECK(pgr_frame_decode(wire, PGR_FRAME_SIZE(length) - 1, key, 42, &size, &found,
						   &found_length, &why) == PGR_FRAME_INCOMPLETE);
	CHECK(size == PGR_FRAME_SIZE(length));
	CHECK(pgr_frame_decode(wire, PGR_FRAME_HEAD - 1, key, 42, &size, &found,
						   &found_length, &why) == PGR_FRAME_INCOMPLETE);
	key[0] = 8;
	CHECK(pgr_frame_decode(wire, PGR_FRAME_SIZE(length), key, 42, &size, &found,
						   &found_length, &why) == PGR_FRAME_BAD);
	free(payload);
	free(wire);
}

/* Any single bit that differs is noticed, wherever it is. */
static void
test_flipped_bits(void)
{
	uint8		key[PGR_MAC_SIZE] = {1};
	uint8		wire[PGR_FRAME_SIZE(5)];
	const uint8 *found;
	const char *why;
	int32		size;
	int32		length;

	CHECK(pgr_frame_encode(wire, key, 0, (const uint8 *) "hello", 5));
	for (int bit = 0; bit < 8 * (int) sizeof(wire); bit++)
	{
		wire[bit / 8] ^= 1 << (bit % 8);
		CHECK(pgr_frame_decode(wire, sizeof(wire), key, 0, &size, &found,
							   &length, &why) != PGR_FRAME_COMPLETE);
		wire[bit / 8] ^= 1 << (bit % 8);
	}
}

static void
test_lengths(void)
{
	static const uint32 impossible[] = {0, PGR_FRAME_PAYLOAD_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff};
	uint8		key[PGR_MAC_SIZE] = {1};
	uint8		head[PGR_FRAME_HEAD] = {0};
	const uint8 *found;
	const char *why;
	int32		size;
	int32		length;

	for (int i = 0; i < lengthof(impossible); i++)
	{
		pgr_store_u32(head, impossible[i]);
		CHECK(pgr_frame_size(head) == -1);
		CHECK(pgr_frame_decode(head, sizeof(head), key, 0, &size, &found,
							   &length, &why) == PGR_FRAME_BAD);
	}
	CHECK(!pgr_frame_encode(head, key, 0, head, 0));
	CHECK(!pgr_frame_encode(head, key, 0, head, PGR_FRAME_PAYLOAD_MAX + 1));
}

static void
test_reader(void)
{
	static const uint8 cut[] = {0, 0, 0, 9, 'a', 'b'};
	static const uint8 huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	PgrReader	reader = {cut, sizeof(cut), 0, false};
	char		text[4];
	int32		length;

	CHECK(pgr_take_bytes(&reader, &length) == NULL && reader.bad);
	reader = (PgrReader) {huge, sizeof(huge), 0, false};
	CHECK(pgr_take_bytes(&reader, &length) == NULL && reader.bad);
	reader = (PgrReader) {huge, sizeof(huge), 0, false};
	CHECK(pgr_take_count(&reader, 1) == 0 && reader.bad);
	reader = (PgrReader) {(const uint8 *) "\0\0\0\4abcd", 8, 0, false};
	pgr_take_str(&reader, text, sizeof(text));
	CHECK(reader.bad && text[0] == '\0');
}

static bool
count_file(const char *name, const uint8 *content, int32 length, void *argument)
{
	(*(int *) argument)++;
	return true;
}

static bool
holds(const char *name, const char *wanted)
{
	int32		length;
	bool		missing;
	uint8	   *content = pgr_store_read(name, &length, &missing, problem, sizeof(problem));
	bool		same = content != NULL && length == (int32) strlen(wanted) &&
		memcmp(content, wanted, length) == 0;

	free(content);
	return same;
}

static void
test_store(void)
{
	char		state[MAXPGPATH];
	struct rlimit room,
				no_room;
	int			files = 0;

	strlcpy(state, path_of("state"), sizeof(state));
	CHECK(pgr_store_open(state, problem, sizeof(problem)));
	CHECK(pgr_store_lock(problem, sizeof(problem)));
	CHECK(pgr_store_next_start(problem, sizeof(problem)) == 1);
	CHECK(pgr_store_next_start(problem, sizeof(problem)) == 2);
	CHECK(pgr_store_replace("ballot", "one", 3, problem, sizeof(problem)));
	CHECK(pgr_store_replace("ballot", "two", 3, problem, sizeof(problem)));
	CHECK(holds("ballot", "two"));
	CHECK(pgr_store_append("log", 0, "abcdef", 6, problem, sizeof(problem)));
	CHECK(pgr_store_append("log", 3, "X", 1, problem, sizeof(problem)));
	CHECK(holds("log", "abcX"));
	CHECK(!pgr_store_append("log", 9, "hole", 4, problem, sizeof(problem)));
	/* No room for all of it: what was not confirmed is not read by the next process. */
	CHECK(getrlimit(RLIMIT_FSIZE, &room) == 0);
	no_room = room;
	no_room.rlim_cur = 6;
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &no_room) == 0);
	CHECK(!pgr_store_append("log", 4, "too long", 8, problem, sizeof(problem)));
	CHECK(setrlimit(RLIMIT_FSIZE, &room) == 0);
	CHECK(holds("log", "abcX"));
	CHECK(!pgr_store_append("log", -1, "x", 1, problem, sizeof(problem)));
	CHECK(!pgr_store_append("log", PGR_STORE_FILE_MAX, "x", 1, problem, sizeof(problem)));
	CHECK(!pgr_store_replace("../escape", "x", 1, problem, sizeof(problem)));
	CHECK(!pgr_store_replace(".hidden", "x", 1, problem, sizeof(problem)));
	CHECK(!pgr_store_replace("", "x", 1, problem, sizeof(problem)));
	CHECK(holds("log", "abcX"));
	CHECK(pgr_store_each(count_file, &files, problem, sizeof(problem)));
	CHECK(files == 2);			/* not the lock, not the start number */
	CHECK(pgr_store_replace(PGR_STORE_START_NUMBER, "garbage", 7, problem, sizeof(problem)));
	CHECK(pgr_store_next_start(problem, sizeof(problem)) == 0);
	chmod(state, 0755);
	CHECK(!pgr_store_open(state, problem, sizeof(problem)));
}

/* What was asked of the system in the state directory, in its order.  run.sh puts these in the place of libc's. */
static char calls[512];
static bool sync_fails = false;

extern int	__real_fsync(int fd);
extern ssize_t __real_read(int fd, void *buffer, size_t size);
extern int	__real_renameat(int from, const char *old, int to, const char *new);

static void
note(const char *call, int fd)
{
	char		link[64];
	char		path[MAXPGPATH];
	ssize_t		length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[Max(length, 0)] = '\0';
	snprintf(calls + strlen(calls), sizeof(calls) - strlen(calls), "%s %s; ", call, last_dir_separator(path) + 1);
}

int
__wrap_fsync(int fd)
{
	note("sync", fd);
	errno = EIO;
	return sync_fails ? -1 : __real_fsync(fd);
}

ssize_t
__wrap_read(int fd, void *buffer, size_t size)
{
	note("read", fd);
	return __real_read(fd, buffer, size);
}

int
__wrap_renameat(int from, const char *old, int to, const char *new)
{
	strlcat(calls, "rename; ", sizeof(calls));
	return __real_renameat(from, old, to, new);
}

/* Whether exactly these calls were made since the last time. */
static bool
made_calls(const char *wanted)
{
	bool		same = strcmp(calls, wanted) == 0;

	if (!same)
		strlcpy(problem, calls, sizeof(problem));
	calls[0] = '\0';
	return same;
}

/*
 * What a loss of power takes away is seen by nobody who survives it, so the
 * order of calls is all that there is to look at (P9).
 */
static void
test_durability(void)
{
	char		state[MAXPGPATH];
	int			files = 0;

	strlcpy(state, path_of("durable"), sizeof(state));
	calls[0] = '\0';
	CHECK(pgr_store_open(state, problem, sizeof(problem)));
	snprintf(state, sizeof(state), "sync %s; ", last_dir_separator(directory) + 1);
	CHECK(made_calls(state));
	CHECK(pgr_store_replace("ballot", "one", 3, problem, sizeof(problem)));
	CHECK(made_calls("sync .new.ballot; rename; sync durable; "));
	CHECK(pgr_store_append("log", 0, "abc", 3, problem, sizeof(problem)));
	CHECK(made_calls("sync log; sync durable; "));
	CHECK(pgr_store_append("log", 3, "def", 3, problem, sizeof(problem)));
	CHECK(made_calls("sync log; "));
	/* Nobody is told what a former process wrote, before it is on disk. */
	CHECK(pgr_store_each(count_file, &files, problem, sizeof(problem)) && files == 2);
	CHECK(made_calls("sync ballot; read ballot; sync log; read log; "));
	CHECK(pgr_store_remove("ballot", problem, sizeof(problem)));
	CHECK(made_calls("sync durable; "));

	sync_fails = true;
	CHECK(!pgr_store_each(count_file, &files, problem, sizeof(problem)) && files == 2);
	CHECK(!pgr_store_replace("log", "other", 5, problem, sizeof(problem)));
	CHECK(!pgr_store_append("log", 6, "ghi", 3, problem, sizeof(problem)));
	CHECK(!pgr_store_remove("ballot", problem, sizeof(problem)));
	sync_fails = false;
	CHECK(holds("log", "abcdef"));
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	strlcpy(directory, argv[1], sizeof(directory));
	test_secret();
	test_frame(1);
	test_frame(1000);
	test_frame(PGR_FRAME_PAYLOAD_MAX);
	test_flipped_bits();
	test_lengths();
	test_reader();
	test_store();
	test_durability();
	return verdict("wire_test");
}
