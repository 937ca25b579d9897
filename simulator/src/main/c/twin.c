/*-------------------------------------------------------------------------
 *
 * twin.c
 *		The C build of the core as a plain program, for the twin test.
 *
 * stdin:  u32 length | flags, event ...   (big-endian, as at the border)
 * stdout: for each event i32 answer, u64 hash of all replies so far and, with
 *		   FLAG_STATE, of the state's encoding; with FLAG_BYTES then the reply
 *		   and the state, each after its u32 length
 *
 * After an event that the core refuses it ends, as the worker does.  It
 * collects garbage by the same rule as the worker that is idle.
 *
 *-------------------------------------------------------------------------
 */
#include "pgr_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLAG_BYTES		0x80000000u
#define FLAG_STATE		0x40000000u
#define LENGTH_MASK		0x3fffffffu
#define STATE_MAX		(16 * 1024 * 1024)
#define GARBAGE			(4 * PGR_CORE_GARBAGE)

static uint8_t input[4 * 1024 * 1024];
static size_t input_start = 0;
static size_t input_end = 0;
static uint8_t output[64 * 1024];
static size_t output_end = 0;
static uint8_t event[PGR_CORE_MAX_EVENT];
static uint8_t reply[PGR_CORE_MAX_ACTIONS];
static uint8_t state[STATE_MAX];
static uint64_t hash = UINT64_C(0xcbf29ce484222325);
static int64_t headroom_when_clean;

static void
flush(void)
{
	size_t		done = 0;

	while (done < output_end)
	{
		ssize_t		n = write(STDOUT_FILENO, output + done, output_end - done);

		if (n < 0 && errno != EINTR)
			exit(3);
		if (n > 0)
			done += n;
	}
	output_end = 0;
}

static void
give_up(const char *what, int answer)
{
	uint8_t		text[4096];
	int			length = pgr_core_failure(text, sizeof(text));

	flush();
	fprintf(stderr, "twin: %s: answer %d: %.*s\n", what, answer, length, text);
	exit(2);
}

static void
put(const uint8_t *bytes, size_t length)
{
	while (length > 0)
	{
		size_t		room = sizeof(output) - output_end;
		size_t		n = length < room ? length : room;

		memcpy(output + output_end, bytes, n);
		output_end += n;
		bytes += n;
		length -= n;
		if (output_end == sizeof(output))
			flush();
	}
}

static void
put_number(uint64_t number, int width)
{
	uint8_t		bytes[8];

	for (int i = 0; i < width; i++)
		bytes[i] = (uint8_t) (number >> (8 * (width - 1 - i)));
	put(bytes, width);
}

/* False at the end of the input.  What was answered is written before waiting. */
static int
get(uint8_t *bytes, size_t length)
{
	while (length > 0)
	{
		size_t		n = input_end - input_start;

		if (n == 0)
		{
			ssize_t		got;

			flush();
			got = read(STDIN_FILENO, input, sizeof(input));
			if (got == 0)
				return 0;
			if (got < 0)
				exit(3);
			input_start = 0;
			input_end = got;
			continue;
		}
		if (n > length)
			n = length;
		memcpy(bytes, input + input_start, n);
		input_start += n;
		bytes += n;
		length -= n;
	}
	return 1;
}

static void
hash_word(uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
}

/* As RunningHash.java: the length, the words, the rest filled up with zeros. */
static void
hash_bytes(const uint8_t *bytes, size_t length)
{
	uint64_t	rest = 0;

	hash_word(length);
	for (; length >= 8; bytes += 8, length -= 8)
	{
		uint64_t	word = 0;

		for (int i = 0; i < 8; i++)
			word |= (uint64_t) bytes[i] << (8 * i);
		hash_word(word);
	}
	if (length == 0)
		return;
	for (size_t i = 0; i < length; i++)
		rest |= (uint64_t) bytes[i] << (8 * i);
	hash_word(rest);
}

static void
collect(void)
{
	int			answer = pgr_core_collect();

	if (answer != PGR_CORE_OK)
		give_up("collection", answer);
	headroom_when_clean = pgr_core_headroom();
}

/* The core has refused an event.  Who reads the bytes also wants to know why. */
static void
refused(int answer, uint32_t flags)
{
	hash_word((uint64_t) (int64_t) answer);
	put_number((uint32_t) answer, 4);
	put_number(hash, 8);
	if (flags & FLAG_BYTES)
		give_up("refused", answer);
	flush();
	exit(2);
}

static void
step(uint32_t length, uint32_t flags)
{
	int			answer = pgr_core_step(event, length, reply, sizeof(reply));
	int			state_length = 0;

	if (answer < 0)
		refused(answer, flags);
	hash_bytes(reply, answer);
	if (headroom_when_clean - pgr_core_headroom() > GARBAGE)
		collect();
	if (flags & FLAG_STATE)
	{
		state_length = pgr_core_state(state, sizeof(state));
		if (state_length < 0)
			give_up("state", state_length);
		hash_bytes(state, state_length);
	}
	put_number((uint32_t) answer, 4);
	put_number(hash, 8);
	if (flags & FLAG_BYTES)
	{
		put_number((uint32_t) answer, 4);
		put(reply, answer);
		put_number((uint32_t) state_length, 4);
		put(state, state_length);
	}
}

int
main(void)
{
	uint8_t		head[4];
	int			answer = pgr_core_init();

	if (answer != PGR_CORE_OK)
		give_up("start", answer);
	headroom_when_clean = pgr_core_headroom();

	while (get(head, sizeof(head)))
	{
		uint32_t	word = (uint32_t) head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
		uint32_t	length = word & LENGTH_MASK;

		if (length > sizeof(event) || !get(event, length))
		{
			fprintf(stderr, "twin: the input ends inside an event of %u bytes\n", length);
			return 2;
		}
		step(length, word & ~LENGTH_MASK);
	}
	flush();
	return 0;
}
