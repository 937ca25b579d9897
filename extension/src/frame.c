/*
 * frame.c
 *		One message between two nodes: length, sequence number, payload, MAC.
 */
#include "postgres.h"

#include "frame.h"

#include "bytes.h"

bool
pgr_frame_encode(uint8 *out, const uint8 key[PGR_MAC_SIZE], uint64 sequence,
				 const uint8 *payload, int32 length)
{
	if (length < 1 || length > PGR_FRAME_PAYLOAD_MAX)
		return false;
	pgr_store_u32(out, (uint32) length);
	pgr_store_u64(out + 4, sequence);
	memcpy(out + PGR_FRAME_HEAD, payload, length);
	return pgr_auth_session_mac(key, out, PGR_FRAME_HEAD, payload, length,
								out + PGR_FRAME_HEAD + length);
}

int32
pgr_frame_size(const uint8 *head)
{
	uint32		length = pgr_load_u32(head);

	if (length < 1 || length > PGR_FRAME_PAYLOAD_MAX)
		return -1;
	return PGR_FRAME_SIZE((int32) length);
}

PgrFrameResult
pgr_frame_decode(const uint8 *in, int32 available,
				 const uint8 key[PGR_MAC_SIZE], uint64 sequence,
				 int32 *size, const uint8 **payload, int32 *length,
				 const char **problem)
{
	uint8		mac[PGR_MAC_SIZE];

	*size = PGR_FRAME_HEAD;
	*problem = "";
	if (available < PGR_FRAME_HEAD)
		return PGR_FRAME_INCOMPLETE;
	*size = pgr_frame_size(in);
	if (*size < 0)
	{
		*problem = "a frame has an impossible length";
		return PGR_FRAME_BAD;
	}
	if (pgr_load_u64(in + 4) != sequence)
	{
		*problem = "a frame is out of sequence";
		return PGR_FRAME_BAD;
	}
	if (available < *size)
		return PGR_FRAME_INCOMPLETE;
	*payload = in + PGR_FRAME_HEAD;
	*length = *size - PGR_FRAME_SIZE(0);
	if (!pgr_auth_session_mac(key, in, PGR_FRAME_HEAD, *payload, *length, mac) ||
		!pgr_auth_equal(mac, *payload + *length, PGR_MAC_SIZE))
	{
		*problem = "a frame has a wrong signature";
		return PGR_FRAME_BAD;
	}
	return PGR_FRAME_COMPLETE;
}
