/*
 * files.h
 *		Durable changes to files and directories, with plain system calls: they
 *		are needed where Postgres's file layer is not there yet, and fsync
 *		whatever the setting "fsync" says.
 *
 * All answer false, or -1, with errno set.
 */
#ifndef PGR_FILES_H
#define PGR_FILES_H

extern bool pgr_fsync_path(const char *path);

/* Of the directory that holds the path. */
extern bool pgr_fsync_parent(const char *path);

/* Writes a temporary file beside it, fsyncs, renames, fsyncs the directory. */
extern bool pgr_file_write(const char *path, const void *content, size_t length);

/* malloc'd and ended by a zero byte, or NULL; at most "limit" bytes. */
extern char *pgr_file_read(const char *path, size_t limit, size_t *length);

extern bool pgr_file_exists(const char *path);

/* Copies one file, fsyncs the copy. */
extern bool pgr_file_copy(const char *from, const char *to);

/* Removes a file or a whole tree; what is absent counts as removed. */
extern bool pgr_tree_remove(const char *path);

/* fsyncs a tree, not following symbolic links. */
extern bool pgr_tree_fsync(const char *path);

/* Bytes in regular files below a directory; what vanishes meanwhile is not counted. */
extern uint64 pgr_tree_size(const char *path);

/* Calls visit for each entry but "." and ".."; stops at the first false. */
typedef bool (*PgrEntryVisit) (const char *directory, const char *name, void *argument);
extern bool pgr_directory_each(const char *directory, PgrEntryVisit visit, void *argument);

#endif							/* PGR_FILES_H */
