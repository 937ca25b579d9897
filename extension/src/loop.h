/*
 * loop.h
 *		The voting loop, the same in the node worker and the pre-start child.
 */
#ifndef PGR_LOOP_H
#define PGR_LOOP_H

#include "border.h"

#define PGR_ANSWERS_MAX 16

/* A task that was answered here and now; the core hears of it next. */
typedef struct PgrAnswer
{
	int			task;
	bool		ok;
	char		detail[PGR_TASK_DETAIL_SIZE];
} PgrAnswer;

/* Changes that were asked for and should show in the observations soon. */
#define PGR_EXPECT_PRIMARY 1
#define PGR_EXPECT_STREAMING 2
#define PGR_EXPECT_STOPPING 4
#define PGR_EXPECT_SYNC 8
#define PGR_EXPECT_CONFIRMED 16

typedef struct PgrLoop
{
	bool		child;			/* the pre-start child: there is no Postgres */
	bool		broken;			/* leave: "problem" says why */
	char		problem[640];

	int64		wake_at_ms;		/* what the core asked for */
	int64		tick_ms;		/* between two looks, when nothing is expected */
	int64		time_told_ms;	/* the last TimePassed */
	int64		stepped_ms;		/* the last event of any kind */
	int64		eventful_ms;	/* the last one that was not the daily round */
	int64		observed_ms;
	int64		addresses_ms;
	int64		progress_ms;

	uint32		expected;		/* PGR_EXPECT_... */
	int64		expected_until_ms;

	int			sync_mode;		/* as told */
	int			sync_standbys;	/* as read; what is wrong is not told */
	int			standbys_told;
	bool		mismatch_allowed;

	bool		sealing;
	int64		seal_term;
	int64		seal_until_ms;

	int			n_answers;
	PgrAnswer	answers[PGR_ANSWERS_MAX];

	bool		tell_anyway;	/* the next one, also if it is the same */
	PgrObservation seen;		/* the last one that was told */
	PgrWriter	event;
	uint8	   *actions;
} PgrLoop;

/* The caller decides when the loop ends, and is told at each turn. */
typedef bool (*PgrLoopGoesOn) (void);

/*
 * Runs until "goes_on" says no, or until something makes it impossible to
 * vote: the answer is then false and "problem" says what.
 */
extern bool pgr_loop_run(bool child, PgrLoopGoesOn goes_on, char *problem, size_t size);

/*
 * If a primary was last seen here, this process's loop tells the other nodes
 * that it recovers from a crash.  For the last moment of a worker that has to
 * leave: between two turns, or without a loop, for nothing.
 */
extern void pgr_loop_say_crashed(void);

/* loop_prepare.c; false: loop->problem, or "goes_on" said no. */
extern bool pgr_loop_prepare(PgrLoop *loop, PgrLoopGoesOn goes_on);
extern void pgr_loop_heartbeat(int64 now);

/* Ends the wait of the loop; async-signal-safe. */
extern int	pgr_wake_fd;
extern void pgr_wake(void);

/* actions.c: carries out a list in its order; on failure loop->broken. */
extern void pgr_actions_run(PgrLoop *loop, const uint8 *actions, int32 length);
extern void pgr_loop_fail(PgrLoop *loop, const char *problem);

/* addresses.c: where the nodes can be reached, without asking a name server. */
extern void pgr_addresses_recall(void);
extern bool pgr_addresses_refresh(int64 now, char *problem, size_t size);

#endif							/* PGR_LOOP_H */
