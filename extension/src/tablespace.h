/*
 * tablespace.h
 *		Tablespaces in clone and rewind.
 */
#ifndef PGR_TABLESPACE_H
#define PGR_TABLESPACE_H

#define PGR_TABLESPACES_MAX 100

typedef struct PgrTablespace
{
	char		oid[16];
	char		location[MAXPGPATH];	/* on the source */
	char		place[MAXPGPATH];	/* on this node */
} PgrTablespace;

typedef struct PgrTablespaces
{
	PgrTablespace all[PGR_TABLESPACES_MAX];
	int			n;
	char		shared[16];		/* OID of one whose place on the source is one of ours */
	bool		problem;		/* the source said something unexpected */
} PgrTablespaces;

/*
 * Asks the source for its tablespaces and decides where they come to; false,
 * with a reason, if a place cannot be used.
 */
extern bool pgr_tablespaces_find(const char *source, PgrTablespaces *found);

/* Removes the directories that the attempt made for copies. */
extern bool pgr_tablespaces_forget(void);

/*
 * pg_rewind writes through this node's links, and makes links to the source's
 * paths for those that it lacks; false, with a reason, if it must not.
 */
extern bool pgr_tablespaces_allow_rewind(const char *source);

/* --tablespace-mapping=... for pg_basebackup; false if it is too long. */
extern bool pgr_tablespace_mapping(const PgrTablespace *tablespace, char *out, size_t size);

/* The copies beside the old data are on disk. */
extern bool pgr_tablespaces_fsync(const PgrTablespaces *found);

/* All can be repeated after having been interrupted. */
extern bool pgr_tablespaces_remove_old_data(void);
extern bool pgr_tablespaces_return(const char *from);

#endif							/* PGR_TABLESPACE_H */
