/*
 * core.c
 *		The core under a fuzzer: one process, many cores one after the other.
 *
 * pgr_core.c never calls a core again that has refused an event.  Here a start
 * follows, which makes the core forget everything, so its exported functions
 * are called directly.
 */
#include "core.h"

#include "pgr_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int32_t pgr_java_step(const void *event, int32_t len, void *actions, int32_t capacity);
extern int64_t pgr_java_headroom(void);
extern int32_t pgr_java_failure(void *out, int32_t capacity);
extern int32_t pgr_java_collections;

/* What a core may answer with when it stops itself: rules of its own, in words. */
static const char *const foreseen[] = {
	"pgreplica.base.InvariantViolation",
	"pgreplica.codec.DamagedState",
	"pgreplica.codec.NewerRelease",
};

static int	started = 0;
static int64_t headroom_when_clean;

static void
collect(void)
{
	if (pgr_core_collect() != PGR_CORE_OK)
	{
		fprintf(stderr, "a collection changed the state\n");
		abort();
	}
	headroom_when_clean = pgr_java_headroom();
}

static void
judge(int32_t answer)
{
	char		text[4096];
	int32_t		length;

	if (answer == PGR_CORE_MALFORMED_EVENT)
		return;
	length = pgr_java_failure(text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	if (answer == PGR_CORE_INVARIANT_BROKEN)
	{
		for (size_t i = 0; i < sizeof(foreseen) / sizeof(foreseen[0]); i++)
			if (strncmp(text, foreseen[i], strlen(foreseen[i])) == 0)
				return;
	}
	fprintf(stderr, "the core answered %d: %s\n", answer, text);
	abort();
}

int
core_takes(const uint8_t *event, size_t length)
{
	static uint8_t actions[PGR_CORE_MAX_ACTIONS];
	int32_t		answer;
	int32_t		collections;
	int64_t		headroom;

	if (!started)
	{
		started = 1;
		if (pgr_core_init() != PGR_CORE_OK)
			abort();
		headroom_when_clean = pgr_java_headroom();
	}
	if (headroom_when_clean - pgr_java_headroom() > 4 * PGR_CORE_GARBAGE)
		collect();
	collections = pgr_java_collections;
	headroom = pgr_java_headroom();
	answer = pgr_java_step(event, (int32_t) length, actions, sizeof(actions));
	if (collections != pgr_java_collections || headroom - pgr_java_headroom() > PGR_CORE_STEP_HEADROOM)
	{
		fprintf(stderr, "a step made %lld bytes of garbage\n", (long long) (headroom - pgr_java_headroom()));
		abort();
	}
	if (answer < 0)
		judge(answer);
	return answer >= 0;
}

void
core_rests(void)
{
	if (started && headroom_when_clean - pgr_java_headroom() > PGR_CORE_GARBAGE)
		collect();
}
