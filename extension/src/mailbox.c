/*
 * mailbox.c
 *		Requests of SQL sessions to the node worker, and what it publishes.
 *
 * Each slot belongs to one side at a time, as its state says; the worker never
 * waits for a session, and a session that leaves early frees its slot.
 */
#include "postgres.h"

#include "compat.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"

#include "config.h"
#include "mailbox.h"
#include "shared.h"

#define EXPIRES_AFTER_MS 5000
#define READ_ATTEMPTS 1000

void
pgr_mailbox_init(void)
{
	PgrMailbox *box = &pgr_shared->mailbox;

	pg_atomic_init_u64(&box->next_id, 1);
	pg_atomic_init_u64(&box->asked, 0);
	for (int i = 0; i < PGR_MAILBOX_SLOTS; i++)
	{
		pg_atomic_init_u32(&box->slots[i].state, PGR_MAIL_FREE);
		pg_atomic_init_u64(&box->slots[i].expires_ms, 0);
	}
	for (int i = 0; i < PGR_PUBLISHED_PAGES; i++)
	{
		pg_atomic_init_u64(&pgr_shared->published[i].version, 0);
		pg_atomic_init_u64(&pgr_shared->published[i].at_ms, 0);
	}
}

static bool
move(PgrMailSlot *slot, PgrMailState from, PgrMailState to)
{
	uint32		expected = from;

	return pg_atomic_compare_exchange_u32(&slot->state, &expected, to);
}

/* A free slot, or one whose session died without freeing it. */
static PgrMailSlot *
claim(int64 expires_ms)
{
	int64		now = pgr_now_ms();

	for (int i = 0; i < PGR_MAILBOX_SLOTS; i++)
	{
		PgrMailSlot *slot = &pgr_shared->mailbox.slots[i];
		uint32		state = pg_atomic_read_u32(&slot->state);

		if (state != PGR_MAIL_FREE && now < (int64) pg_atomic_read_u64(&slot->expires_ms))
			continue;
		if (!move(slot, (PgrMailState) state, PGR_MAIL_WRITING))
			continue;
		pg_atomic_write_u64(&slot->expires_ms, (uint64) expires_ms);
		return slot;
	}
	return NULL;
}

static bool
fill(PgrMailSlot *slot, const char *verb, int n_arguments, const char **arguments)
{
	size_t		at = 0;

	if (n_arguments > PGR_ARGUMENTS_MAX || strlen(verb) >= sizeof(slot->verb))
		return false;
	strlcpy(slot->verb, verb, sizeof(slot->verb));
	for (int i = 0; i < n_arguments; i++)
	{
		size_t		size = strlen(arguments[i]) + 1;

		if (size > sizeof(slot->arguments) - at)
			return false;
		memcpy(slot->arguments + at, arguments[i], size);
		at += size;
	}
	slot->n_arguments = n_arguments;
	slot->asker = (int) (MyProc - ProcGlobal->allProcs);
	slot->id = pg_atomic_fetch_add_u64(&pgr_shared->mailbox.next_id, 1);
	slot->reply[0] = '\0';
	slot->ok = false;
	return true;
}

static void
wait_for_answer(PgrMailSlot *slot, int64 until)
{
	while (pg_atomic_read_u32(&slot->state) != PGR_MAIL_ANSWERED)
	{
		int64		now = pgr_now_ms();

		if (now >= until)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) Min(until - now, 1000), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

PgrMailSlot *
pgr_mailbox_post(const char *verb, int n_arguments, const char **arguments,
				 int64 until_ms, char *refusal, size_t size)
{
	PgrMailSlot *slot = claim(until_ms + EXPIRES_AFTER_MS);

	if (slot == NULL)
	{
		snprintf(refusal, size, "too many requests are waiting for the node worker; try again");
		return NULL;
	}
	if (!fill(slot, verb, n_arguments, arguments))
	{
		pgr_mailbox_withdraw(slot);
		snprintf(refusal, size, "the request is too long");
		return NULL;
	}
	pg_write_barrier();
	pg_atomic_write_u32(&slot->state, PGR_MAIL_ASKED);
	pg_atomic_fetch_add_u64(&pgr_shared->mailbox.asked, 1);
	pgr_worker_wake();
	return slot;
}

bool
pgr_mailbox_collect(PgrMailSlot *slot, bool *ok, char *reply, size_t size)
{
	if (pg_atomic_read_u32(&slot->state) != PGR_MAIL_ANSWERED)
		return false;
	pg_read_barrier();
	*ok = slot->ok;
	strlcpy(reply, slot->reply, size);
	pgr_mailbox_withdraw(slot);
	return true;
}

void
pgr_mailbox_withdraw(PgrMailSlot *slot)
{
	pg_atomic_write_u32(&slot->state, PGR_MAIL_FREE);
}

bool
pgr_mailbox_ask(const char *verb, int n_arguments, const char **arguments,
				int timeout_ms, char *reply, size_t size)
{
	int64		until = pgr_now_ms() + timeout_ms;
	PgrMailSlot *slot = pgr_mailbox_post(verb, n_arguments, arguments, until, reply, size);
	bool		ok = false;

	if (slot == NULL)
		return false;
	PG_TRY();
	{
		wait_for_answer(slot, until);
	}
	PG_CATCH();
	{
		pgr_mailbox_withdraw(slot);
		PG_RE_THROW();
	}
	PG_END_TRY();

	if (pgr_mailbox_collect(slot, &ok, reply, size))
		return ok;
	pgr_mailbox_withdraw(slot);
	snprintf(reply, size, "the node worker gave no answer within %d ms; the request may still take effect, see pg_replica.status()",
			 timeout_ms);
	return false;
}

PgrMailSlot *
pgr_mailbox_take(void)
{
	static uint64 seen = 0;
	uint64		asked = pg_atomic_read_u64(&pgr_shared->mailbox.asked);

	/* The slots are large; usually nobody has asked. */
	if (asked == seen)
		return NULL;
	pg_read_barrier();
	for (int i = 0; i < PGR_MAILBOX_SLOTS; i++)
	{
		PgrMailSlot *slot = &pgr_shared->mailbox.slots[i];

		if (pg_atomic_read_u32(&slot->state) == PGR_MAIL_ASKED &&
			move(slot, PGR_MAIL_ASKED, PGR_MAIL_TAKEN))
		{
			pg_read_barrier();
			return slot;
		}
	}
	seen = asked;
	return NULL;
}

static void
answer_slot(PgrMailSlot *slot, bool ok, const char *text, int32 length)
{
	length = Min(length, PGR_REPLY_SIZE - 1);
	memcpy(slot->reply, text, length);
	slot->reply[length] = '\0';
	slot->ok = ok;
	pg_write_barrier();
	/* A session that left meanwhile has freed the slot: then nobody reads it. */
	if (move(slot, PGR_MAIL_TAKEN, PGR_MAIL_ANSWERED))
		SetLatch(&ProcGlobal->allProcs[slot->asker].procLatch);
}

void
pgr_mailbox_answer(uint64 id, bool ok, const char *text, int32 length)
{
	for (int i = 0; i < PGR_MAILBOX_SLOTS; i++)
	{
		PgrMailSlot *slot = &pgr_shared->mailbox.slots[i];

		if (pg_atomic_read_u32(&slot->state) == PGR_MAIL_TAKEN && slot->id == id)
		{
			answer_slot(slot, ok, text, length);
			return;
		}
	}
}

void
pgr_mailbox_disown(void)
{
	const char *text = "the node worker started anew before it answered; see pg_replica.status() before asking again";

	for (int i = 0; i < PGR_MAILBOX_SLOTS; i++)
	{
		PgrMailSlot *slot = &pgr_shared->mailbox.slots[i];

		if (pg_atomic_read_u32(&slot->state) == PGR_MAIL_TAKEN)
			answer_slot(slot, false, text, (int32) strlen(text));
	}
}

/*
 * Written by the voting process only.  One that died halfway left an odd
 * version; the next writer starts from there.
 */
void
pgr_published_write(PgrPublished *published, const uint8 *data, int32 length)
{
	uint64		version = pg_atomic_read_u64(&published->version) | 1;

	if (length > PGR_PUBLISHED_SIZE)
	{
		static bool said = false;

		if (!said)
			ereport(LOG,
					(errmsg("pg_replica cannot show its state: it takes %d bytes, more than %d",
							(int) length, PGR_PUBLISHED_SIZE)));
		said = true;
		return;
	}
	pg_atomic_write_u64(&published->version, version);
	pg_write_barrier();
	memcpy(published->data, data, length);
	published->length = (uint32) length;
	pg_atomic_write_u64(&published->at_ms, (uint64) pgr_now_ms());
	pg_write_barrier();
	pg_atomic_write_u64(&published->version, version + 1);
}

uint8 *
pgr_published_read(PgrPublished *published, int32 *length)
{
	uint8	   *copy = palloc(PGR_PUBLISHED_SIZE);

	for (int i = 0; i < READ_ATTEMPTS; i++)
	{
		uint64		version = pg_atomic_read_u64(&published->version);

		pg_read_barrier();
		*length = (int32) Min(published->length, PGR_PUBLISHED_SIZE);
		memcpy(copy, published->data, *length);
		pg_read_barrier();
		if ((version & 1) == 0 && pg_atomic_read_u64(&published->version) == version)
		{
			if (pg_atomic_read_u64(&published->at_ms) != 0)
				return copy;
			break;
		}
		CHECK_FOR_INTERRUPTS();
		pg_usleep(100);
	}
	pfree(copy);
	return NULL;
}
