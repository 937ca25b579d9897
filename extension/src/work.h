/*
 * work.h
 *		Between the files that do the work before a start: prestart.c, helper.c,
 *		marker.c, stage.c, tablespace.c, tool.c, rewind.c, clone.c.
 *
 * The data directory stays one that a postmaster can begin to start in,
 * whenever it is killed: settings, certificates and everything else that is
 * not Postgres's own stay where they are, and so does a readable
 * global/pg_control.  Only what Postgres itself makes is moved out for a
 * rewind, or replaced by a clone.
 */
#ifndef PGR_WORK_H
#define PGR_WORK_H

#include "prestart.h"

/* Beside the data, inside the data directory: one mount, one rename. */
#define PGR_REWIND_DIRECTORY "pg_replica.rewind"
#define PGR_CLONE_DIRECTORY "pg_replica.clone"

/* Checksum of the backup_label that our own work left. */
#define PGR_LABEL_FILE "pg_replica.label"

typedef enum PgrStep
{
	PGR_STEP_ORDERED = 0,		/* nothing was touched */
	PGR_STEP_STAGING = 1,		/* rewind: the data moves into the other directory */
	PGR_STEP_STAGED = 2,		/* rewind: it is there, and as it was */
	PGR_STEP_REMOVING = 3,		/* clone: it is complete, the old data is removed */
	PGR_STEP_RETURNING = 4,		/* the new data moves into the data directory */
	PGR_STEP_FINISHING = 5,		/* it is there */
	PGR_STEP_REWINDING = 6		/* between 2 and 4: pg_rewind changes it */
} PgrStep;

/* The file "work" in the state directory. */
typedef struct PgrMarker
{
	char		node[PGR_NAME_SIZE];	/* whose work this is */
	PgrWork		work;
	PgrStep		step;
	char		source[PGR_NAME_SIZE];
	uint32		failures;		/* of this kind of work */
	uint32		identity_length;
	uint8		identity[PGR_IDENTITY_MAX];
	char		why[PGR_WHY_SIZE];
} PgrMarker;

/* marker.c; *found is false if there is none. */
extern bool pgr_marker_read(PgrMarker *marker, bool *found, char *problem, size_t size);
extern bool pgr_marker_write(const PgrMarker *marker, char *problem, size_t size);

/* Writes the step; a failure ends the helper, which is started again. */
extern void pgr_marker_step(PgrMarker *marker, PgrStep step);

/*
 * stage.c: all can be repeated after having been interrupted, and answer
 * false with a logged reason.
 */
extern bool pgr_stage_out_of_data_directory(const char *to);
extern bool pgr_stage_into_data_directory(const char *from);
extern bool pgr_stage_remove_old_data(void);

/* tool.c */
typedef struct PgrTool
{
	const char *name;			/* of a program beside the server's */
	char	  **arguments;		/* without the name; ends with NULL */
	bool		silent;			/* its lines are not logged */
	/* called with each line that is not about progress */
	void		(*line) (const char *line, void *argument);
	void	   *argument;
	char		last_line[512]; /* result: what it said in the end */
} PgrTool;

/* True if it ended with 0. */
extern bool pgr_tool_run(PgrTool *tool);

/* Why the program that was run last got no connection to the source. */
typedef enum PgrRefusal
{
	PGR_REFUSAL_NONE,			/* it got one, or failed before */
	PGR_REFUSAL_LOST,			/* there is no server, or it is no primary */
	PGR_REFUSAL_FULL			/* clients hold all its sessions */
} PgrRefusal;

extern PgrRefusal pgr_source_refusal;

extern void pgr_order_taken(uint32 number);

/* An order of the voter child that is newer than what the helper knows. */
extern bool pgr_order_is_new(void);

/* rewind.c: what pg_control says; false if it cannot be read. */
struct ControlFileData;
extern bool pgr_control_read(const char *path, struct ControlFileData *out);

/* rewind.c and clone.c: one attempt, from whatever step the marker says. */
extern bool pgr_rewind_attempt(PgrMarker *marker);
extern bool pgr_clone_attempt(PgrMarker *marker);

/* helper.c */
extern void pgr_work_phase(PgrWorkPhase phase);

/* Logs why an attempt failed, shows it to the cluster, and answers false. */
extern bool pgr_work_failed(const char *format,...) pg_attribute_printf(1, 2);

/* The same, of something to do with a path, with errno's reason. */
extern bool pgr_work_failed_to(const char *what, const char *path);

#endif							/* PGR_WORK_H */
