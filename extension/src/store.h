/*
 * store.h
 *		The state directory: what this node must not forget.
 */
#ifndef PGR_STORE_H
#define PGR_STORE_H

#define PGR_STORE_NAME_MAX 64
#define PGR_STORE_FILE_MAX (1024 * 1024)
#define PGR_STORE_FILES_MAX 32

/*
 * Opens (and if its parent allows it, makes) the directory.  On failure the
 * answer is false and "problem" says what happened and what to do.  Takes no
 * lock: the pre-start code and the assistant use it next to the voter.
 */
extern bool pgr_store_open(const char *directory, char *problem, size_t size);

/* The exclusive lock of whoever votes; held until the process ends. */
extern bool pgr_store_lock(char *problem, size_t size);

/* The number of this start, raised and on disk before the answer; 0: failed. */
extern int64 pgr_store_next_start(char *problem, size_t size);

/*
 * Durable when they answer true: content, name and directory.  A failed
 * replacement leaves the old content.
 */
extern bool pgr_store_replace(const char *name, const void *content, int32 length,
							  char *problem, size_t size);
extern bool pgr_store_append(const char *name, int64 offset, const void *content,
							 int32 length, char *problem, size_t size);
extern bool pgr_store_remove(const char *name, char *problem, size_t size);

/* malloc'd content, or NULL; *missing tells absence from failure. */
extern uint8 *pgr_store_read(const char *name, int32 *length, bool *missing,
							 char *problem, size_t size);

/* Is it a plain name that may be used in the directory? */
extern bool pgr_store_name_is_valid(const char *name);

/*
 * Files of the host itself; the core neither sees nor writes them.
 * "work" belongs to prestart.c, "addresses" to the voter.
 */
#define PGR_STORE_LOCK "lock"
#define PGR_STORE_START_NUMBER "startnumber"
#define PGR_STORE_WORK "work"
#define PGR_STORE_ADDRESSES "addresses"

/* Calls visit() for every file the core owns, in the order of their names. */
typedef bool (*PgrStoreVisit) (const char *name, const uint8 *content, int32 length, void *argument);
extern bool pgr_store_each(PgrStoreVisit visit, void *argument, char *problem, size_t size);

#endif							/* PGR_STORE_H */
