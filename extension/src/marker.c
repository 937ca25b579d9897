/*
 * marker.c
 *		The work marker: what is to be done before the server may start, and
 *		how far it has come.
 */
#include "postgres.h"

#include "config.h"
#include "store.h"
#include "work.h"

#define FORMAT 1
#define MARKER_SIZE (4096 + 2 * PGR_IDENTITY_MAX)

/* The rest of the line that begins with "name ", or false. */
static bool
line_value(const char *text, const char *name, char *out, size_t size)
{
	size_t		length = strlen(name);

	for (const char *line = text; line != NULL && *line != '\0';)
	{
		const char *end = strchr(line, '\n');
		size_t		whole = end ? (size_t) (end - line) : strlen(line);

		if (whole > length && strncmp(line, name, length) == 0 && line[length] == ' ')
		{
			size_t		value = whole - length - 1;

			if (value >= size)
				return false;
			memcpy(out, line + length + 1, value);
			out[value] = '\0';
			return true;
		}
		line = end ? end + 1 : NULL;
	}
	return false;
}

static bool
parse(const char *text, PgrMarker *marker)
{
	char		number[16];
	char		identity[2 * PGR_IDENTITY_MAX + 1];
	int			length;

	memset(marker, 0, sizeof(*marker));
	if (pgr_format_of(text, "work") != FORMAT ||
		strstr(text, "\nend\n") == NULL ||
		!line_value(text, "node", marker->node, sizeof(marker->node)) ||
		!line_value(text, "source", marker->source, sizeof(marker->source)))
		return false;
	if (!line_value(text, "work", number, sizeof(number)))
		return false;
	marker->work = atoi(number);
	if (!line_value(text, "step", number, sizeof(number)))
		return false;
	marker->step = atoi(number);
	if (!line_value(text, "failures", number, sizeof(number)))
		return false;
	marker->failures = atoi(number);
	(void) line_value(text, "why", marker->why, sizeof(marker->why));
	if (line_value(text, "identity", identity, sizeof(identity)))
	{
		length = pgr_hex_decode(identity, strlen(identity), marker->identity,
								sizeof(marker->identity));
		if (length < 0)
			return false;
		marker->identity_length = length;
	}
	return (marker->work == PGR_WORK_REWIND || marker->work == PGR_WORK_CLONE) &&
		marker->step <= PGR_STEP_REWINDING;
}

bool
pgr_marker_read(PgrMarker *marker, bool *found, char *problem, size_t size)
{
	int32		length;
	bool		missing;
	char	   *text = (char *) pgr_store_read(PGR_STORE_WORK, &length, &missing, problem, size);
	char		copy[MARKER_SIZE];
	bool		good;

	*found = false;
	if (text == NULL)
		return missing;
	*found = true;
	snprintf(problem, size, "the file \"%s/%s\" is damaged", pgr_state_dir, PGR_STORE_WORK);
	good = length > 0 && length < (int32) sizeof(copy);
	if (good)
	{
		memcpy(copy, text, length);
		copy[length] = '\0';
		good = parse(copy, marker);
		if (pgr_format_of(copy, "work") > FORMAT)
			snprintf(problem, size,
					 "the file \"%s/%s\" has format %d, this release of pg_replica reads %d: a newer release wrote it; install that release again",
					 pgr_state_dir, PGR_STORE_WORK, pgr_format_of(copy, "work"), FORMAT);
	}
	free(text);
	return good;
}

bool
pgr_marker_write(const PgrMarker *marker, char *problem, size_t size)
{
	char		text[MARKER_SIZE];
	char		identity[2 * PGR_IDENTITY_MAX + 1];
	char		why[PGR_WHY_SIZE];
	int			length;

	strlcpy(why, marker->why, sizeof(why));
	for (char *at = why; *at != '\0'; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	(void) pgr_hex_encode(marker->identity, marker->identity_length, identity);
	length = snprintf(text, sizeof(text),
					  "pg_replica work %d\nnode %s\nwork %d\nstep %d\nsource %s\nfailures %u\n"
					  "identity %s\nwhy %s\nend\n",
					  FORMAT, marker->node, marker->work, marker->step, marker->source,
					  marker->failures, identity, why);
	return pgr_store_replace(PGR_STORE_WORK, text, length, problem, size);
}

void
pgr_marker_step(PgrMarker *marker, PgrStep step)
{
	char		problem[512];

	marker->step = step;
	if (!pgr_marker_write(marker, problem, sizeof(problem)))
		ereport(FATAL,
				(errmsg("pg_replica cannot go on with its work: %s", problem)));
}
