/*
 * auth.c
 *		What two nodes must know to believe each other: HMAC-SHA-256 with the
 *		cluster's secret.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"

#include "common/hmac.h"
#include "utils/resowner.h"

static uint8 secret[PGR_SECRET_MAX];
static size_t secret_length = 0;
static pg_hmac_ctx *context = NULL;

static ssize_t
read_secret(int fd, uint8 *into, size_t capacity)
{
	size_t		length = 0;
	ssize_t		n;

	while (length < capacity)
	{
		n = read(fd, into + length, capacity - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		length += n;
	}
	return (ssize_t) length;
}

bool
pgr_auth_load(const char *path, char *problem, size_t size)
{
	uint8		content[PGR_SECRET_MAX + 2];
	struct stat status;
	ssize_t		length = -1;
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) != 0 || (length = read_secret(fd, content, sizeof(content))) < 0)
	{
		snprintf(problem, size, "could not read secret file \"%s\": %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0)
	{
		snprintf(problem, size, "secret file \"%s\" has mode %04o, but must be a file that only its owner, and at most its group, can read",
				 path, (unsigned) (status.st_mode & 07777));
		return false;
	}
	/* A line end is what editors add, not what the operator chose. */
	while (length > 0 && (content[length - 1] == '\n' || content[length - 1] == '\r'))
		length--;
	if (length < PGR_SECRET_MIN || length > PGR_SECRET_MAX)
	{
		snprintf(problem, size, "secret file \"%s\" holds %zd bytes, but must hold %d to %d",
				 path, length, PGR_SECRET_MIN, PGR_SECRET_MAX);
		return false;
	}
	memcpy(secret, content, length);
	secret_length = length;
	explicit_bzero(content, sizeof(content));
	return true;
}

/*
 * One context serves for all MACs.  Where Postgres uses OpenSSL, it ties the
 * context to a resource owner, and the voting process has none of its own.
 */
static bool
have_context(void)
{
	ResourceOwner before = CurrentResourceOwner;

	if (context != NULL)
		return true;
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pg_replica authentication");
	context = pg_hmac_create(PG_SHA256);
	CurrentResourceOwner = before;
	return context != NULL;
}

bool
pgr_auth_secret_mac(const char *label, const uint8 *data, size_t length,
					uint8 mac[PGR_MAC_SIZE])
{
	return secret_length > 0 && have_context() &&
		pg_hmac_init(context, secret, secret_length) == 0 &&
		pg_hmac_update(context, (const uint8 *) label, strlen(label) + 1) == 0 &&
		pg_hmac_update(context, data, length) == 0 &&
		pg_hmac_final(context, mac, PGR_MAC_SIZE) == 0;
}

bool
pgr_auth_session_mac(const uint8 key[PGR_MAC_SIZE],
					 const uint8 *head, size_t head_length,
					 const uint8 *body, size_t body_length,
					 uint8 mac[PGR_MAC_SIZE])
{
	return have_context() &&
		pg_hmac_init(context, key, PGR_MAC_SIZE) == 0 &&
		pg_hmac_update(context, head, head_length) == 0 &&
		pg_hmac_update(context, body, body_length) == 0 &&
		pg_hmac_final(context, mac, PGR_MAC_SIZE) == 0;
}

bool
pgr_auth_equal(const uint8 *a, const uint8 *b, size_t length)
{
	uint8		difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

bool
pgr_auth_nonce(uint8 nonce[PGR_NONCE_SIZE])
{
	return pg_strong_random(nonce, PGR_NONCE_SIZE);
}
