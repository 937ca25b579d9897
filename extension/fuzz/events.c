/*
 * events.c
 *		Fuzz target: any bytes as events, after a life that began as it should.
 *
 * Input: a byte that chooses the life, then events, each after its u16 length.
 * The lives are traces in the directory that PGR_FUZZ_LIVES names.
 */
#include "core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVES_MAX 16
#define HEAD (8 + 4)
#define EVENT 1

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Life
{
	uint8_t    *bytes;
	size_t		length;
} Life;

static Life lives[LIVES_MAX];
static int	n_lives = 0;

static void
load(const char *path)
{
	FILE	   *file = fopen(path, "rb");
	Life	   *life = &lives[n_lives++];

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		abort();
	life->length = (size_t) ftell(file);
	life->bytes = malloc(life->length);
	rewind(file);
	if (fread(life->bytes, 1, life->length, file) != life->length)
		abort();
	fclose(file);
}

static int
is_trace(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end != NULL && strcmp(end, ".trace") == 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *directory = getenv("PGR_FUZZ_LIVES");
	struct dirent **entries;
	int			n;

	(void) argc;
	(void) argv;
	n = directory == NULL ? -1 : scandir(directory, &entries, is_trace, alphasort);
	if (n < 1 || n > LIVES_MAX)
	{
		fprintf(stderr, "PGR_FUZZ_LIVES names no directory with traces\n");
		exit(2);
	}
	for (int i = 0; i < n; i++)
	{
		char		path[4096];

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		load(path);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static uint32_t
number(const uint8_t *at)
{
	return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

static void
live(const Life *life)
{
	size_t		at = HEAD;

	while (at + 5 <= life->length)
	{
		uint32_t	length = number(life->bytes + at + 1);

		if (length > life->length - at - 5)
			abort();
		/* A life from the repository is one that the core takes. */
		if (life->bytes[at] == EVENT && !core_takes(life->bytes + at + 5, length))
			abort();
		at += 5 + length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	live(&lives[data[0] % n_lives]);
	data++;
	size--;
	while (size >= 2)
	{
		size_t		length = (size_t) data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		if (!core_takes(data, length))
			break;
		data += length;
		size -= length;
	}
	core_rests();
	return 0;
}
