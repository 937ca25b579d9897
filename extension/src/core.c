/*
 * core.c
 *		The Java core, kept from taking the server down with it.
 *
 * Compiled Java divides by zero with SIGFPE, overflows the stack with SIGSEGV
 * and runs out of memory with abort().  Postgres answers a child that died of
 * a signal by restarting every session of the server.  So while the core runs,
 * and only then, these signals lead back here; the worker then leaves in
 * order, and the next one starts from disk.  Outside the core they do what
 * they did before.
 */
#include "postgres.h"

#include <locale.h>
#include <setjmp.h>
#include <signal.h>

#include "core.h"
#include "pgr_core.h"

/*
 * Collecting and comparing the state costs as much as several steps, so it is
 * done about once a second when idle, and half as often in the thick of it.
 */
#define IDLE_GARBAGE (4 * PGR_CORE_GARBAGE)
#define BUSY_GARBAGE (2 * IDLE_GARBAGE)

static const int deadly[] = {SIGFPE, SIGSEGV, SIGBUS, SIGABRT, SIGILL};

static sigjmp_buf escape;
static volatile sig_atomic_t inside = false;
static volatile sig_atomic_t died_of = 0;
static struct sigaction before[lengthof(deadly)];
static int64 headroom_after_collection = 0;

static void
on_death(int signal_number, siginfo_t *info, void *context)
{
	if (inside)
	{
		died_of = signal_number;
		pgr_core_poison();
		siglongjmp(escape, 1);
	}
	for (int i = 0; i < lengthof(deadly); i++)
		if (deadly[i] == signal_number)
			sigaction(signal_number, &before[i], NULL);
	/* A fault repeats itself now; what another process sent does not. */
	if (info->si_code <= 0)
		raise(signal_number);
}

/* A stack overflow needs another stack to be noticed on. */
static bool
arm(void)
{
	struct sigaction action;
	stack_t		stack;

	memset(&stack, 0, sizeof(stack));
	stack.ss_size = 64 * 1024;
	stack.ss_sp = malloc(stack.ss_size);
	if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
		return false;

	/* The mask stays as it is in the handler, so jumping out restores nothing. */
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_death;
	action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO;
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < lengthof(deadly); i++)
		sigaction(deadly[i], &action, &before[i]);
	return true;
}

static const char *
death_text(int signal_number)
{
	switch (signal_number)
	{
		case SIGFPE:
			return "an arithmetic fault (SIGFPE)";
		case SIGSEGV:
			return "a bad memory access or a stack overflow (SIGSEGV)";
		case SIGBUS:
			return "a bad memory access (SIGBUS)";
		case SIGABRT:
			return "abort(), most likely for lack of memory (SIGABRT)";
		default:
			return "an illegal instruction (SIGILL)";
	}
}

static void
describe(int answer, char *problem, size_t size)
{
	uint8		text[512];
	int			length;

	if (died_of != 0)
	{
		snprintf(problem, size, "the core died of %s", death_text(died_of));
		return;
	}
	length = pgr_core_failure(text, sizeof(text) - 1);
	text[Max(length, 0)] = '\0';
	snprintf(problem, size, "the core answered with code %d: %s", answer, (char *) text);
}

typedef enum Call
{
	CALL_INIT,
	CALL_STEP,
	CALL_COLLECT,
	CALL_STATE
} Call;

/* The one place from which Java is entered. */
static int
enter(Call call, const uint8 *event, int32 length, uint8 *actions, int32 capacity,
	  char *problem, size_t size)
{
	volatile int answer = PGR_CORE_INVARIANT_BROKEN;

	if (died_of == 0 && sigsetjmp(escape, 0) == 0)
	{
		inside = true;
		if (call == CALL_INIT)
			answer = pgr_core_init();
		else if (call == CALL_STEP)
			answer = pgr_core_step(event, length, actions, capacity);
		else if (call == CALL_STATE)
			answer = pgr_core_state(actions, capacity);
		else
			answer = pgr_core_collect();
	}
	inside = false;
	if (died_of != 0)
		answer = PGR_CORE_INVARIANT_BROKEN;
	if (answer < 0)
		describe(answer, problem, size);
	return answer;
}

void
pgr_box_abandon(void)
{
	inside = false;
	pgr_core_poison();
}

bool
pgr_box_start(char *problem, size_t size)
{
	char	   *locale = strdup(setlocale(LC_ALL, NULL));
	sigset_t	mask;
	int			answer;

	if (locale == NULL || !arm())
	{
		snprintf(problem, size, "no memory for the core's signal stack");
		free(locale);
		return false;
	}
	sigprocmask(SIG_SETMASK, NULL, &mask);
	answer = enter(CALL_INIT, NULL, 0, NULL, 0, problem, size);

	/* What the runtime's start may have touched is Postgres's. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (strcmp(setlocale(LC_ALL, NULL), locale) != 0)
		setlocale(LC_ALL, locale);
	free(locale);
	if (answer < 0)
		return false;
	headroom_after_collection = pgr_core_headroom();
	return true;
}

int32
pgr_box_step(const uint8 *event, int32 length, uint8 *actions, int32 capacity,
			 char *problem, size_t size)
{
	int			answer = enter(CALL_STEP, event, length, actions, capacity, problem, size);

	return answer < 0 ? -1 : answer;
}

int32
pgr_box_state(uint8 *out, int32 capacity, char *problem, size_t size)
{
	int			answer = enter(CALL_STATE, NULL, 0, out, capacity, problem, size);

	return answer < 0 ? -1 : answer;
}

bool
pgr_box_tidy(bool idle, char *problem, size_t size)
{
	int64		headroom = pgr_core_headroom();
	int64		garbage = headroom_after_collection - headroom;

	if (garbage < (idle ? IDLE_GARBAGE : BUSY_GARBAGE) &&
		headroom >= PGR_CORE_STEP_HEADROOM)
		return true;
	if (enter(CALL_COLLECT, NULL, 0, NULL, 0, problem, size) < 0)
		return false;
	headroom_after_collection = pgr_core_headroom();
	return true;
}
