/*
 * fence.h
 *		Who may write here, and until when.
 */
#ifndef PGR_FENCE_H
#define PGR_FENCE_H

#include "nodes/parsenodes.h"
#include "port/atomics.h"

#include "config.h"

#define PGR_REASON_SIZE 256
#define PGR_MAX_ADMITTED 32

/*
 * A text with one writer (the node worker, or the postmaster while it has no
 * other child) and readers that never block it: "version" is odd while the
 * text changes.
 */
typedef struct PgrFenceShared
{
	/* CLOCK_BOOTTIME nanoseconds; in the past or 0: closed */
	pg_atomic_uint64 deadline;
	pg_atomic_uint64 term;

	/* raised at each change between open and closed that the worker makes */
	pg_atomic_uint32 changes;

	/* a commit is acknowledged only when standbys have confirmed it */
	pg_atomic_uint32 quorum;
	/* those that a session's synchronous_commit spared, since the start */
	pg_atomic_uint64 weaker_commits;
	pg_atomic_uint32 commits;	/* of sessions, under way and not to be rolled back */

	/* ordinary users may read in a synchronous mode */
	pg_atomic_uint32 reads;

	pg_atomic_uint32 why_version;
	char		why[PGR_REASON_SIZE];

	/* physical replication that may connect; same protocol as "why" */
	pg_atomic_uint32 admitted_version;
	uint32		n_admitted;
	char		admitted[PGR_MAX_ADMITTED][NAMEDATALEN];
} PgrFenceShared;

extern void pgr_fence_shared_init(PgrFenceShared *fence);
extern void pgr_fence_init(void);

/*
 * For the node worker only.  A deadline of 0 closes; when the function
 * returns, every check that starts from now on finds the fence closed.  With a
 * deadline in the past writes are held instead of refused: each waits up to
 * one election timeout for the fence to be opened again.
 */
extern void pgr_fence_set_lease(int64 deadline_ms, int64 term, const char *why, bool quorum);

/* Back to closed, nobody admitted, no reads (a crash restart inside the postmaster). */
extern void pgr_fence_reset(void);

extern bool pgr_fence_is_open(void);

/* For the node worker: does its lease run for so long at least? */
extern bool pgr_fence_lasts(int64 ms);

/* Why writes are refused, as the clients are told; always a text. */
extern void pgr_fence_reason(char *out, size_t size);

/* For the commit: the client is never told, or only after one more look. */
extern void pgr_fence_suppress_answer(const char *why);
extern void pgr_fence_watch_answer(void);

/* Between fence.c, fence_statements.c and admission.c. */
extern void pgr_fence_require(void);
extern void pgr_fence_statements_init(void);
extern void pgr_text_begin(pg_atomic_uint32 *version);
extern void pgr_text_end(pg_atomic_uint32 *version);
extern bool pgr_text_copy(pg_atomic_uint32 *version, void *to, const void *from,
						  size_t size);

/*
 * fence_commit.c: what standbys must have confirmed.  A commit begins before
 * its WAL is flushed, and is forgotten when it has ended either way.
 */
extern void pgr_commit_begins(bool prepare);
extern void pgr_commit_prepared_begins(void);
extern void pgr_commit_prepared_ended(void);
extern bool pgr_commit_ended_prepared(void);
extern bool pgr_commit_is_confirmed(bool prepare);
extern void pgr_commit_forget(void);

/* fence_wait.c: from where it cannot be rolled back, a commit waits to the end. */
extern void pgr_wait_begins(void);
extern void pgr_wait_ends(void);
extern bool pgr_wait_has_hung_up(void);
extern bool pgr_commits_wait(void);

/* fence_reads.c */
extern void pgr_reads_allow(bool allowed);
extern bool pgr_reads_are_allowed(void);
extern void pgr_reads_require(List *relations);
extern void pgr_reads_require_copy(CopyStmt *statement);

/* admission.c */
extern void pgr_admission_init(void);
extern void pgr_admit(const char **names, int n);

#endif							/* PGR_FENCE_H */
