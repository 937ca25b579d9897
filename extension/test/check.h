/*
 * check.h
 *		What the tests of the C host count and print.
 */
#ifndef PGR_CHECK_H
#define PGR_CHECK_H

#include <stdio.h>

static int	failures = 0;

/* What else is known when it is not true is printed behind it, as by printf. */
#define CHECK_OR_SAY(condition, ...) \
	do { \
		if (!(condition)) \
		{ \
			printf("%s:%d: not true: %s", __FILE__, __LINE__, #condition); \
			printf(__VA_ARGS__); \
			printf("\n"); \
			failures++; \
		} \
	} while (0)

/* The status that the program ends with. */
static int
verdict(const char *program)
{
	printf("%s: %s\n", program, failures == 0 ? "good" : "FAILED");
	return failures == 0 ? 0 : 1;
}

#endif							/* PGR_CHECK_H */
