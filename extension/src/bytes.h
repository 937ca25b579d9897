/*
 * bytes.h
 *		Big-endian primitives of the border and of the wire, with bounds.
 */
#ifndef PGR_BYTES_H
#define PGR_BYTES_H

/* A fixed buffer being filled; "full" once something did not fit. */
typedef struct PgrWriter
{
	uint8	   *data;
	int32		capacity;
	int32		length;
	bool		full;
} PgrWriter;

/* Bytes being taken apart; "bad" once something was cut short or impossible. */
typedef struct PgrReader
{
	const uint8 *data;
	int32		length;
	int32		at;
	bool		bad;
} PgrReader;

static inline uint8 *
pgr_room(PgrWriter *to, int32 length)
{
	uint8	   *room = to->data + to->length;

	if (to->full || length < 0 || length > to->capacity - to->length)
	{
		to->full = true;
		return NULL;
	}
	to->length += length;
	return room;
}

static inline void
pgr_store_u16(uint8 *at, uint16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static inline uint16
pgr_load_u16(const uint8 *at)
{
	return (uint16) (at[0] << 8 | at[1]);
}

static inline void
pgr_store_u32(uint8 *at, uint32 value)
{
	at[0] = value >> 24;
	at[1] = value >> 16;
	at[2] = value >> 8;
	at[3] = value;
}

static inline uint32
pgr_load_u32(const uint8 *at)
{
	return ((uint32) at[0] << 24) | ((uint32) at[1] << 16) |
		((uint32) at[2] << 8) | at[3];
}

static inline void
pgr_store_u64(uint8 *at, uint64 value)
{
	pgr_store_u32(at, (uint32) (value >> 32));
	pgr_store_u32(at + 4, (uint32) value);
}

static inline uint64
pgr_load_u64(const uint8 *at)
{
	return ((uint64) pgr_load_u32(at) << 32) | pgr_load_u32(at + 4);
}

static inline void
pgr_put_u8(PgrWriter *to, uint8 value)
{
	uint8	   *room = pgr_room(to, 1);

	if (room != NULL)
		*room = value;
}

static inline void
pgr_put_u32(PgrWriter *to, uint32 value)
{
	uint8	   *room = pgr_room(to, 4);

	if (room != NULL)
		pgr_store_u32(room, value);
}

static inline void
pgr_put_i64(PgrWriter *to, int64 value)
{
	uint8	   *room = pgr_room(to, 8);

	if (room != NULL)
		pgr_store_u64(room, (uint64) value);
}

static inline void
pgr_put_bytes(PgrWriter *to, const void *value, int32 length)
{
	uint8	   *room;

	pgr_put_u32(to, length);
	room = pgr_room(to, length);
	if (room != NULL && length > 0)
		memcpy(room, value, length);
}

/* What is not printable ASCII arrives as a question mark. */
static inline void
pgr_put_str(PgrWriter *to, const char *value)
{
	int32		length = (int32) strlen(value);
	uint8	   *room;

	pgr_put_u32(to, length);
	room = pgr_room(to, length);
	if (room == NULL)
		return;
	for (int32 i = 0; i < length; i++)
		room[i] = value[i] >= 0x20 && value[i] <= 0x7e ? (uint8) value[i] : '?';
}

static inline const uint8 *
pgr_take(PgrReader *from, int32 length)
{
	const uint8 *taken = from->data + from->at;

	if (from->bad || length < 0 || length > from->length - from->at)
	{
		from->bad = true;
		return NULL;
	}
	from->at += length;
	return taken;
}

static inline uint8
pgr_take_u8(PgrReader *from)
{
	const uint8 *taken = pgr_take(from, 1);

	return taken != NULL ? *taken : 0;
}

static inline bool
pgr_take_bool(PgrReader *from)
{
	uint8		value = pgr_take_u8(from);

	if (value > 1)
		from->bad = true;
	return value == 1;
}

static inline uint32
pgr_take_u32(PgrReader *from)
{
	const uint8 *taken = pgr_take(from, 4);

	return taken != NULL ? pgr_load_u32(taken) : 0;
}

static inline int64
pgr_take_i64(PgrReader *from)
{
	const uint8 *taken = pgr_take(from, 8);

	return taken != NULL ? (int64) pgr_load_u64(taken) : 0;
}

/* Points into the reader's bytes. */
static inline const uint8 *
pgr_take_bytes(PgrReader *from, int32 *length)
{
	uint32		wanted = pgr_take_u32(from);

	*length = 0;
	if (wanted > PG_INT32_MAX)
		from->bad = true;
	if (from->bad)
		return NULL;
	*length = (int32) wanted;
	return pgr_take(from, (int32) wanted);
}

/* A copy that ends with a zero byte; bad if longer than the space for it. */
static inline void
pgr_take_str(PgrReader *from, char *out, size_t size)
{
	int32		length;
	const uint8 *taken = pgr_take_bytes(from, &length);

	out[0] = '\0';
	if (taken == NULL)
		return;
	if ((size_t) length >= size || memchr(taken, '\0', length) != NULL)
	{
		from->bad = true;
		return;
	}
	memcpy(out, taken, length);
	out[length] = '\0';
}

/* A text cut to the space for it: for what only people read. */
static inline void
pgr_take_text(PgrReader *from, char *out, size_t size)
{
	int32		length;
	const uint8 *taken = pgr_take_bytes(from, &length);

	out[0] = '\0';
	if (taken == NULL)
		return;
	length = Min(length, (int32) size - 1);
	memcpy(out, taken, length);
	out[length] = '\0';
}

/* The count of a list whose items take at least item_size bytes each. */
static inline int32
pgr_take_count(PgrReader *from, int32 item_size)
{
	uint32		count = pgr_take_u32(from);

	if (from->bad || count > (uint32) (from->length - from->at) / item_size)
	{
		from->bad = true;
		return 0;
	}
	return (int32) count;
}

#endif							/* PGR_BYTES_H */
