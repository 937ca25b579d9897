/*
 * files.c
 *		Fuzz target: any bytes as the state directory that a node finds at its start.
 *
 * Input: the files, each a byte that chooses its name, its u16 length, and its
 * content.  Checksums are set right: what passes them by chance is not what a
 * fuzzer should look for, and damage that they would show is theirs to show.
 * Afterwards time passes, so that the node does something with what it read.
 */
#include "host.h"

#include "border.h"
#include "core.h"

#define EVENT_MAX (1024 * 1024)
#define BATCH_HEAD 20

static const char *const names[] = {"ballot", "log", "instance", "floor", "unheard-of"};

static const uint8 *input;
static size_t input_length;

static uint32
checksum(const uint8 *bytes, size_t length)
{
	uint32		sum = 0xffffffff;

	for (size_t i = 0; i < length; i++)
	{
		sum ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = (sum & 1) ? 0xEDB88320 ^ sum >> 1 : sum >> 1;
	}
	return ~sum;
}

/* A head, then batches: LogFile.java describes them. */
static void
seal_log(uint8 *content, size_t length)
{
	size_t		at;

	if (length < 13)
		return;
	at = 9 + (size_t) pgr_load_u32(content + 5);
	if (at + 4 > length)
		return;
	pgr_store_u32(content + at, checksum(content, at));
	at += 4;
	while (at + BATCH_HEAD <= length)
	{
		size_t		body = pgr_load_u32(content + at + 8);

		pgr_store_u32(content + at + 12, checksum(content + at, 12));
		if (body > length - at - BATCH_HEAD)
			return;
		pgr_store_u32(content + at + 16, checksum(content + at + BATCH_HEAD, body));
		at += BATCH_HEAD + body;
	}
}

static void
seal(int name, uint8 *content, size_t length)
{
	if (strcmp(names[name], "log") == 0)
		seal_log(content, length);
	else if (length >= 4)
		pgr_store_u32(content + length - 4, checksum(content, length - 4));
}

static void
give_files(PgrStoreVisit visit, void *argument)
{
	const uint8 *at = input;
	size_t		left = input_length;

	while (left >= 3)
	{
		int			name = at[0] % lengthof(names);
		size_t		length = (size_t) at[1] << 8 | at[2];
		uint8	   *content;

		at += 3;
		left -= 3;
		length = Min(length, left);
		content = exact_copy(at, length);
		seal(name, content, length);
		(void) visit(names[name], content, (int32) length, argument);
		free(content);
		at += length;
		left -= length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static uint8 bytes[EVENT_MAX];
	PgrWriter	event = {bytes, sizeof(bytes), 0, false};
	char		problem[512];

	input = data;
	input_length = size;
	host_files = give_files;
	for (int64 now = 1000; now <= 4000; now += 300)
	{
		if (now > 1000)
			pgr_event_time(&event);
		else if (!pgr_event_start(&event, 42, false, problem, sizeof(problem)))
			break;
		/* The same input is the same story, whatever the clock shows. */
		pgr_store_u64(bytes + 1, (uint64) now);
		if (!core_takes(bytes, event.length))
			break;
	}
	core_rests();
	return 0;
}
