/*
 * golden.h
 *		Bytes as a released version wrote them, each in a file of its own.
 *
 * With PGR_GOLDENS=write what is missing is kept; what is there is never
 * written again.  CONTRIBUTING.md says what to do when a format changes.
 */
#ifndef PGR_GOLDEN_H
#define PGR_GOLDEN_H

#define GOLDEN_RELEASE "1.0.0"

#include <sys/stat.h>

static const char *golden_folder;

/* The kept bytes; what this version writes is kept first if it may be and nothing is there. */
static size_t
golden_kept(const char *name, const void *written, size_t length, void *out, size_t capacity)
{
	char		path[MAXPGPATH];
	size_t		found = 0;
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s/%s", golden_folder, GOLDEN_RELEASE, name);
	file = fopen(path, "r");
	if (file == NULL && getenv("PGR_GOLDENS") != NULL)
	{
		*strrchr(path, '/') = '\0';
		(void) mkdir(path, 0755);
		path[strlen(path)] = '/';
		file = fopen(path, "w");
		fwrite(written, 1, length, file);
		fclose(file);
		file = fopen(path, "r");
	}
	if (file == NULL)
	{
		printf("%s is missing: ./dev goldens writes it\n", path);
		exit(1);
	}
	found = fread(out, 1, capacity, file);
	fclose(file);
	return found;
}

#endif							/* PGR_GOLDEN_H */
