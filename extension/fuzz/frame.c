/*
 * frame.c
 *		Fuzz target: a frame as a connected node, or whoever took its place, sends it.
 *
 * Input: the stream; with the lowest bit of its first byte the frame that
 * begins there is given its right signature, or none would ever be complete.
 */
#include "host.h"

#include "bytes.h"
#include "frame.h"

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static const uint8 key[PGR_MAC_SIZE] = {1};
	uint8	   *in;
	int32		available;
	int32		at = 0;
	uint64		sequence = 0;
	bool		sign;

	if (size < 1)
		return 0;
	sign = data[0] & 1;
	available = (int32) size - 1;
	in = exact_copy(data + 1, available);
	while (at <= available)
	{
		const uint8 *payload = NULL;
		const char *problem = NULL;
		int32		length = 0;
		int32		frame = 0;
		PgrFrameResult result;

		if (sign && available - at >= PGR_FRAME_HEAD)
		{
			frame = pgr_frame_size(in + at);
			PROMISE(frame == -1 || (frame > PGR_FRAME_SIZE(0) && frame <= PGR_FRAME_SIZE(PGR_FRAME_PAYLOAD_MAX)));
			if (frame > 0 && frame <= available - at)
			{
				pgr_store_u64(in + at + 4, sequence);
				pgr_auth_session_mac(key, in + at, PGR_FRAME_HEAD, in + at + PGR_FRAME_HEAD,
									 frame - PGR_FRAME_SIZE(0), in + at + frame - PGR_MAC_SIZE);
			}
		}
		result = pgr_frame_decode(in + at, available - at, key, sequence, &frame, &payload, &length, &problem);
		PROMISE(problem != NULL);
		if (result == PGR_FRAME_INCOMPLETE)
			PROMISE(frame > available - at && frame <= PGR_FRAME_SIZE(PGR_FRAME_PAYLOAD_MAX));
		if (result == PGR_FRAME_BAD)
			PROMISE(problem[0] != '\0');
		if (result != PGR_FRAME_COMPLETE)
			break;
		PROMISE(payload >= in + at && payload + length + PGR_MAC_SIZE <= in + available);
		PROMISE(length >= 1 && frame == PGR_FRAME_SIZE(length));
		at += frame;
		sequence++;
	}
	free(in);
	return 0;
}
