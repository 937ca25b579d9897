/*
 * actions.c
 *		Fuzz target: a list of actions as the host reads it, and the primitives below.
 *
 * The core made the bytes, so a malformed list is a broken core; the host must
 * see that and must not fall over it.
 */
#include "host.h"

#include "border.h"

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static void
look_at(const PgrAction *action, const uint8 *in, int32 length)
{
	PROMISE(ends(action->name, sizeof(action->name)));
	PROMISE(ends(action->text, sizeof(action->text)));
	PROMISE(ends(action->application_name, sizeof(action->application_name)));
	PROMISE(ends(action->slot, sizeof(action->slot)));
	PROMISE(action->n_names >= 0 && action->n_names <= PGR_ACTION_NAMES_MAX);
	PROMISE(action->n_wishes >= 0 && action->n_wishes <= PGR_SLOT_WISHES);
	for (int i = 0; i < action->n_names; i++)
		PROMISE(ends(action->names[i], PGR_NAME_SIZE));
	if (action->length > 0)
		PROMISE(action->content >= in && action->content + action->length <= in + length);
	PROMISE(action->length >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static PgrAction action;
	uint8	   *in = exact_copy(data, size);
	PgrReader	reader = {in, (int32) size, 0, false};
	int32		count = pgr_take_count(&reader, 1);

	PROMISE(count >= 0 && (size_t) count <= size);
	for (int32 i = 0; i < count && !reader.bad; i++)
	{
		int32		before = reader.at;

		memset(&action, 0, sizeof(action));
		if (!pgr_action_read(&reader, &action))
			break;
		PROMISE(reader.at > before && reader.at <= reader.length);
		look_at(&action, in, (int32) size);
	}
	free(in);
	return 0;
}
