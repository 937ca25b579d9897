/*
 * breakable_core.c
 *		The real core with ways to die: in place of pgr_core.o, for tests on real
 *		servers of what becomes of the server then.
 *
 * A file "core_breaks" in the data directory names the way; it is gone before
 * the core dies of it.  Whatever the core does before and after is its own.
 */
#define pgr_core_step real_core_step
#define pgr_core_collect real_core_collect
#include "../src/pgr_core.c"
#undef pgr_core_step
#undef pgr_core_collect

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ORDER "core_breaks"

extern int	pgr_core_step(const uint8_t *event, int32_t len, uint8_t *actions, int32_t capacity);
extern int	pgr_core_collect(void);

static volatile int zero = 0;
static int	spoils_next_collection = 0;

static int
recurse(int depth)
{
	volatile char stack[1000];

	stack[0] = (char) depth;
	return depth < 0 ? 0 : recurse(depth + 1) + stack[0];
}

/* Which way to die was ordered; empty: none. */
static void
take_order(char *order, size_t size)
{
	int			fd = open(ORDER, O_RDONLY | O_CLOEXEC);
	ssize_t		n;

	order[0] = '\0';
	if (fd < 0)
		return;
	n = read(fd, order, size - 1);
	order[n > 0 ? n : 0] = '\0';
	order[strcspn(order, "\n")] = '\0';
	close(fd);
	unlink(ORDER);
}

int
pgr_core_step(const uint8_t *event, int32_t len, uint8_t *actions, int32_t capacity)
{
	char		order[64];

	take_order(order, sizeof(order));
	if (strcmp(order, "division by zero") == 0)
		zero = 1000 / zero;
	else if (strcmp(order, "endless recursion") == 0)
		zero = recurse(1);
	else if (strcmp(order, "out of heap") == 0)
		abort();				/* as TeaVM does */
	else if (strcmp(order, "endless loop") == 0)
		while (zero == 0)
			;
	else if (strcmp(order, "broken invariant") == 0)
		return break_down(PGR_CORE_INVARIANT_BROKEN, "broken invariant: it was told to");
	else if (strcmp(order, "changed state") == 0)
		spoils_next_collection = 1;
	return real_core_step(event, len, actions, capacity);
}

int
pgr_core_collect(void)
{
	if (spoils_next_collection)
		return break_down(PGR_CORE_STATE_CHANGED, "a collection changed the state: it was told to");
	return real_core_collect();
}
