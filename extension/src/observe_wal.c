/*
 * observe_wal.c
 *		Where this node's WAL really ends.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecord.h"

#include "observe.h"

/* Reads from the WAL of one timeline; false if the file is not there. */
static bool
read_wal(TimeLineID timeline, XLogRecPtr at, void *out, size_t length)
{
	char		path[MAXPGPATH];
	XLogSegNo	segment;
	int			fd;
	bool		done;

	XLByteToSeg(at, segment, wal_segment_size);
	XLogFilePath(path, timeline, segment, wal_segment_size);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = pread(fd, out, length, XLogSegmentOffset(at, wal_segment_size)) == (ssize_t) length;
	close(fd);
	return done;
}

static XLogRecPtr
skip_page_header(XLogRecPtr at)
{
	if (at % XLOG_BLCKSZ != 0)
		return at;
	return at + (XLogSegmentOffset(at, wal_segment_size) == 0 ?
				 SizeOfXLogLongPHD : SizeOfXLogShortPHD);
}

/*
 * Is there a complete record after what was replayed?  The tail of received
 * WAL is often half a record, which will never count; a whole one that the
 * startup process has not come to yet does.
 */
bool
pgr_wal_record_follows(XLogRecPtr replayed, XLogRecPtr flushed, TimeLineID timeline)
{
	XLogRecPtr	at = skip_page_header(replayed);
	uint32		length;

	if (at + sizeof(length) > flushed)
		return false;
	if (!read_wal(timeline, at, &length, sizeof(length)) || length < SizeOfXLogRecord)
		return false;
	while (length > 0)
	{
		uint32		here;

		at = skip_page_header(at);
		here = Min(length, XLOG_BLCKSZ - at % XLOG_BLCKSZ);
		at += here;
		length -= here;
		if (at > flushed)
			return false;
	}
	return true;
}

/*
 * Where the next record will begin is behind a page's header when the last one
 * ends with a page, and nobody can flush or confirm that header before.
 */
XLogRecPtr
pgr_wal_written(void)
{
	XLogRecPtr	next = GetXLogInsertRecPtr();

	if (XLogSegmentOffset(next, wal_segment_size) == SizeOfXLogLongPHD)
		return next - SizeOfXLogLongPHD;
	return next % XLOG_BLCKSZ == SizeOfXLogShortPHD ? next - SizeOfXLogShortPHD : next;
}
