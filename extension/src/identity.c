/*
 * identity.c
 *		The data directory's identity file.
 *
 * Lines of text: what it is, the node, the inode of the data directory, the
 * content in hexadecimal, and a checksum of all that.  A copied directory has
 * another inode, a backup of another node another name.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "miscadmin.h"
#include "port/pg_crc32c.h"

#include "config.h"
#include "files.h"
#include "identity.h"

#define FORMAT 1
#define IDENTITY_LIMIT 8192

static bool
binding(char *out, size_t size)
{
	struct stat status;

	/* Both processes and their children have the data directory as cwd. */
	if (stat(".", &status) != 0)
		return false;
	snprintf(out, size, "pg_replica identity %d\nnode %s\ndirectory %llu\ncontent ",
			 FORMAT, pgr_node_name, (unsigned long long) status.st_ino);
	return true;
}

static uint32
checksum(const char *text, size_t length)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, text, length);
	FIN_CRC32C(crc);
	return crc;
}

/* Files of text begin with "pg_replica", what they are, and their format; 0: this one does not. */
int
pgr_format_of(const char *text, const char *what)
{
	char		begin[64];
	int			length = snprintf(begin, sizeof(begin), "pg_replica %s ", what);
	char	   *end;
	long		format;

	if (strncmp(text, begin, length) != 0)
		return 0;
	format = strtol(text + length, &end, 10);
	return *end == '\n' && format > 0 && format < PG_INT32_MAX ? (int) format : 0;
}

int
pgr_hex_encode(const uint8 *in, size_t length, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++)
	{
		out[2 * i] = digit[in[i] >> 4];
		out[2 * i + 1] = digit[in[i] & 15];
	}
	out[2 * length] = '\0';
	return 2 * length;
}

int
pgr_hex_decode(const char *in, size_t length, uint8 *out, size_t capacity)
{
	if (length % 2 != 0 || length / 2 > capacity)
		return -1;
	for (size_t i = 0; i < length; i++)
	{
		char		c = in[i];
		int			value = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (value < 0)
			return -1;
		out[i / 2] = (i % 2 == 0) ? value << 4 : out[i / 2] | value;
	}
	return length / 2;
}

/* Of any format: these two lines are in all of them. */
static bool
is_bound_here(const char *text)
{
	char		here[256];
	const char *lines = strchr(text, '\n');
	const char *expected;

	if (lines == NULL || !binding(here, sizeof(here)))
		return false;
	expected = strchr(here, '\n');
	return strncmp(lines, expected, strlen(expected) - strlen("content ")) == 0;
}

size_t
pgr_identity_read(uint8 *out, size_t capacity)
{
	char		expected[256];
	size_t		prefix,
				length;
	char	   *text = pgr_file_read(PGR_IDENTITY_FILE, IDENTITY_LIMIT, &length);
	char	   *end;
	unsigned int crc;
	int			content = 0;

	if (text == NULL)
		return 0;
	/* Whoever took it for no identity would have the data cloned away. */
	if (pgr_format_of(text, "identity") > FORMAT && is_bound_here(text))
		ereport(FATAL,
				(errmsg("the file \"%s/%s\" has format %d, this release of pg_replica reads %d",
						DataDir, PGR_IDENTITY_FILE, pgr_format_of(text, "identity"), FORMAT),
				 errhint("A newer release of pg_replica wrote it; install that release again.")));
	end = strstr(text, "\nchecksum ");
	if (end != NULL && binding(expected, sizeof(expected)) &&
		sscanf(end, "\nchecksum %8x\n", &crc) == 1 &&
		crc == checksum(text, end - text))
	{
		prefix = strlen(expected);
		if ((size_t) (end - text) >= prefix && memcmp(text, expected, prefix) == 0)
			content = pgr_hex_decode(text + prefix, end - text - prefix, out, capacity);
	}
	free(text);
	return content > 0 ? content : 0;
}

bool
pgr_identity_write(const uint8 *content, size_t length, char *error, size_t error_size)
{
	char		text[256 + 2 * PGR_IDENTITY_MAX + 32];
	size_t		used;

	if (length > PGR_IDENTITY_MAX)
	{
		snprintf(error, error_size, "an identity of %zu bytes is longer than %d",
				 length, PGR_IDENTITY_MAX);
		return false;
	}
	if (!binding(text, 256))
	{
		snprintf(error, error_size, "could not stat the data directory: %s", strerror(errno));
		return false;
	}
	used = strlen(text);
	used += pgr_hex_encode(content, length, text + used);
	snprintf(text + used, sizeof(text) - used, "\nchecksum %08x\n", checksum(text, used));
	if (!pgr_file_write(PGR_IDENTITY_FILE, text, strlen(text)))
	{
		snprintf(error, error_size, "could not write file \"%s/%s\": %s",
				 DataDir, PGR_IDENTITY_FILE, strerror(errno));
		return false;
	}
	return true;
}

bool
pgr_identity_remove(void)
{
	if (unlink(PGR_IDENTITY_FILE) != 0 && errno != ENOENT)
		return false;
	return pgr_fsync_path(".");
}
