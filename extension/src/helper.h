/*
 * helper.h
 *		The process that does the work before a start, attempt after attempt.
 */
#ifndef PGR_HELPER_H
#define PGR_HELPER_H

/* Never returns; ends with 0 when the work is done and the marker is gone. */
extern void pgr_helper_main(void) pg_attribute_noreturn();

/* prestart.c: the backup_label in the data directory is of our own work. */
extern bool pgr_label_accept(void);

#endif							/* PGR_HELPER_H */
