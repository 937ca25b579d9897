/*
 * auth.h
 *		What two nodes must know to believe each other: HMAC-SHA-256 with the
 *		cluster's secret.
 */
#ifndef PGR_AUTH_H
#define PGR_AUTH_H

#define PGR_MAC_SIZE 32
#define PGR_NONCE_SIZE 32
#define PGR_SECRET_MIN 16
#define PGR_SECRET_MAX 1024

/* Reads the secret; false: "problem" says why and what to do. */
extern bool pgr_auth_load(const char *path, char *problem, size_t size);

/* MAC of label and data under the secret. */
extern bool pgr_auth_secret_mac(const char *label, const uint8 *data, size_t length,
								uint8 mac[PGR_MAC_SIZE]);

/* MAC of head and body under a session key. */
extern bool pgr_auth_session_mac(const uint8 key[PGR_MAC_SIZE],
								 const uint8 *head, size_t head_length,
								 const uint8 *body, size_t body_length,
								 uint8 mac[PGR_MAC_SIZE]);

/* Takes the same time wherever the difference is. */
extern bool pgr_auth_equal(const uint8 *a, const uint8 *b, size_t length);

extern bool pgr_auth_nonce(uint8 nonce[PGR_NONCE_SIZE]);

#endif							/* PGR_AUTH_H */
