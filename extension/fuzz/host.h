/*
 * host.h
 *		What the fuzz targets of the C host need of Postgres.
 */
#ifndef PGR_FUZZ_HOST_H
#define PGR_FUZZ_HOST_H

#include "postgres.h"

#include "store.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* A claim about the code that is tried; the fuzzer keeps the input that breaks it. */
#define PROMISE(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* The files that border.c finds in the state directory when it writes a start. */
extern void (*host_files) (PgrStoreVisit visit, void *argument);

/* A copy of exactly this size, so that the sanitizer sees every byte read beyond it. */
static inline uint8 *
exact_copy(const uint8 *data, size_t size)
{
	uint8	   *copy = malloc(size > 0 ? size : 1);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

#endif							/* PGR_FUZZ_HOST_H */
