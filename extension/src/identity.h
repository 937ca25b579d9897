/*-------------------------------------------------------------------------
 *
 * identity.h
 *		The data directory's identity file: bytes of the core, bound to this
 *		node's name and to this very directory, so that a copy of the
 *		directory (pg_basebackup, a restored backup) has no identity.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGR_IDENTITY_H
#define PGR_IDENTITY_H

#define PGR_IDENTITY_FILE	"pg_replica.identity"
#define PGR_IDENTITY_MAX	1024	/* bytes of content */

/*
 * Content of the identity file, 0 bytes if it is absent, damaged, or bound to
 * another node or directory.
 */
extern size_t pgr_identity_read(uint8 *out, size_t capacity);

/* Durable when it returns true; otherwise *error says why. */
extern bool pgr_identity_write(const uint8 *content, size_t length,
							   char *error, size_t error_size);

/* From now on this directory has no identity; durable when it returns true. */
extern bool pgr_identity_remove(void);

/* The format of one of the host's files of text, which its first line names; 0: no such file. */
extern int	pgr_format_of(const char *text, const char *what);

/* Lower-case hexadecimal; decoding answers -1 for anything else. */
extern int	pgr_hex_encode(const uint8 *in, size_t length, char *out);
extern int	pgr_hex_decode(const char *in, size_t length, uint8 *out, size_t capacity);

#endif							/* PGR_IDENTITY_H */
