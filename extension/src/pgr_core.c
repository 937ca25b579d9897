/*-------------------------------------------------------------------------
 *
 * pgr_core.c
 *		The functions of the Java core, with the rules of their use enforced.
 *
 * The generated code gives the pgr_java_* functions.  It cannot defend itself:
 * called before its start, started twice, or called again after a failure it
 * reads freed or foreign memory.  So each entrance is guarded here.
 *
 *-------------------------------------------------------------------------
 */
#include "pgr_core.h"

#include <string.h>
#include <sys/mman.h>

/* exported by NativeEntry.java */
extern int32_t pgr_java_step(const void *event, int32_t len, void *actions, int32_t capacity);
extern int32_t pgr_java_collect(void);
extern int64_t pgr_java_headroom(void);
extern int32_t pgr_java_state(void *out, int32_t capacity);
extern int32_t pgr_java_failure(void *out, int32_t capacity);

/* the generated entry function, renamed from main by the build */
extern int	pgr_java_start(int64_t heap_bytes);

/*
 * Counted by the generated collector, through a line that the build adds to
 * it.  Looking at it is how a collection inside a step is noticed.
 */
extern int32_t pgr_java_collections;
int32_t		pgr_java_collections = 0;

static volatile int running = 0;
static volatile int broken = PGR_CORE_OK;
static const char *volatile broken_why = "";

static int
break_down(int code, const char *why)
{
	broken = code;
	broken_why = why;
	return code;
}

/* A failure that Java reports has its text in Java. */
static int
checked(int32_t answer)
{
	return answer < 0 ? break_down(answer, NULL) : answer;
}

static int
ready(void)
{
	if (broken != PGR_CORE_OK)
		return broken;
	if (!running)
		return break_down(PGR_CORE_INVARIANT_BROKEN, "the core was called before its start");
	return PGR_CORE_OK;
}

/* The generated code does not look whether it got its heap. */
static int
heap_can_be_had(void)
{
	void	   *trial = mmap(NULL, PGR_CORE_HEAP, PROT_READ | PROT_WRITE,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return trial != MAP_FAILED && munmap(trial, PGR_CORE_HEAP) == 0;
}

int
pgr_core_init(void)
{
	if (broken != PGR_CORE_OK)
		return broken;
	if (running)
		return break_down(PGR_CORE_INVARIANT_BROKEN, "the core was started twice in one process");

	if (!heap_can_be_had())
		return break_down(PGR_CORE_INVARIANT_BROKEN,
						  "the operating system refuses address space for the heap of the core");
	if (pgr_java_start(PGR_CORE_HEAP) != 0)
		return break_down(PGR_CORE_INVARIANT_BROKEN, "the Java runtime did not start");
	running = 1;
	return pgr_core_collect();
}

/*
 * pgr_core_step
 *		One event in, the actions out: their length, or a negative code.
 *
 * Nothing may be collected inside a step.  The collector has moved objects
 * wrongly before, and only between two steps can the state be compared.
 */
int
pgr_core_step(const uint8_t *event, int32_t len, uint8_t *actions, int32_t capacity)
{
	int			answer = ready();
	int32_t		collections;

	if (answer != PGR_CORE_OK)
		return answer;
	if (len < 0 || len > PGR_CORE_MAX_EVENT)
		return break_down(PGR_CORE_MALFORMED_EVENT, "malformed event: its length is out of bounds");

	if (pgr_java_headroom() < PGR_CORE_STEP_HEADROOM)
	{
		answer = pgr_core_collect();
		if (answer != PGR_CORE_OK)
			return answer;
		if (pgr_java_headroom() < PGR_CORE_STEP_HEADROOM)
			return break_down(PGR_CORE_INVARIANT_BROKEN,
							  "broken invariant: the state leaves a step its headroom");
	}

	collections = pgr_java_collections;
	answer = checked(pgr_java_step(event, len, actions, capacity));
	if (answer >= 0 && collections != pgr_java_collections)
		return break_down(PGR_CORE_INVARIANT_BROKEN,
						  "broken invariant: nothing is collected inside a step");
	return answer;
}

int
pgr_core_collect(void)
{
	int			answer = ready();

	return answer != PGR_CORE_OK ? answer : checked(pgr_java_collect());
}

int64_t
pgr_core_headroom(void)
{
	return ready() != PGR_CORE_OK ? 0 : pgr_java_headroom();
}

int
pgr_core_state(uint8_t *out, int32_t capacity)
{
	int			answer = ready();

	return answer != PGR_CORE_OK ? answer : checked(pgr_java_state(out, capacity));
}

/*
 * pgr_core_failure
 *		The text of the failure, not terminated: its length.
 *
 * The one function that may be called after a failure: for one that Java
 * reported it reads a finished array and allocates nothing.
 */
int
pgr_core_failure(uint8_t *out, int32_t capacity)
{
	int32_t		length;

	if (broken == PGR_CORE_OK || capacity <= 0)
		return 0;
	if (broken_why == NULL)
		return pgr_java_failure(out, capacity);

	length = (int32_t) strlen(broken_why);
	if (length > capacity)
		length = capacity;
	memcpy(out, broken_why, length);
	return length;
}

/* Safe in a signal handler. */
void
pgr_core_poison(void)
{
	broken_why = "the core was left in the middle of a step";
	broken = PGR_CORE_INVARIANT_BROKEN;
}
