/*
 * mailbox.h
 *		Requests of SQL sessions to the node worker, and what it publishes.
 */
#ifndef PGR_MAILBOX_H
#define PGR_MAILBOX_H

#include "port/atomics.h"

#define PGR_MAILBOX_SLOTS 16
#define PGR_MAIL_WITHIN_MS Max(10000, 10 * pgr_election_timeout)	/* the core answers earlier */
#define PGR_VERB_SIZE 32
#define PGR_ARGUMENTS_MAX 8
#define PGR_ARGUMENTS_SIZE 1024
#define PGR_REPLY_SIZE 2048
#define PGR_PUBLISHED_SIZE (128 * 1024)
#define PGR_PUBLISHED_PAGES 2	/* what moves, what is settled */
#define PGR_PUBLISHED_MOVING 0	/* written once per election timeout at least */

typedef enum PgrMailState
{
	PGR_MAIL_FREE = 0,
	PGR_MAIL_WRITING,			/* a session fills it */
	PGR_MAIL_ASKED,				/* the worker has not seen it yet */
	PGR_MAIL_TAKEN,				/* the core has it */
	PGR_MAIL_ANSWERED			/* the session reads it */
} PgrMailState;

typedef struct PgrMailSlot
{
	pg_atomic_uint32 state;		/* PgrMailState */
	pg_atomic_uint64 expires_ms;	/* later, anybody may free the slot */
	uint64		id;
	int			asker;			/* index of the session's PGPROC */
	int			n_arguments;
	char		verb[PGR_VERB_SIZE];
	char		arguments[PGR_ARGUMENTS_SIZE];	/* each ended by a zero byte */
	bool		ok;
	char		reply[PGR_REPLY_SIZE];
} PgrMailSlot;

typedef struct PgrMailbox
{
	pg_atomic_uint64 next_id;
	pg_atomic_uint64 asked;		/* how many requests were put into slots */
	PgrMailSlot slots[PGR_MAILBOX_SLOTS];
} PgrMailbox;

/*
 * The tables of the last Publish action for one page, as the core encoded
 * them.  "version" is odd while the worker writes.
 */
typedef struct PgrPublished
{
	pg_atomic_uint64 version;
	pg_atomic_uint64 at_ms;		/* 0: nothing was ever published */
	uint32		length;
	uint8		data[PGR_PUBLISHED_SIZE];
} PgrPublished;

extern void pgr_mailbox_init(void);

/* Session side: asks and waits, interruptibly.  False: "reply" says why not. */
extern bool pgr_mailbox_ask(const char *verb, int n_arguments, const char **arguments,
							int timeout_ms, char *reply, size_t size);

/*
 * The same for who must not wait.  Whoever posted a request collects its answer
 * (false: there is none yet), or withdraws it soon after "until_ms".  NULL:
 * "refusal" says why it could not be posted.
 */
extern PgrMailSlot *pgr_mailbox_post(const char *verb, int n_arguments, const char **arguments,
									 int64 until_ms, char *refusal, size_t size);
extern bool pgr_mailbox_collect(PgrMailSlot *slot, bool *ok, char *reply, size_t size);
extern void pgr_mailbox_withdraw(PgrMailSlot *slot);

/* Worker side: the next unseen request, or NULL. */
extern PgrMailSlot *pgr_mailbox_take(void);
extern void pgr_mailbox_answer(uint64 id, bool ok, const char *text, int32 length);

/* At the start of a worker: nobody will answer what the last one took. */
extern void pgr_mailbox_disown(void);

extern void pgr_published_write(PgrPublished *published, const uint8 *data, int32 length);

/* A consistent copy in a palloc'd buffer; NULL if there is none. */
extern uint8 *pgr_published_read(PgrPublished *published, int32 *length);

#endif							/* PGR_MAILBOX_H */
