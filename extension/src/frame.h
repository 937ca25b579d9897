/*
 * frame.h
 *		One message between two nodes: length, sequence number, payload, MAC.
 */
#ifndef PGR_FRAME_H
#define PGR_FRAME_H

#include "auth.h"

#define PGR_FRAME_PAYLOAD_MAX (256 * 1024)
#define PGR_FRAME_HEAD 12
#define PGR_FRAME_SIZE(payload) (PGR_FRAME_HEAD + (payload) + PGR_MAC_SIZE)

typedef enum PgrFrameResult
{
	PGR_FRAME_COMPLETE,
	PGR_FRAME_INCOMPLETE,		/* "*size" bytes are needed */
	PGR_FRAME_BAD				/* "*problem" says why; close the connection */
} PgrFrameResult;

/* Writes PGR_FRAME_SIZE(length) bytes. */
extern bool pgr_frame_encode(uint8 *out, const uint8 key[PGR_MAC_SIZE], uint64 sequence,
							 const uint8 *payload, int32 length);

/*
 * Looks at the first frame of what was received.  A length is believed only
 * within its limit, and the payload only after its MAC.
 */
extern PgrFrameResult pgr_frame_decode(const uint8 *in, int32 available,
									   const uint8 key[PGR_MAC_SIZE], uint64 sequence,
									   int32 *size, const uint8 **payload, int32 *length,
									   const char **problem);

/* The size its first PGR_FRAME_HEAD bytes promise, or -1 if impossible. */
extern int32 pgr_frame_size(const uint8 *head);

#endif							/* PGR_FRAME_H */
